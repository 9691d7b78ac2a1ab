"""One exchange with the platform over real HTTP: every way to fail has its cause, and no secret comes out anywhere."""

import asyncio
import logging
import socket
import threading
import time
import traceback

import pytest
from structlog.testing import capture_logs
from support.fake_platform import FakePlatform, Raw

from callcore import causes
from tincall.clock import ManualClock, SystemClock
from tincall.wechat import transport as module
from tincall.wechat.transport import ANSWER_MAX_BYTES, Transport, open_client
from tincall.wechat.vocabulary import PlatformError

CANARY = "CANARY-a1b2c3d4e5"
QUERY = {"access_token": CANARY}
BODY = {"appid": "wx0123456789abcdef", "secret": CANARY, "name": "\u95e8\u94c3"}


@pytest.fixture
def platform():
    with FakePlatform() as running:
        yield running


async def ask(platform, body=BODY, total_s=5.0, url=None, clock=None):
    """Ask once; gives the answer or the error."""
    transport = Transport(open_client(), url or platform.url, total_s, clock or SystemClock())
    try:
        return await transport.ask("call", "/x", QUERY, body)
    except PlatformError as error:
        return error
    finally:
        await transport.close()


async def test_a_question_is_json_by_post(platform):
    platform.answers["/x"] = {"errcode": 0, "errmsg": "ok", "value": 1}
    assert (await ask(platform))["value"] == 1
    (asked,) = platform.asked
    assert (asked.method, asked.query, asked.body) == ("POST", QUERY, BODY)
    assert asked.headers["Content-Type"].startswith("application/json")
    # what comes packed has no bound before it is unpacked
    assert asked.headers["Accept-Encoding"] == "identity"


async def test_a_question_without_a_body_is_a_get(platform):
    platform.answers["/x"] = {"value": 1}
    assert await ask(platform, None) == {"value": 1}
    assert platform.asked[0].method == "GET"


@pytest.mark.parametrize("errcode", [9, "9"])
async def test_an_error_number_becomes_an_error(platform, errcode):
    platform.answers["/x"] = {"errcode": errcode, "errmsg": "not authorized rid: 1-2-3"}
    error = await ask(platform)
    assert (error.api, error.number, error.cause, error.maybe_done) == ("call", 9, causes.BARRED, False)
    assert "rid: 1-2-3" in error.detail


FAULTS = [
    (Raw(302, b"", {"Location": "http://127.0.0.1:1/"}), "redirect", causes.PROTOCOL_ERROR, "no", False),
    (Raw(500, b"{}"), "HTTP status 500", causes.TEMPORARY_FAILURE, "later", True),
    (Raw(429, b"{}"), "HTTP status 429", causes.TEMPORARY_FAILURE, "later", False),
    (Raw(404, b"{}"), "HTTP status 404", causes.PROTOCOL_ERROR, "no", False),
    (Raw(200, b"<html>"), "JSON object", causes.PROTOCOL_ERROR, "no", True),
    (Raw(200, b""), "JSON object", causes.PROTOCOL_ERROR, "no", True),
    (Raw(200, b"[]"), "JSON object", causes.PROTOCOL_ERROR, "no", True),
    (Raw(200, b"\xff"), "JSON object", causes.PROTOCOL_ERROR, "no", True),
    (Raw(200, b'{"errcode": true}'), "JSON object", causes.PROTOCOL_ERROR, "no", True),
    (Raw(200, b'{"errcode": "nine"}'), "JSON object", causes.PROTOCOL_ERROR, "no", True),
    (Raw(200, b" " * (ANSWER_MAX_BYTES + 1)), "more than", causes.PROTOCOL_ERROR, "no", True),
    (Raw(200, b"x", {"Content-Encoding": "gzip"}), "packed", causes.PROTOCOL_ERROR, "no", True),
    (Raw(drop=True), "broke the connection off", causes.TEMPORARY_FAILURE, "later", True),
]


@pytest.mark.parametrize(("answer", "words", "cause", "retry", "maybe_done"), FAULTS, ids=[one[1] for one in FAULTS])
async def test_a_fault_is_told(platform, answer, words, cause, retry, maybe_done):
    platform.answers["/x"] = answer
    error = await ask(platform)
    assert words in error.detail and error.detail.endswith("(call).") and error.advice.endswith(".")
    assert (error.number, error.cause, error.retry, error.maybe_done) == (None, cause, retry, maybe_done)
    assert len(platform.asked) == 1


async def test_a_platform_that_is_not_there(platform):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = await ask(platform, url=f"http://127.0.0.1:{free.getsockname()[1]}")
    assert "cannot be reached" in error.detail
    assert (error.cause, error.retry, error.maybe_done) == (causes.DESTINATION_OUT_OF_ORDER, "later", False)


async def test_a_platform_without_a_certificate(platform):
    error = await ask(platform, url=platform.url.replace("http:", "https:"))
    assert "certificate" in error.detail and "clock" in error.advice


async def test_an_answer_that_never_ends_is_given_up(platform):
    done = threading.Event()
    platform.answers["/x"] = Raw(200, b"{", hold=done)
    began_s = time.monotonic()
    try:
        error = await ask(platform, total_s=0.3)
    finally:
        done.set()
    assert "in time" in error.detail and error.maybe_done
    assert time.monotonic() - began_s < 10


async def test_who_stops_waiting_is_heard(platform):
    done = threading.Event()
    platform.answers["/x"] = Raw(200, b"{", hold=done)
    waiting = asyncio.create_task(ask(platform, total_s=60))
    try:
        assert await asyncio.to_thread(platform.came.wait, 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    finally:
        done.set()


@pytest.mark.parametrize("answer", [one[0] for one in FAULTS] + [{"errcode": 40001, "errmsg": f"bad {CANARY} here"}])
async def test_no_secret_is_in_any_error_or_log(platform, answer, caplog):
    platform.answers["/x"] = answer
    caplog.set_level(1)
    with capture_logs() as logs:
        error = await ask(platform)
    seen = [str(error), repr(error), error.detail, error.advice, repr(error.__dict__)]
    seen += traceback.format_exception(error)
    seen += [record.getMessage() for record in caplog.records] + [repr(logs)]
    chain = error
    while chain is not None:
        seen.append(repr(chain))
        chain = chain.__cause__ or chain.__context__
    assert not [text for text in seen if CANARY in text]
    assert error.__context__ is None
    assert platform.asked[0].query == QUERY


async def test_the_http_library_is_silent_whatever_the_root_logs(platform, caplog):
    caplog.set_level(1)
    platform.answers["/x"] = {}
    await ask(platform)
    assert [record for record in caplog.records if record.name.startswith("http")] == []
    assert logging.getLogger("httpx").getEffectiveLevel() >= logging.WARNING


async def test_the_platforms_words_are_bounded(platform):
    platform.answers["/x"] = {"errcode": 9, "errmsg": "a\x1b[31m\n" + "b" * 5000}
    error = await ask(platform)
    assert len(error.detail) < 400 and error.detail.isprintable()


@pytest.mark.parametrize(
    ("date", "ahead_s"), [("Mon, 21 Sep 2026 14:20:00 GMT", -799.5), ("Mon, 21 Sep 2026 14:36:40 -0000", 200.5)]
)
async def test_the_clocks_are_compared(platform, date, ahead_s):
    clock = ManualClock(1_200_000)
    # it is 2026-09-21 14:33:20 UTC
    platform.date = date
    platform.answers["/x"] = {}
    transport = Transport(open_client(), platform.url, 5, clock)
    assert transport.offset_s is None
    await transport.ask("call", "/x", {})
    await transport.close()
    assert transport.offset_s == ahead_s


async def test_a_wrong_clock_is_told_once_until_it_is_right_again(platform):
    clock = ManualClock(1_200_000)
    platform.answers["/x"] = {}
    transport = Transport(open_client(), platform.url, 5, clock)
    with capture_logs() as logs:
        for date in ("14:33:26", "14:33:27", "14:33:24", "14:33:10"):
            platform.date = f"Mon, 21 Sep 2026 {date} GMT"
            await transport.ask("call", "/x", {})
    await transport.close()
    assert [one["offset_s"] for one in logs if one["log_level"] == "warning"] == [6, -10]


async def test_a_date_that_is_none_does_no_harm(platform):
    platform.date = "soon"
    platform.answers["/x"] = {}
    transport = Transport(open_client(), platform.url, 5, SystemClock())
    assert await transport.ask("call", "/x", {}) == {}
    await transport.close()
    assert transport.offset_s is None


def test_the_client_follows_nothing_and_asks_nobody():
    client = open_client()
    assert not client.follow_redirects and not client.trust_env
    assert module.CLOCK_MAX_S == 5

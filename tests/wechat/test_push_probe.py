"""Knocking at a push URL: what is right is told, and each wrong is told with what to do."""

import dataclasses
import socket
import threading

import pytest
from support.envelopes import KEYS
from support.fake_platform import FakePlatform, Raw
from support.push_end import push_end

from tincall.clock import SystemClock
from tincall.wechat import push_probe
from tincall.wechat.push_probe import probe


@pytest.fixture
def platform():
    with FakePlatform() as running:
        yield running


async def found(platform, answer, path="/wechat/push", url=None):
    platform.answers["/wechat/push"] = answer
    return await probe(url or platform.url + path, KEYS, SystemClock())


async def wrong(platform, answer, **more):
    """Give detail and advice of the one thing that is wrong."""
    all_found = await found(platform, answer, **more)
    assert [state for state, _, _ in all_found[:-1]] == ["ok"] * (len(all_found) - 1)
    state, detail, advice = all_found[-1]
    assert state == "failed" and detail.endswith(".") and advice.endswith(".")
    return detail, advice


async def test_a_relay_that_is_right(platform):
    all_found = await found(platform, push_end())
    assert [state for state, _, _ in all_found] == ["ok"] * 4
    assert [one.method for one in platform.asked] == ["GET", "GET", "POST", "POST"]


async def test_an_empty_answer_to_an_unknown_event_will_do(platform):
    assert (await found(platform, push_end(unknown=b"")))[-1][0] == "ok"


async def test_the_urls_own_query_stays(platform):
    await found(platform, push_end(), path="/wechat/push?tenant=1")
    assert {one.query["tenant"] for one in platform.asked} == {"1"}


async def test_another_token(platform):
    detail, advice = await wrong(platform, push_end(dataclasses.replace(KEYS, token="another")))
    assert "console's check" in detail and "Token" in advice


async def test_another_key(platform):
    detail, advice = await wrong(platform, push_end(dataclasses.replace(KEYS, aes_key=bytes(32))))
    assert "encrypted push" in detail and "EncodingAESKey" in advice


async def test_one_who_believes_everything(platform):
    detail, _ = await wrong(platform, push_end(open_to_all=True))
    assert "nobody signed" in detail


async def test_another_answer_to_an_unknown_event(platform):
    detail, _ = await wrong(platform, push_end(unknown=b'{"errcode":2}'))
    assert "success" in detail


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Raw(404, b""), "nothing at this path"),
        (Raw(301, b"", {"Location": "https://127.0.0.1/"}), "redirect"),
        (Raw(200, b"<html>Welcome</html>"), "does not give back"),
        (Raw(200, b"x" * 100_000), "does not give back"),
        (Raw(502, b""), "status 502"),
        (Raw(drop=True), "broke the connection off"),
    ],
)
async def test_something_else_at_the_url(platform, answer, words):
    detail, _ = await wrong(platform, answer)
    assert words in detail


async def test_nothing_at_the_url(platform):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        detail, _ = await wrong(platform, {}, url=f"http://127.0.0.1:{free.getsockname()[1]}/wechat/push")
    assert "cannot be reached" in detail


async def test_a_certificate_that_nobody_trusts(platform):
    detail, _ = await wrong(platform, {}, url=platform.url.replace("http:", "https:"))
    assert "certificate" in detail


async def test_one_that_is_slow(platform, monkeypatch):
    monkeypatch.setattr(push_probe, "WAIT_S", 0.2)
    done = threading.Event()
    try:
        detail, _ = await wrong(platform, Raw(200, b"x", hold=done))
    finally:
        done.set()
    assert "within" in detail


@pytest.mark.parametrize(
    "url", ["https://door.invalid:8444/p", "http://door.invalid:8080/p", "http://door.invalid:443/p"]
)
async def test_a_port_that_the_platform_does_not_take(platform, url):
    detail, _ = await wrong(platform, {}, url=url)
    assert "port 443" in detail and "port 80" in detail


@pytest.mark.parametrize("url", ["door", "ftp://door.invalid/", "https://", "http://door.invalid:x/"])
async def test_what_is_no_address(platform, url):
    detail, _ = await wrong(platform, {}, url=url)
    assert "no address" in detail


async def test_the_platforms_ports_are_taken():
    for url in ("https://door.invalid/p", "https://door.invalid:443/p", "http://door.invalid/p"):
        assert "platform takes" in push_probe._check_address(url)

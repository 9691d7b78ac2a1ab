"""Requests over real TLS on loopback, in both event loops, at TLS 1.3 and capped at 1.2."""

import asyncio
import contextlib
import gc
import json
import socket
import ssl
import weakref

import pytest
import uvloop
from relay_store import Store
from structlog.testing import capture_logs
from support.device_port import port
from support.exchange import PHONES
from support.plain_client import PlainClient

from callcore import attest
from tincall.relay.verifier import Verifier
from tincall.settings import LimitSettings

ANSWERS = 1000  # of 4 KB each; half a megabyte lies in the kernel and with a client that does not read


async def deaf(here):
    """Connect a client that reads nothing, and whose kernel keeps little for it."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", here.gate.port))
    context = ssl.create_default_context(cafile=str(here.anchor))
    client = PlainClient(*await asyncio.open_connection(sock=raw, ssl=context, server_hostname="127.0.0.1"))
    here.clients.append(client)
    client.writer.transport.pause_reading()
    return client


async def ask(client, count):
    """Send so many requests, as fast as they are taken."""
    for _ in range(count):
        client.send("POST", "/v1/verify/begin", b"x")
        await client.writer.drain()


@pytest.mark.parametrize("newest", ["1.2", "1.3"])
async def test_two_requests_and_the_link_go_over_one_connection(loop_factory, authority, certificate, newest):
    async with port(authority, certificate, newest) as here:
        client = await here.client()
        assert client.writer.get_extra_info("ssl_object").version() == f"TLSv{newest}"
        first = await client.request("POST", "/v1/verify/begin", b"one")
        second = await client.request("POST", "/v1/verify/finish", b"two")
        assert (first.json, second.json) == ({"asked": "begin"}, {"asked": "finish"})
        assert here.verifier.asked == [("begin", b"one", "127.0.0.1"), ("finish", b"two", "127.0.0.1")]
        await client.link("good-board-1")
        assert client.last("welcome")["contacts"] == PHONES
        assert here.switchboard.online("board-1")["address"] == "127.0.0.1"


async def test_a_client_capped_at_tls_1_2_is_served(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        client = await here.link(newest="1.2")
        assert client.writer.get_extra_info("ssl_object").version() == "TLSv1.2"


async def test_requests_sent_ahead_are_answered_in_order(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        here.verifier.hold = asyncio.Event()
        client = await here.client()
        client.send("POST", "/v1/verify/begin", b"1")
        client.send("POST", "/v1/verify/finish", b"2")
        client.send("GET", "/nothing")
        await here.until(lambda: here.verifier.asked)
        assert len(here.verifier.asked) == 1
        here.verifier.hold.set()
        answers = [await client.answer() for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 404]
        assert [answer.json.get("asked") for answer in answers[:2]] == ["begin", "finish"]


async def test_the_verifiers_refusal_arrives_with_its_headers(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        answer = await (await here.client()).request("POST", "/v1/verify/begin", b"refuse")
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_verifier_that_takes_too_long_is_not_waited_for(loop_factory, authority, certificate):
    async with port(authority, certificate, answer_ms=50) as here:
        here.verifier.hold = asyncio.Event()
        answer = await (await here.client()).request("POST", "/v1/verify/begin", b"x")
        assert (answer.status, answer.json["reason"]) == (503, "unavailable")


async def test_a_client_that_leaves_while_it_is_verified_harms_nothing(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        here.verifier.hold = asyncio.Event()
        client = await here.client()
        client.send("POST", "/v1/verify/begin", b"x")
        await here.until(lambda: here.verifier.asked)
        await client.close()
        await asyncio.sleep(0.05)
        here.verifier.hold.set()
        await here.empty()


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "reason"),
    [
        ("GET", "/", {}, 404, "not_found"),
        ("GET", "/v1/verify/begin", {}, 405, "bad_request"),
        ("POST", "/v1/verify/begin", {"Origin": "https://example.org"}, 403, "browser"),
        ("GET", "/v1/link", {}, 426, "bad_request"),
    ],
)
async def test_what_has_no_business_here_is_told_so(
    loop_factory, authority, certificate, method, path, headers, status, reason
):
    async with port(authority, certificate) as here:
        answer = await (await here.client()).request(method, path, **headers)
        assert (answer.status, answer.json["reason"]) == (status, reason)
        assert here.verifier.asked == []


async def test_a_wrong_token_gets_no_link_and_keeps_the_connection(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        client = await here.client()
        with capture_logs() as lines:
            answer = await client.upgrade("canary-token")
        assert (answer.status, answer.json["reason"]) == (401, "auth_failed")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "canary" not in json.dumps(lines, default=str) and len(lines) == 1
        await client.link("good-board-1")


async def test_garbage_inside_tls_is_answered_400_and_ends(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        client = await here.client()
        client.writer.write(b"\x00\x01\x02 what is this\r\n\r\n" + b"x" * 60_000)
        with capture_logs() as lines:
            assert (await client.answer()).status == 400
            await client.ended()
        assert [line["event"] for line in lines] == ["request refused"]
        await here.empty()


async def test_half_a_request_is_told_so_in_time(loop_factory, authority, certificate):
    async with port(authority, certificate, request_ms=200) as here:
        client = await here.client()
        client.writer.write(b"POST /v1/verify/begin HTTP/1.1\r\nHost: a\r\n")
        assert (await client.answer()).status == 408
        await client.ended()
        await here.empty()


async def test_dripping_bytes_does_not_help(loop_factory, authority, certificate):
    async with port(authority, certificate, request_ms=300) as here:
        client = await here.client()

        async def drip():
            while True:
                client.writer.write(b"x")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await client.answer()).status == 408
        await here.empty()
        dripping.cancel()


async def test_a_mute_connection_is_closed_with_one_log_line(loop_factory, authority, certificate):
    async with port(authority, certificate, request_ms=100) as here:
        with capture_logs() as lines:
            client = await here.client()
            assert await client.ended() == b""
        assert [line["event"] for line in lines] == ["connection ended without a request"]


async def test_an_idle_connection_is_closed(loop_factory, authority, certificate):
    async with port(authority, certificate, idle_ms=100) as here:
        client = await here.client()
        assert (await client.request("POST", "/v1/verify/begin", b"x")).status == 200
        assert await client.ended() == b""


async def test_who_does_not_read_answers_gets_no_more_of_them(loop_factory, authority, certificate):
    """Answers that nobody reads would pile up here, for as long as requests are sent (T-AS-09)."""
    patience = {"request_ms": 300, "idle_ms": 300, "linger_ms": 100}
    async with port(authority, certificate, **patience) as here:
        here.verifier.more = {"more": "x" * 4096}
        client = await deaf(here)
        with contextlib.suppress(OSError):
            await ask(client, ANSWERS)
        await here.empty()
        assert 0 < len(here.verifier.asked) < ANSWERS // 2


async def test_who_reads_answers_late_gets_all_of_them(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        here.verifier.more = {"more": "x" * 4096}
        client = await deaf(here)
        asking = asyncio.create_task(ask(client, ANSWERS // 2))
        await here.until(lambda: any(getattr(one, "_is_full", False) for one in here.gate._inside))
        client.writer.transport.resume_reading()
        for _ in range(ANSWERS // 2):
            assert (await client.answer()).status == 200
        await asking
        assert len(here.verifier.asked) == ANSWERS // 2


async def test_the_whole_verification_over_tls(loop_factory, authority, certificate, tmp_path):
    der = ssl.PEM_cert_to_DER_cert(certificate[0].read_text())  # noqa: ASYNC240 - one small file
    async with Store(tmp_path) as store:
        key = await store.registry.enrol("SN-1", "model-x")
        verifier = Verifier(store.registry, der, LimitSettings(), store.clock)
        async with port(authority, certificate, verifier=verifier) as here:
            client = await here.client()
            board = attest.Attester(key, "SN-1", "model-x", 1, b"\1\2\3\4\5\6", "1.0")
            challenge = await client.request("POST", "/v1/verify/begin", board.begin(b"\xd0" * 16))
            seen = attest.channel_binding(client.writer.get_extra_info("ssl_object").getpeercert(True))
            answer = await client.request("POST", "/v1/verify/finish", board.challenged(challenge.json, 1, seen))
            await client.link(board.granted(answer.json)["token"])
            assert here.switchboard.online("SN-1")["call"] is None


async def test_many_requests_in_one_breath_are_each_refused(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        client = await here.client()
        client.writer.write(b"GET /nothing HTTP/1.1\r\nHost: relay\r\n\r\n" * ANSWERS)
        for _ in range(ANSWERS):
            assert (await client.answer()).status == 404


@pytest.mark.parametrize("loop_factory", [uvloop.new_event_loop], ids=["uvloop"])  # asyncio's own TLS has circles
async def test_who_is_gone_takes_no_memory_at_once(loop_factory, authority, certificate):
    """A circle of objects would keep TLS's buffers until Python looks for circles, hundreds of connections later (T-AS-09)."""
    kept = []
    async with port(authority, certificate, linger_ms=50, handshake_ms=500) as here:
        gc.collect()
        gc.disable()
        try:
            _, mute = await here.raw()
            _, half = await here.raw()
            half.write(bytes.fromhex("16030100c8010000c40303"))
            client, deaf_one, link = await here.client(), await deaf(here), await here.link()
            assert (await client.request("GET", "/nothing")).status == 404
            await here.until(lambda: here.gate.connections == 5)
            kept = [weakref.ref(one) for one in here.gate._inside]
            for writer in (mute, half, client.writer, deaf_one.writer, link.writer):
                writer.transport.abort()
            await here.empty()
            await here.until(lambda: not [one() for one in kept if one() is not None])
        finally:
            gc.enable()

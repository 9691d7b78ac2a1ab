"""Requests and links over real TLS on loopback, in both event loops, at TLS 1.3 and capped at 1.2."""

import asyncio
import contextlib
import json
import socket
import ssl

import pytest
from relay_store import Store
from structlog.testing import capture_logs
from support.board_end import HELLO, BoardEnd, frame, media, packet, text
from support.device_port import OFFER, call, port
from support.exchange import PHONES

from callcore import attest, framer
from tincall.relay.verifier import Verifier
from tincall.settings import LimitSettings


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


@pytest.mark.parametrize("newest", ["1.2", "1.3"])
async def test_a_call_with_media_both_ways(loop_factory, authority, certificate, newest):
    async with port(authority, certificate, newest) as here:
        client = await here.link()
        phone, agreed = await call(here, client)
        for i in range(50):
            client.writer.write(media(i, agreed["ssrc"]))
            phone.speaks(packet(i, agreed["remote_ssrc"]))
            await asyncio.sleep(0)
        await client.until(lambda: len(client.packets) == 50)
        client.say({"t": "bye", "call": "c1", "cause": 16})
        await client.until(lambda: client.heard("ended"))
        assert client.packets == [packet(i, agreed["remote_ssrc"]) for i in range(50)]
        assert phone.got == [packet(i, agreed["ssrc"]) for i in range(50)]
        assert client.last("ended")["released_by"] == "device"


async def test_frames_sent_together_with_the_upgrade_are_not_lost(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        client = await here.client()
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        client.send(
            "GET", "/v1/link", b"", Connection="Upgrade", Upgrade="websocket", Sec_WebSocket_Version="13",
            Sec_WebSocket_Key=key, Sec_WebSocket_Protocol="tincall.v1", Authorization="Bearer good-board-1",
        )  # fmt: skip
        client.writer.write(frame(framer.PING, b"early"))
        answer = await client.answer()
        assert (answer.status, answer.headers["sec-websocket-accept"]) == (101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        client.take(await client.reader.read(100))
        assert client.pongs == [b"early"]


async def test_a_goodbye_is_answered_and_the_relay_closes_first(loop_factory, authority, certificate):
    async with port(authority, certificate, linger_ms=5000) as here:
        client = await here.link()
        client.writer.write(frame(framer.CLOSE, framer.close_payload(1000, "")))
        async with asyncio.timeout(2):
            await client.ended()
        assert client.close_code == 1000
        await here.empty()


async def test_a_flood_hears_its_close_code_although_it_never_stops(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        client = await here.link()
        _, agreed = await call(here, client)

        async def flood():
            with contextlib.suppress(OSError):
                for i in range(100_000):
                    client.writer.write(media(i, agreed["ssrc"]))
                    await client.writer.drain()

        flooding = asyncio.create_task(flood())
        await client.until(lambda: client.close_code)
        assert client.close_code == 4429
        await here.empty()
        flooding.cancel()


async def test_a_link_cut_off_ends_its_call(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        client = await here.link()
        phone, _ = await call(here, client)
        client.writer.transport.abort()
        await here.empty()
        assert phone.told[-1][:3] == ("release", 690, "device")
        assert here.switchboard.online("board-1") is None


class DeafBoard(BoardEnd):
    """A board that gets as far as a call and then reads no more; plain blocking sockets, since asyncio reads ahead."""

    def __init__(self, number, anchor):
        super().__init__()
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(10)
        raw.connect(("127.0.0.1", number))
        context = ssl.create_default_context(cafile=str(anchor))
        self.sock = context.wrap_socket(raw, server_hostname="127.0.0.1")
        self.sock.sendall(
            b"GET /v1/link HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Protocol: tincall.v1\r\nAuthorization: Bearer good-deaf\r\n\r\n"
        )
        self.sock.recv(4096)
        self.sock.sendall(text(HELLO) + text({"t": "invite", "call": "deaf", "to": "mum", "media": OFFER}))

    def wait_for(self, kind):
        while not self.heard(kind):
            self.take(self.sock.recv(4096))


async def test_a_board_that_does_not_read_costs_itself_only(loop_factory, authority, certificate):
    async with port(authority, certificate, stalled_ms=1500) as here:
        deaf = await asyncio.to_thread(DeafBoard, here.gate.port, here.anchor)
        phone = await here.phone()
        phone.answers()
        await asyncio.to_thread(deaf.wait_for, "answer")
        session = here.switchboard._lines["deaf"].session
        ssrc = phone.offer.media.ssrc
        for i in range(100_000):
            phone.speaks(packet(i & 0xFFFF, ssrc))
            if session.state == "CLOSED":
                break
            await asyncio.sleep(0 if i % 10 else 0.002)
        # what it hears when it wakes is some seconds of speech, not minutes
        assert session.media_out < 300 and session.media_dropped > 1000
        assert session.close_code == 1013
        await here.until(lambda: not here.gate.connections)
        deaf.sock.close()


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

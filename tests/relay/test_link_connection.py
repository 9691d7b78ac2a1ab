"""Links over real TLS on loopback, in both event loops: calls, goodbyes, floods, cuts, and a board that does not read."""

import asyncio
import contextlib
import socket
import ssl

import pytest
from support.board_end import HELLO, BoardEnd, frame, media, packet, text
from support.device_port import OFFER, call, port

from callcore import framer


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

"""Before TLS: what is no handshake is told so or closed in time, with one log line and nothing left behind."""

import asyncio
import contextlib
import socket
import ssl
import struct

import pytest
from structlog.testing import capture_logs
from support.authority import TestAuthority
from support.device_port import port
from support.plain_client import PlainClient


async def test_plain_http_is_told_that_this_port_speaks_tls(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        reader, writer = await here.raw()
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400 ") and answer.endswith(b"TLS only")
        writer.close()


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x00" * 600, b"\x16\x03\x01\x00\x05hello"])
async def test_what_is_no_tls_is_closed_with_one_log_line(loop_factory, authority, certificate, data):
    async with port(authority, certificate) as here:
        with capture_logs() as lines:
            reader, writer = await here.raw()
            writer.write(data)
            async with asyncio.timeout(5):
                with contextlib.suppress(OSError):
                    await reader.read()
            await here.empty()
            writer.close()
        assert [line["event"] for line in lines] == ["no TLS"]


async def test_a_client_that_trusts_another_authority_goes_away_quietly(loop_factory, authority, certificate, tmp_path):
    other = TestAuthority(tmp_path, "Other CA")
    async with port(authority, certificate) as here:
        with capture_logs() as lines:
            with pytest.raises(ssl.SSLCertVerificationError):
                await PlainClient.connect(here.gate.port, other.anchor)
            await here.empty()
        assert len(lines) == 1


async def test_silence_instead_of_tls_is_closed_in_time(loop_factory, authority, certificate):
    async with port(authority, certificate, handshake_ms=200) as here:
        reader, writer = await here.raw()
        async with asyncio.timeout(3):
            with contextlib.suppress(OSError):
                assert await reader.read() == b""
        await here.empty()
        writer.close()


async def test_connections_reset_at_any_moment_leave_nothing_behind(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        for sent in (0, 1, 50, 200):
            for _ in range(5):
                sock = socket.create_connection(("127.0.0.1", here.gate.port))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.send(b"\x16\x03\x01\x02\x00" + bytes(sent))
                await asyncio.sleep(0.001)
                sock.close()
        for _ in range(5):
            client = await here.client()
            client.send("POST", "/v1/verify/begin", b"x")
            client.writer.transport.abort()
        await here.empty()

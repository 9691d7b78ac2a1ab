"""What has no business on the device port, and boards that misbehave on their link: each is shown the door with the right
word, and a call beside it loses nothing."""

import asyncio
import contextlib
import json
import os
import socket
import ssl
import time

import pytest
from chain import assert_accounted, with_phones
from stranger import linked
from support.board_end import frame, media

from callcore import causes, framer
from tincall.measure.stage import wait_until

HELLO_OF_TLS = bytes.fromhex("16030100c8010000c40303")  # the beginning of a ClientHello, and then nothing


@contextlib.contextmanager
def a_call_beside(relay, tone):
    """Hold a call while guests misbehave; afterwards every frame of it must be accounted for and none be missing."""
    with relay.board("cpython", "--mic", tone) as board:
        board.press("call")
        board.wait("mic_played")
        yield
        assert board.states()[-1] == "ANSWERED"
        board.press("end")
        record = relay.settled(board.sn)
        assert (record["cause"], record["released_by"]) == (causes.NORMAL, "device")
        assert_accounted(board, record)


def answered(relay, data, within_s):
    """Say something to the bare port and read to the end; gives what it answered."""
    with socket.create_connection(("127.0.0.1", relay.ready["device_port"])) as plain:
        plain.settimeout(within_s)
        plain.sendall(data)
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while more := plain.recv(4096):
                heard += more
        return heard


@with_phones("answers")
def test_what_is_no_tls(relay, tone):
    with a_call_beside(relay, tone):
        assert b"400 Bad Request" in answered(relay, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 5)
        answered(relay, os.urandom(1) + b"garbage" * 1000, 5)
        answered(relay, b"\x16" + os.urandom(3000), 5)
        answered(relay, HELLO_OF_TLS[:5] + b"\xff" * 500, 5)
    assert "no TLS" in relay.log()
    assert "Traceback" not in relay.log()


@with_phones("answers")
def test_a_handshake_that_stops_half_way_is_given_up(relay, tone):
    with a_call_beside(relay, tone):
        began_s = time.monotonic()
        answered(relay, HELLO_OF_TLS, 20)
        answered_s = time.monotonic() - began_s
    assert 1.5 < answered_s < 6  # two seconds by the settings of this relay


@with_phones("answers")
def test_tls_that_is_too_old(relay):
    hello = bytes.fromhex("0302") + os.urandom(32) + bytes.fromhex("000002c0090100")  # TLS 1.1 and no more
    handshake = b"\x01" + len(hello).to_bytes(3, "big") + hello
    said = answered(relay, b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake, 5)
    assert said[:1] in (b"", b"\x15"), "closed, with an alert or without (RFC 8446 section 6.2)"
    wait_until(relay.stage, "a line in the log", 5, lambda: "unsupported protocol" in relay.log())


def secured(relay):
    """Connect with TLS as anybody may who knows the CA."""
    context = ssl.create_default_context(cafile=relay.data / "ca.pem")
    plain = socket.create_connection(("127.0.0.1", relay.ready["device_port"]))
    plain.settimeout(10)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


@with_phones("answers")
@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"GET /v1/link HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431, "too_large"),
        (b"GET /v1/link HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 70 + b"\r\n", 431, "too_large"),
        (b"POST /v1/verify/begin HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n", 413, "too_large"),
        (b"POST /v1/verify/begin HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 400, "bad_request"),
        (b"POST /v1/verify/begin HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\xff\xfe{}", 400, "bad_request"),
        (b"GET /v1/link HTTP/1.1\r\nHost: x\r\n\r\n", 426, "bad_request"),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
        (b"DELETE /v1/link HTTP/1.1\r\nHost: x\r\n\r\n", 405, "bad_request"),
        (b"no HTTP at all\r\n\r\n", 400, "bad_request"),
    ],
)
def test_requests_that_are_refused(relay, request_bytes, status, reason):
    with secured(relay) as link:
        link.sendall(request_bytes)
        heard = b""
        while b"\r\n\r\n" not in heard or not heard.rstrip().endswith(b"}"):
            more = link.recv(4096)
            assert more, heard
            heard += more
    head, body = heard.split(b"\r\n\r\n", 1)
    assert head.split()[1] == str(status).encode()
    problem = json.loads(body)
    assert (problem["status"], problem["reason"]) == (status, reason)
    assert problem["detail"]


@with_phones("answers")
def test_a_board_that_sends_ten_times_too_fast_is_cut_and_nobody_else_is(relay, tone):
    async def flood():
        async with linked(relay) as stranger:
            began_s = time.monotonic()
            for seq in range(5000):
                stranger.writer.write(media(seq, 1))
                await asyncio.sleep(max(0.0, began_s + seq / 500 - time.monotonic()))
                if stranger.close_code:
                    break
            return stranger.close_code, time.monotonic() - began_s

    with a_call_beside(relay, tone):
        code, seconds = asyncio.run(flood())
    assert code == 4429
    assert seconds < 2.5


@with_phones("answers")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(framer.BINARY, b"\x80" * 2049), 1009),
        (frame(framer.TEXT, b'{"t":"ping","id":1,"x":"' + b"a" * 5000 + b'"}'), 1009),
        (frame(framer.TEXT, b'{"t":"\xff\xfe"}'), 1007),
        (b"\x82\x04abcd", 1002),  # not masked
        (b"\xf2\x80\x00\x00\x00\x00", 1002),  # reserved bits
    ],
    ids=["binary", "text", "utf-8", "unmasked", "reserved"],
)
def test_frames_that_break_the_protocol(relay, data, code):
    async def say():
        async with linked(relay) as stranger:
            stranger.writer.write(data)
            await stranger.until(lambda: stranger.close_code)
            await stranger.ended()
            return stranger.close_code

    assert asyncio.run(say()) == code
    assert "Traceback" not in relay.log()


@with_phones("answers")
def test_messages_that_are_none_are_answered_and_the_link_stays(relay):
    async def say():
        async with linked(relay) as stranger:
            for words in (b"{", b"[]", b'{"t":"dance"}', b'{"t":"invite"}', b'{"t":"bye","call":"never","cause":16}'):
                stranger.writer.write(frame(framer.TEXT, words))
            stranger.say({"t": "ping", "id": 7})
            await stranger.until(lambda: stranger.heard("pong"))
            return len(stranger.heard("error")), stranger.close_code

    errors, code = asyncio.run(say())
    assert errors >= 4
    assert code == 0

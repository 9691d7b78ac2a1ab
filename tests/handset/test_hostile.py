"""A hostile relay against the firmware on a chip's heap (T-AS-22): every trick is named, none gets a secret, none takes memory.

What faces the relay runs as boards load it, from .mpy files, on the i386 port, whose objects are as large as a board's, with
128 KiB for all of it: TLS, HTTP, verification and link, one relay after the other in one life. TLS's own buffers are not in
that heap, on this port.
"""

import base64
import contextlib
import json
import random
import socket
import subprocess
import sys
import time

import pytest
from support import boards
from support.authority import TestAuthority
from support.checkout import CHECKOUT
from support.peer import Peer, raw_peer
from test_attestor import GRANT, KEY, OTHER_KEY, Relay, http

from callcore import framer
from callcore import verify as relay_half
from tincall.emulator.interpreters import find

HEAP = "128k"
GROWN_BYTES = 1024  # between one sweep and another something small may still be held
PATIENCE_MS = {"timeout": 500}  # of the board, by what it is to say in the end
PATIENT_MS = 60_000  # where it is to say something else, however busy the machine is
NO_ANSWER = "http_garbage"
SECRETS = [KEY, KEY.hex().encode(), base64.b64encode(KEY)]
TOKEN = b"the-token"


def until_gone(stream, data, every_s=0.0):
    """Send the same again and again until the board has gone."""
    with contextlib.suppress(OSError):
        while True:
            stream.sendall(data)
            time.sleep(every_s)


def wait_gone(stream):
    with contextlib.suppress(OSError):
        while stream.recv(4096):
            pass


# --- what comes in place of TLS; of (stream)


def portal(data):
    def serve(stream):
        stream.recv(4096)
        stream.sendall(data)
        wait_gone(stream)

    return serve


def drip(data):
    def serve(stream):
        stream.recv(4096)
        with contextlib.suppress(OSError):
            for byte in data:
                stream.sendall(bytes((byte,)))
                time.sleep(0.02)

    return serve


HTML = b"<html><body>Welcome to our hotel. Please log in.</body></html>" * 20
OK_HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(HTML), HTML)
FOUND = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:%d/login\r\nContent-Length: 0\r\n\r\n"
PLAIN = {
    "portal-200": (portal(OK_HTML), "tls_failed"),
    "portal-302": (portal(FOUND % 1), "tls_failed"),
    "garbage": (portal(random.Random(22).randbytes(65536)), "tls_failed"),
    "record-too-long": (portal(b"\x16\x03\x03\xff\xff" + bytes(65535)), "tls_failed"),
    "hello-too-long": (portal((b"\x16\x03\x03\x40\x00\x02\xff\xff\xff" + bytes(16380)) * 64), "tls_failed"),
    "alert": (portal(b"\x15\x03\x03\x00\x02\x02\x28"), "tls_failed"),
    "endless-record": (lambda stream: until_gone(stream, bytes(16384)), "tls_failed"),
    "silent": (wait_gone, "timeout"),
    "drip-record": (drip(b"\x16\x03\x03\x40\x00" + bytes(500)), "timeout"),
    "hangs-up": (lambda stream: stream.recv(4096), "link_lost"),
}

# --- what comes in place of an answer, after a right handshake; of (connection)


def instead(data):
    return lambda connection: (connection.request(), connection.answer(data), wait_gone(connection.stream))


def endless(head, part):
    def serve(connection):
        connection.request()
        connection.answer(head)
        until_gone(connection.stream, part)

    return serve


def dripping(data):
    def serve(connection):
        connection.request()
        until_gone(connection.stream, data, 0.02)

    return serve


def cut(data):
    return lambda connection: (connection.request(), connection.answer(data))


def ok(body):
    return http(200, body)


LONG = b"Content-Length: 8192\r\n"
ANSWERS = {
    "head-endless": (endless(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 16384), NO_ANSWER),
    "heads-endless": (endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000), NO_ANSWER),
    "status-endless": (endless(b"", b"H" * 16384), NO_ANSWER),
    "line-ends": (endless(b"", b"\r\n" * 8192), NO_ANSWER),
    "continue-endless": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500), NO_ANSWER),
    "drip": (dripping(b"H"), "timeout"),
    "says-nothing": (lambda connection: (connection.request(), wait_gone(connection.stream)), "timeout"),
    "body-endless": (endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(16384)), NO_ANSWER),
    "body-endless-with-a-length": (endless(b"HTTP/1.1 200 OK\r\n" + LONG + b"\r\n", b"[" * 16384), "bad_answer"),
    "body-too-long": (endless(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", bytes(16384)), NO_ANSWER),
    "body-never-comes": (instead(b"HTTP/1.1 200 OK\r\n" + LONG + b"\r\n{"), "timeout"),
    "chunks": (endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), NO_ANSWER),
    "cut-in-the-head": (cut(b"HTTP/1.1 200 O"), "link_lost"),
    "cut-in-the-body": (cut(b"HTTP/1.1 200 OK\r\n" + LONG + b"\r\n{"), "link_lost"),
    "portal": (instead(OK_HTML), "bad_answer"),
    "random": (instead(random.Random(23).randbytes(8192)), NO_ANSWER),
    "json-deep": (instead(ok(b"[" * 8000)), "bad_answer"),
    "json-long-number": (instead(ok(b'{"ttl":' + b"9" * 8000 + b"}")), "bad_answer"),
    "json-of-many-keys": (instead(ok(b"{" + b",".join(b'"%d":0' % i for i in range(900)) + b"}")), "bad_answer"),
    "json-cut": (instead(ok(b'{"sid":"S1"')), "bad_answer"),
    "nonce-too-long": (instead(ok(relay_half.challenge("S1", b"n" * 3000, 30))), "bad_answer"),
    "sid-too-long": (instead(ok(relay_half.challenge("S" * 5000, b"n" * 32, 30))), "bad_answer"),
    "problem-of-its-own": (instead(http(403, {"status": 403, "reason": "x" * 5000})), "bad_answer"),
    "does-not-know-the-key": (Relay(OTHER_KEY), "server_not_proved"),
    "grants-without-proof": (Relay(finish=ok({"body": GRANT})), "bad_answer"),
    "redirects-after-the-proof": (Relay(finish=FOUND % 1), "bad_answer"),
}

# --- what a relay does that has verified the board; of (connection), after the grant

SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


def after_the_grant(serve):
    def whole(connection):
        Relay()(connection)
        serve(connection)

    return whole


def on_the_link(serve):
    return after_the_grant(lambda connection: (connection.upgrade(), serve(connection)))


def sends(data):
    return on_the_link(lambda connection: (connection.answer(data), wait_gone(connection.stream)))


def sends_for_ever(data):
    return on_the_link(lambda connection: until_gone(connection.stream, data))


def talks_nonsense(connection):
    """Say what is no message, and see that the board stays and says so; then go."""
    for text in (
        b"{",
        b"[" * 4096,
        b'{"t":"invite"}',
        b'{"t":"x"}',
        b'{"t":"ping","id":' + b"1" * 4000 + b"}",
        b"\x00",
    ):
        connection.send(framer.TEXT, text)
    for n in range(300):
        connection.send(framer.BINARY, bytes(n))
    connection.send(framer.CLOSE, framer.close_payload(1001, ""))
    wait_gone(connection.stream)


def accepts(value):
    return SWITCHED + b"Sec-WebSocket-Accept: " + value + b"\r\nSec-WebSocket-Protocol: tincall.v1\r\n\r\n"


def sends_a_wrong_subprotocol(connection):
    answer, connection.answer = connection.answer, lambda data: answer(data.replace(b"tincall.v1", b"tincall.v9"))
    connection.upgrade()
    wait_gone(connection.stream)


LINKS = {
    "upgrade-without-accept": (after_the_grant(instead(SWITCHED + b"\r\n")), NO_ANSWER),
    "upgrade-accepted-wrongly": (after_the_grant(instead(accepts(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))), NO_ANSWER),
    "upgrade-to-something-else": (after_the_grant(sends_a_wrong_subprotocol), NO_ANSWER),
    "upgrade-answered-200": (after_the_grant(instead(OK_HTML)), "link_refused"),
    "upgrade-redirected": (after_the_grant(instead(FOUND % 1)), "link_refused"),
    "upgrade-refused": (after_the_grant(instead(http(401, b""))), "token_refused"),
    "upgrade-head-endless": (after_the_grant(endless(SWITCHED + b"X: ", b"a" * 16384)), NO_ANSWER),
    "frame-of-2-GB": (sends(b"\x82\x7f" + (1 << 31).to_bytes(8, "big") + bytes(65536)), "protocol"),
    "frame-of-64-KB": (sends(b"\x81\x7e\xff\xff" + b"x" * 65535), "protocol"),
    "frame-with-a-mask": (sends(framer.encode(framer.TEXT, b"{}", b"\1\2\3\4")), "protocol"),
    "frames-unfinished-for-ever": (sends_for_ever(b"\x01\x7e\x04\x00" + b"x" * 1024), "protocol"),
    "random-frames": (sends(random.Random(24).randbytes(65536)), "protocol"),
    "compressed": (sends(b"\xc1\x02hi"), "protocol"),
    "text-that-is-none": (sends(b"\x81\x02\xff\xfe"), "protocol"),
    "nonsense-and-goodbye": (on_the_link(talks_nonsense), "relay_stopped"),
    "falls-away": (on_the_link(lambda connection: None), "link_lost"),
}
REDIRECTS = {f"redirect-{status}": status for status in (301, 302, 303, 307, 308)}


class Stage:
    """All hostile relays, each on a port of its own.

    Attributes:
        ports: by name, in the order in which they are tried.
        expected: by name the reason that the board must give.
        heard: by name all that came from the board, behind TLS where there was some.
    """

    def __init__(self, stack, authority):
        self._stack, self._authority = stack, authority
        self.ports, self.expected, self.heard = {}, {}, {}

    def add_plain(self, name, serve, reason):
        heard = self.heard[name] = bytearray()

        def recorded(stream):
            stream.settimeout(20)
            serve(Ear(stream, heard))

        self._add(name, raw_peer(recorded), reason)

    def add(self, name, serve, reason, certificate=None):
        heard = self.heard[name] = bytearray()

        def recorded(connection):
            connection.stream = Ear(connection.stream, heard)
            serve(connection)

        peer = Peer(certificate or self._authority.server(), recorded)
        self._stack.enter_context(peer)
        self.ports[name], self.expected[name] = peer.port, reason

    def _add(self, name, opened, reason):
        self.ports[name], self.expected[name] = self._stack.enter_context(opened), reason


class Ear:
    """A stream that remembers what it heard."""

    def __init__(self, stream, heard):
        self._stream, self._heard = stream, heard
        self.sendall = stream.sendall

    def recv(self, n):
        data = self._stream.recv(n)
        self._heard.extend(data)
        return data


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Compile the firmware for the i386 port; gives the folder."""
    folder = tmp_path_factory.mktemp("compiled")
    command = [sys.executable, str(CHECKOUT / "tools/build.py"), "x86", "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    return folder / "x86"


def play(stage, compiled, authority, folder):
    """Let the board meet all of them in one life; gives what it said of each."""
    fields = {"sn": "SN-1", "model_id": "model-x", "kv": 3, "key": KEY.hex(), "host": "127.0.0.1", "port": 1}
    fields.update(name="localhost", ca=authority.anchor.read_text())
    (folder / "fields.json").write_text(json.dumps(fields))
    script = CHECKOUT / "tests/handset/hostile_try.py"
    relays = [
        f"{name}:{port}:{PATIENCE_MS.get(stage.expected[name], PATIENT_MS)}" for name, port in stage.ports.items()
    ]
    _, environment = boards.command_of("unix32", script)
    environment["MICROPYPATH"] = f"{compiled}:.frozen"
    command = [*find("unix32"), "-X", f"heapsize={HEAP}", str(script), "fields.json", *relays]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    assert not any(secret.decode() in done.stdout + done.stderr for secret in SECRETS[1:])
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}


def test_every_trick_is_named_gets_no_secret_and_takes_no_memory(compiled, authority, stranger, tmp_path):
    with contextlib.ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as elsewhere:
        stage = Stage(stack, authority)
        stage.add("first", *LINKS["nonsense-and-goodbye"])  # goes farthest, so that all that is loaded late is there
        for name, (serve, reason) in PLAIN.items():
            stage.add_plain(name, serve, reason)
        unverified = list(PLAIN)
        long_chain = authority.server()
        chain = tmp_path / "chain.pem"
        chain.write_bytes(long_chain[0].read_bytes() + stranger.anchor.read_bytes() * 60)
        for name, certificate, reason in (
            ("wrong-authority", stranger.server(), "tls_wrong_ca"),
            ("our-authority-in-name-only", TestAuthority(tmp_path, "Test CA").server(), "tls_wrong_ca"),
            ("wrong-name", authority.server("relay.example", "192.0.2.1"), "tls_wrong_name"),
            ("expired", authority.server(from_days=-60, to_days=-1), "tls_expired"),
            ("of-the-future", authority.server(from_days=2, to_days=60), "tls_not_yet_valid"),
            ("chain-of-30-KB", (chain, long_chain[1]), "tls_failed"),
        ):
            stage.add(name, Relay(), reason, certificate)
            unverified.append(name)
        found = FOUND % elsewhere.getsockname()[1]
        for name, status in REDIRECTS.items():
            stage.add(name, instead(found.replace(b"302", b"%d" % status)), "bad_answer")
        for name, (serve, reason) in {**ANSWERS, **LINKS}.items():
            stage.add(name, serve, reason)
        said = play(stage, compiled, authority, tmp_path)
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()  # nobody followed
    assert {name: line.get("reason", "nothing") for name, line in said.items()} == stage.expected
    assert all(line["detail"] for line in said.values())
    used = [line["used"] for line in said.values()]
    assert max(used) - used[0] <= GROWN_BYTES, used
    for name, heard in stage.heard.items():
        assert not any(secret in heard for secret in SECRETS), name
        assert (TOKEN in heard) == (name in LINKS or name == "first"), name
    for name in unverified:
        assert not any(word in stage.heard[name] for word in (b"SN-1", b"proof", b"POST", b"GET")), name

"""CPython's `tls` answers the firmware's questions as MicroPython's does: the same program, the same answers."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.authority import TestAuthority

CLIENT = """
import errno, select, socket, tls

def dial(port, name, anchor, shake=False, pair=()):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if pair:
        context.load_cert_chain(*pair)
    context.verify_mode = tls.CERT_REQUIRED
    with open(anchor, "rb") as file:
        context.load_verify_locations(file.read())
    info = socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_STREAM)[0]
    raw = socket.socket(info[0], info[1], info[2])
    raw.setblocking(False)
    try:
        raw.connect(info[-1])
    except OSError as error:
        if error.errno != errno.EINPROGRESS: raise
    stream = context.wrap_socket(raw, server_hostname=name, do_handshake_on_connect=shake)
    stream.setblocking(False)
    return stream

def until(call, *args):
    while True:
        got = call(*args)
        if got is not None:
            return got
        time.sleep_ms(1)

def fails(port, name, anchor, shake, reads):
    try:
        stream = dial(port, name, anchor, shake)
        until(stream.readinto, bytearray(1)) if reads else until(stream.write, b"x")
    except ValueError as error:
        return str(error)
    except OSError as error:
        return error.errno
    return "fine"
"""
WRONG_NAME = "\nThe certificate Common Name (CN) does not match with the expected CN\n"
UNSIGNED = "\nThe certificate is not correctly signed by the trusted CA\n"
EXPIRED = "\nThe certificate validity has expired\n"
FUTURE = "\nThe certificate validity starts in the future\n"


class EchoServer:
    """Sends back what it gets; `bye` makes it say farewell, `cut` makes it leave without a word."""

    def __init__(
        self,
        files: tuple[Path, Path],
        tls_1_2: bool = False,
        clients: Path | None = None,
        seen: list[bytes | None] | None = None,
    ) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*files)
        self._seen = [] if seen is None else seen
        if clients:
            self._context.verify_mode = ssl.CERT_OPTIONAL
            self._context.load_verify_locations(clients)
        if tls_1_2:
            self._context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(20)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, self._context.wrap_socket(connection, server_side=True) as stream:
                self._seen.append(stream.getpeercert(True))
                while data := stream.recv(65536):
                    if data == b"bye":
                        stream.unwrap().close()
                        return
                    if data == b"cut":
                        return
                    stream.sendall(data)
        except OSError:
            return  # the client did not like us, which is what it is for


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=[False, True], ids=["tls1.3", "tls1.2"])
def server(request: pytest.FixtureRequest, authority: TestAuthority) -> Iterator[EchoServer]:
    echo = EchoServer(authority.server(), request.param)
    yield echo
    echo.close()


@pytest.mark.parametrize("shake", [False, True], ids=["later", "now"])
def test_a_stream_moves_bytes_both_ways(bench, server: EchoServer, authority: TestAuthority, shake: bool) -> None:
    said = bench.results(
        CLIENT
        + f"""
stream = dial({server.port}, "127.0.0.1", {str(authority.anchor)!r}, {shake})
buf = bytearray(b"..hello..")
say("written", until(stream.write, buf, 2, 5))
got = bytearray(9)
say("read", [until(stream.readinto, got, 3), until(stream.readinto, got, 2)])
say("buf", got.decode())
say("nothing", stream.readinto(got))
say("der", len(stream.getpeercert(True)) > 200)
say("cipher", len(stream.cipher()))
big = bytes(range(256)) * 40
done = at = 0
back = bytearray(len(big))
view = memoryview(back)
while at < len(big):
    if done < len(big):
        done += stream.write(big, done, min(1000, len(big) - done)) or 0
    at += stream.readinto(view[at:]) or 0
say("big", back == big)
until(stream.write, b"bye")
say("end", until(stream.readinto, got))
stream.close()
"""
    )
    assert said == {
        "written": 5,
        "read": [3, 2],
        "buf": "lol" + "\0" * 6,
        "nothing": None,
        "der": True,
        "cipher": 2,
        "big": True,
        "end": 0,
    }


@pytest.mark.parametrize("reads", [False, True], ids=["writing", "reading"])
@pytest.mark.parametrize("shake", [False, True], ids=["later", "now"])
def test_a_certificate_that_fails_is_a_sentence(bench, authority, tmp_path: Path, shake: bool, reads: bool) -> None:
    stranger = TestAuthority(tmp_path, "Stranger")
    good = EchoServer(authority.server())
    old = EchoServer(authority.server(from_days=-20, to_days=-1))
    new = EchoServer(authority.server(from_days=1), tls_1_2=True)
    cases = {
        "name": (good.port, "wrong.example", authority.anchor, WRONG_NAME),
        "address": (good.port, "127.0.0.2", authority.anchor, WRONG_NAME),
        "signer": (good.port, "localhost", stranger.anchor, UNSIGNED),
        "expired": (old.port, "localhost", authority.anchor, EXPIRED),
        "future": (new.port, "localhost", authority.anchor, FUTURE),
    }
    try:
        said = bench.results(
            CLIENT
            + "".join(
                f"say({key!r}, fails({port}, {name!r}, {str(anchor)!r}, {shake}, {reads}))\n"
                for key, (port, name, anchor, _) in cases.items()
            )
        )
    finally:
        for server in (good, old, new):
            server.close()
    assert said == {key: case[3] for key, case in cases.items()}


@pytest.mark.parametrize("tls_1_2", [False, True], ids=["tls1.3", "tls1.2"])
def test_a_certificate_of_its_own_is_shown_and_what_is_none_refused(bench, authority, tmp_path: Path, tls_1_2) -> None:
    stranger = TestAuthority(tmp_path, "Stranger")
    seen: list[bytes | None] = []
    echo = EchoServer(authority.server(), tls_1_2, authority.anchor, seen)
    pairs = {"own": authority.board(), "stranger": stranger.board(), "expired": authority.board(to_days=-1)}
    pairs["mixed"] = pairs["own"][0], authority.board()[1]
    try:
        said = bench.results(
            CLIENT
            + f"""
import binascii
def shows(cert, secret):
    cert, secret = binascii.unhexlify(cert), binascii.unhexlify(secret)
    at = cert.find(b"\\x03B\\x00\\x04")
    key = b"0w\\x02\\x01\\x01\\x04 " + secret + b"\\xa0\\n\\x06\\x08*\\x86H\\xce=\\x03\\x01\\x07\\xa1D" + cert[at : at + 68]
    try:
        stream = dial({echo.port}, "localhost", {str(authority.anchor)!r}, False, (cert, key))
        until(stream.write, b"x")
        return until(stream.readinto, bytearray(1)) == 1
    except OSError:
        return False
say("junk", kind_of(tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).load_cert_chain, b"junk", b"junk"))
"""
            + "".join(f"say({name!r}, shows({cert.hex()!r}, {key.hex()!r}))\n" for name, (cert, key) in pairs.items())
        )
    finally:
        echo.close()
    assert said == {"junk": "ValueError", "own": True, "stranger": False, "expired": False, "mixed": False}
    assert seen == [pairs["own"][0]]


def test_what_is_missing_or_wrong_is_refused(bench, authority: TestAuthority) -> None:
    said = bench.results(
        CLIENT
        + f"""
anchor = {str(authority.anchor)!r}
free = socket.socket()
address = socket.getaddrinfo("127.0.0.1", 0, 0, socket.SOCK_STREAM)[0][-1]
free.bind(address)
say("junk", kind_of(tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).load_verify_locations, b"junk"))
say("empty", kind_of(tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).load_verify_locations, b""))
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
say("nameless", kind_of(lambda: context.wrap_socket(socket.socket())))
say("required", context.verify_mode == tls.CERT_REQUIRED)
say("refused", fails(1, "localhost", anchor, False, False) == errno.ECONNREFUSED)
"""
    )
    assert said == {
        "junk": "ValueError",
        "empty": "ValueError",
        "nameless": "ValueError",
        "required": True,
        "refused": True,
    }


def test_a_peer_that_leaves_is_an_end_or_an_error_never_a_wait(bench, server, authority: TestAuthority) -> None:
    said = bench.results(
        CLIENT
        + f"""
stream = dial({server.port}, "localhost", {str(authority.anchor)!r})
until(stream.write, b"cut")
def read():
    return until(stream.readinto, bytearray(5))
try:
    say("end", read() == 0)
except OSError:
    say("end", True)
stream.close()
say("closed", kind_of(stream.write, b"x"))
"""
    )
    assert said == {"end": True, "closed": "OSError"}


def test_verification_cannot_be_switched_off_on_cpython(quick) -> None:
    said = quick.results("""
import tls
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
def off():
    context.verify_mode = 0
say("off", kind_of(off))
say("server", kind_of(tls.SSLContext, 1))
""")
    assert said == {"off": "ValueError", "server": "ValueError"}

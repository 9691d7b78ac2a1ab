"""A relay's device port in a thread, without a relay behind it: TLS, the upgrade, then whatever a test wants.

It shares no code with `tincall.relay`, so that a mistake there cannot hide one here; only callcore's framer is used.
"""

import base64
import contextlib
import hashlib
import pathlib
import socket
import ssl
import threading

from callcore import framer

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Peer:
    """Accepts one connection after another and runs `serve(connection)` on each.

    Args:
        certificate: server certificate file and key file.
        serve: function of a `Connection`; runs in the peer's thread.
        tls_1_2: cap the version at what boards speak.
        clients: whose certificates (PEM) it asks for, as the relay does; None: it asks for none.
    """

    def __init__(
        self,
        certificate: tuple[pathlib.Path, pathlib.Path],
        serve,
        tls_1_2: bool = False,
        clients: pathlib.Path | None = None,
    ) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        if clients:
            self._context.verify_mode = ssl.CERT_OPTIONAL
            self._context.load_verify_locations(clients)
        if tls_1_2:
            self._context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._serve = serve
        self.errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Peer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        try:  # wakes accept
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
        except OSError:
            pass
        self._thread.join(5)

    def _run(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            raw.settimeout(20)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with self._context.wrap_socket(raw, server_side=True) as stream:
                    self._serve(Connection(stream))
            except Exception as error:  # told to the test, which decides
                self.errors.append(error)


class Connection:
    """One accepted TLS connection, seen as HTTP requests and then as a link."""

    def __init__(self, stream: ssl.SSLSocket) -> None:
        self.stream = stream
        self._read = b""
        self._framer = framer.Framer(True)

    def request(self) -> tuple[str, dict[str, str], bytes]:
        """Read one HTTP request: its first line, headers in lower case, body."""
        while b"\r\n\r\n" not in self._read:
            self._read += self._more()
        head, self._read = self._read.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        while len(self._read) < length:
            self._read += self._more()
        body, self._read = self._read[:length], self._read[length:]
        return lines[0], headers, body

    def answer(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.stream.sendall(data)

    def upgrade(self, extra: bytes = b"") -> None:
        """Take the upgrade request and answer it; `extra` follows in the same record."""
        _, headers, _ = self.request()
        proof = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + GUID).digest())
        self.answer(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof + b"\r\nSec-WebSocket-Protocol: tincall.v1\r\n\r\n" + extra
        )

    def send(self, kind: int, payload: bytes) -> None:
        """Send one frame."""
        self.stream.sendall(framer.encode(kind, payload))

    def frame(self) -> tuple[int, bytes]:
        """Read one frame: kind and payload."""
        while True:
            kind = self._framer.next()
            if kind:
                return kind, self._framer.payload()
            if not self._read:
                self._read = self._more()
            taken = self._framer.feed(self._read, 0, len(self._read))
            self._read = self._read[taken:]

    def _more(self) -> bytes:
        data = self.stream.recv(16384)
        if not data:
            raise EOFError("the board closed the connection")
        return data


@contextlib.contextmanager
def raw_peer(serve, backlog=1):
    """A TCP listener whose connections `serve(socket)` handles, without TLS."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    serve(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)

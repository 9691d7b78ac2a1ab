"""The device port: listens, lets connections in within the caps, makes them TLS, and closes them all at the end.

Rules of this file: it knows addresses and the TLS handshake, nothing of what is said inside. Who is refused or fails gets one
log line. Connections are accepted here by hand instead of by the loop's server: only so one is counted before it costs a key
exchange, and a handshake that fails can be told. Upgrading a transport that already reads (`start_tls`) would not do: what
arrives before the upgrade takes hold is lost, and a board sends its first record at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from tincall import logs
from tincall.clock import Clock, SystemClock
from tincall.errors import OperatorError
from tincall.relay.connection import Exchange, HttpConnection, LinkConnection
from tincall.relay.limits import Doors, Limits
from tincall.relay.verifier import Verifier

# more would keep seconds of speech in the kernel for a board that stopped reading, and play them when it wakes
SEND_BUFFER_BYTES = 16 * 1024
BACKLOG = 256
ACCEPT_RETRY_S = 1.0
CLOSE_S = 3.0  # for the last words of every link when the relay stops

log = logs.get("relay.gate")


class Gate:
    """The open device port.

    Args:
        loop: the event loop.
        context: TLS of the port.
        verifier: answers verification requests, knows tokens.
        exchange: takes the links.
        limits: bounds.
        clock: the time.

    Attributes:
        port: where it listens.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: ssl.SSLContext,
        verifier: Verifier,
        exchange: Exchange,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self.loop = loop
        self.verifier = verifier
        self.exchange = exchange
        self.limits = limits
        self.clock = clock
        self.port = 0
        self._context = context
        self._doors = Doors(limits)
        self._listener: socket.socket | None = None
        self._inside: set[HttpConnection | LinkConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()

    async def listen(self, host: str, port: int) -> None:
        """Open the port.

        Args:
            host: address to listen on.
            port: 0 takes a free one.

        Raises:
            OperatorError: it cannot be opened.
        """
        try:
            found = await self.loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            listener = socket.create_server(found[0][4][:2], family=found[0][0], backlog=BACKLOG)
        except OSError as error:
            hint = "Is another relay running? Set another port in the settings, [device] port."
            reason = error.strerror or str(error)
            raise OperatorError(f"The device port {host}:{port} cannot be opened: {reason}.", hint) from None
        listener.setblocking(False)
        self._listener = listener
        self.port = listener.getsockname()[1]
        self.loop.add_reader(listener, self._accept)

    @property
    def connections(self) -> int:
        """How many connections are open, in whatever state."""
        return self._doors.total

    def _accept(self) -> None:
        """Take the connections that wait."""
        for _ in range(BACKLOG):
            if self._listener is None:
                return
            try:
                sock, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # out of descriptors or memory: those who wait stay in the backlog meanwhile
                log.error("cannot accept connections", reason=error.strerror or str(error))
                self.loop.remove_reader(self._listener)
                self.loop.call_later(ACCEPT_RETRY_S, self._listen_again)
                return
            self._arrived(sock, str(peer[0]))

    def _listen_again(self) -> None:
        if self._listener is not None:
            self.loop.add_reader(self._listener, self._accept)

    def _arrived(self, sock: socket.socket, address: str) -> None:
        """Let a connection in, or close it."""
        why_not = self._doors.enter(address)
        if why_not:
            log.warning("connection refused", address=address, reason=why_not)
            sock.close()
            return
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = HttpConnection(self, address)
        self._inside.add(connection)
        self.keep(self.loop.create_task(self._secure(sock, connection, address)))

    async def _secure(self, sock: socket.socket, connection: HttpConnection, address: str) -> None:
        try:
            await self.loop.connect_accepted_socket(
                lambda: connection,
                sock,
                ssl=self._context,
                ssl_handshake_timeout=self.limits.handshake_ms / 1000,
                ssl_shutdown_timeout=self.limits.linger_ms / 1000,
            )
        except (OSError, EOFError) as error:  # ssl.SSLError and timeouts among them
            log.info("no TLS", address=address, reason=_reason(error))
            sock.close()
            connection.connection_lost(None)
        except asyncio.CancelledError:
            sock.close()
            connection.connection_lost(None)
            raise

    def became(self, before: asyncio.BaseProtocol, after: asyncio.BaseProtocol) -> None:
        """Hear that a connection has become a link; see `connection.House`."""
        if isinstance(before, HttpConnection) and isinstance(after, LinkConnection):
            self._inside.discard(before)
            self._inside.add(after)

    def left(self, connection: asyncio.BaseProtocol, address: str) -> None:
        """Hear that a connection is gone; see `connection.House`."""
        if connection in self._inside and isinstance(connection, (HttpConnection, LinkConnection)):
            self._inside.discard(connection)
            self._doors.leave(address)
        if not self._inside:
            self._empty.set()

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold a task until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Stop listening; links and what they carry go on."""
        if self._listener is not None:
            self.loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def close(self) -> None:
        """Stop listening and end every connection; none is left when this returns."""
        await self.drain()
        for connection in list(self._inside):
            connection.end()
        self._empty.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self._inside:
                    await self._empty.wait()
        for connection in list(self._inside):
            connection.abort()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def serve(
    host: str,
    port: int,
    ssl_context: ssl.SSLContext,
    verifier: Verifier,
    switchboard: Exchange,
    limits: Limits | None = None,
    clock: Clock | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
) -> Gate:
    """Open the device port.

    Args:
        host: address to listen on.
        port: 0 takes a free one.
        ssl_context: see `tls.server_context`.
        verifier: answers verification requests, knows tokens.
        switchboard: takes the links.
        limits: bounds; the defaults if not given.
        clock: the time; the computer's if not given.
        loop: the running loop if not given.

    Raises:
        OperatorError: the port cannot be opened.
    """
    gate = Gate(
        loop or asyncio.get_running_loop(),
        ssl_context,
        verifier,
        switchboard,
        limits or Limits(),
        clock or SystemClock(),
    )
    await gate.listen(host, port)
    return gate


def _reason(error: OSError | EOFError) -> str:
    """Say in a few words why a handshake failed; OpenSSL's reason where there is one."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return str(error) or type(error).__name__

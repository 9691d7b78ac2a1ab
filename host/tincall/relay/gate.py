"""The device port: listens, lets connections in within the caps, makes them TLS, and closes them all at the end.

Rules of this file: it knows addresses and the TLS handshake, nothing of what is said inside. Who is refused or fails gets one
log line. The handshake is begun here by hand instead of by the listener, since only so a connection is counted before
it costs a key exchange, and a handshake that fails can be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from tincall import logs
from tincall.clock import Clock, SystemClock
from tincall.errors import OperatorError
from tincall.relay.connection import WRITE_HIGH_BYTES, Exchange, HttpConnection, LinkConnection
from tincall.relay.limits import Doors, Limits
from tincall.relay.verifier import Verifier

# more would keep seconds of speech in the kernel for a board that stopped reading, and play them when it wakes
SEND_BUFFER_BYTES = 16 * 1024
BACKLOG = 256
CLOSE_S = 3.0  # for the last words of every link when the relay stops

log = logs.get("relay.gate")


class Arrival(asyncio.Protocol):
    """A connection before TLS; it is never given a byte."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection to the gate."""
        self._gate.arrived(transport)  # type: ignore[arg-type] # a TCP transport is both readable and writable


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
        self._server: asyncio.Server | None = None
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
            self._server = await self.loop.create_server(lambda: Arrival(self), host, port, backlog=BACKLOG)
        except OSError as error:
            hint = "Is another relay running? Set another port in the settings, [device] port."
            reason = error.strerror or str(error)
            raise OperatorError(f"The device port {host}:{port} cannot be opened: {reason}.", hint) from None
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def connections(self) -> int:
        """How many connections are open, in whatever state."""
        return self._doors.total

    def arrived(self, raw: asyncio.Transport) -> None:
        """Let a connection in, or close it."""
        peer = raw.get_extra_info("peername")
        address = str(peer[0]) if peer else "unknown"
        why_not = self._doors.enter(address)
        if why_not:
            log.warning("connection refused", address=address, reason=why_not)
            raw.abort()
            return
        # nothing may be read before the handshake has taken over, or its first bytes would be lost
        raw.pause_reading()
        raw.set_write_buffer_limits(high=WRITE_HIGH_BYTES, low=0)
        sock = raw.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.keep(self.loop.create_task(self._secure(raw, address)))

    async def _secure(self, raw: asyncio.Transport, address: str) -> None:
        connection = HttpConnection(self, address)
        self._inside.add(connection)
        try:
            transport = await self.loop.start_tls(
                raw,
                connection,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self.limits.handshake_ms / 1000,
                ssl_shutdown_timeout=self.limits.linger_ms / 1000,
            )
        except (OSError, EOFError) as error:  # ssl.SSLError and timeouts among them
            log.info("no TLS", address=address, reason=_reason(error))
            raw.abort()
            connection.connection_lost(None)
        except asyncio.CancelledError:
            raw.abort()
            connection.connection_lost(None)
            raise
        else:
            if transport is None:  # the peer was gone before the handshake's end could be told
                connection.connection_lost(None)
            else:
                connection.secured(transport)

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
        if self._server is not None:
            self._server.close()
            self._server = None

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

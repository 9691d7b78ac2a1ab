"""The device port: listens, lets connections in within the caps, and closes them all at the end.

Rules of this file: it knows addresses, and nothing of what is said inside a connection. Who is refused gets one log line.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from tincall import logs
from tincall.clock import Clock, SystemClock
from tincall.errors import OperatorError
from tincall.relay import reading
from tincall.relay.arrival import Arrival
from tincall.relay.limits import Doors, Limits
from tincall.relay.link_connection import Connection, Exchange
from tincall.relay.verifier import Verifier

BACKLOG = 256
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
        room: where its connections read to.
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
        self.context = context
        self.room = reading.room()
        self._doors = Doors(limits)
        self._server: asyncio.Server | None = None
        self._inside: set[Connection] = set()
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

    def admit(self, arrival: Connection, address: str) -> bool:
        """Let a connection in if the caps allow; see `arrival.Porch`."""
        why_not = self._doors.enter(address)
        if why_not:
            log.warning("connection refused", address=address, reason=why_not)
            return False
        self._inside.add(arrival)
        return True

    def became(self, before: Connection, after: Connection) -> None:
        """Hear that the next protocol has taken a connection over; see `link_connection.House`."""
        self._inside.discard(before)
        self._inside.add(after)

    def left(self, connection: Connection, address: str) -> None:
        """Hear that a connection is gone; see `link_connection.House`."""
        if connection in self._inside:
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

"""One connection of the device port once it is a link: bytes and ticks between the loop and a session, nothing else.

Rules of this file: `Session` decides, this moves. A link that ends is read and forgotten for `Limits.linger_ms` before it is
closed: closing with unread bytes in the kernel would reset the connection and take the close frame with it
(RFC 1122 section 4.2.2.13).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Protocol

from tincall import logs
from tincall.clock import Clock
from tincall.relay.limits import Limits
from tincall.relay.reading import Reader, let_go
from tincall.relay.session import CLOSE_GOING_AWAY, Owner, Session
from tincall.relay.traffic import tcp_bytes
from tincall.relay.verifier import Verifier
from tincall.relay.waker import Waker

log = logs.get("relay.gate")


class Exchange(Protocol):
    """Where links end: the switchboard."""

    def connect(self, sn: str, session: Session, address: str, now_ms: int) -> Owner:
        """Take a new link of a verified board; an older link of the same board is closed."""
        ...


class Connection(Protocol):
    """A connection in any of its lives: before TLS, with requests, as a link."""

    def end(self) -> None:
        """Close with a last word, since the relay stops."""
        ...

    def abort(self) -> None:
        """Break it off."""
        ...


class House(Protocol):
    """What every connection needs of the gate."""

    loop: asyncio.AbstractEventLoop
    clock: Clock
    limits: Limits
    verifier: Verifier
    exchange: Exchange
    room: memoryview

    def left(self, connection: Connection, address: str) -> None:
        """Hear that a connection is gone."""
        ...

    def became(self, before: Connection, after: Connection) -> None:
        """Hear that another protocol has taken a connection over."""
        ...

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold a reference to a task until it is done."""
        ...


class LinkConnection(Reader):
    """A connection that is a link.

    Args:
        house: the gate.
        transport: the connection, upgraded.
        sn: serial number of the board, verified.
        address: the far end's network address.
    """

    def __init__(self, house: House, transport: asyncio.Transport, sn: str, address: str) -> None:
        super().__init__(house.room)
        self._house = house
        self._transport = transport
        self._address = address
        self._is_gone = False
        self._now_ms = house.clock.now_ms
        now_ms = self._now_ms()
        self.session = Session(transport.write, self._shut, house.limits, now_ms)
        self.session.traffic = partial(tcp_bytes, transport)
        self._receive = self.session.receive
        self._waker = Waker(house.loop, house.clock, self.session.tick, self.session.next_wake_ms)
        self._log = log.bind(sn=sn, address=address)
        self._log.info("link up")
        self.session.owner = house.exchange.connect(sn, self.session, address, now_ms)
        self._waker.follow()

    def data_received(self, data: bytes) -> None:
        """Hear bytes; the one method here that runs for every packet."""
        self._receive(data, self._now_ms())

    def pause_writing(self) -> None:
        """Hear that the far end does not read."""
        self.session.pause(self._now_ms())

    def resume_writing(self) -> None:
        """Hear that it reads again."""
        self.session.resume()

    def _shut(self) -> None:
        """Obey the session: the end is told from the loop, never from inside the caller."""
        self._house.loop.call_soon(self._gone)

    def _gone(self) -> None:
        if self._is_gone:
            return
        self._is_gone = True
        self._waker.stop()
        self.session.gone(self._now_ms())
        self._log.info("link down", code=self.session.close_code, **self.session.counters())
        if self.session.is_answered:
            self._transport.close()  # both close frames are exchanged: the server goes first (RFC 6455 section 7.1.1)
        else:
            self._house.loop.call_later(self._house.limits.linger_ms / 1000, self._transport.abort)

    def end(self) -> None:
        """Close, since the relay stops."""
        self.session.close(CLOSE_GOING_AWAY, "the relay stops")

    def abort(self) -> None:
        """Break the connection off."""
        self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Hear that the connection is gone."""
        self._gone()
        let_go(self._transport)
        self._house.left(self, self._address)

"""Device tickets: asked for when somebody needs one, kept in memory only and for 4 of their 5 minutes, never on a board.

A serial number that the platform would refuse is refused here, with the platform's own number, before any request.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tincall.clock import Clock
from tincall.wechat.vocabulary import PlatformError, failure

KEEP_S = 240.0
KEPT_MAX = 4096  # about a megabyte; one that was pushed out is asked for again
SN_MAX_CHARS = 128
TOO_LONG = 9800001
BAD_CHARACTERS = 9800002

R = TypeVar("R")


def check_sn(sn: str) -> None:
    """Hold a serial number to the platform's rule: 1 to 128 letters, digits, `_` and `-`.

    Raises:
        PlatformError: with the number that the platform would give.
    """
    if len(sn.encode("utf-8", "replace")) > SN_MAX_CHARS:
        raise failure("ticket", TOO_LONG)
    if not re.fullmatch(r"[0-9A-Za-z_-]+", sn, re.ASCII):
        raise failure("ticket", BAD_CHARACTERS)


class SnTickets:
    """The tickets of all devices.

    Args:
        fetch: gets a serial number and a model_id, asks the platform; raises PlatformError.
        clock: the time.
    """

    def __init__(self, fetch: Callable[[str, str], Awaitable[str]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        # by serial number and model: ticket, when it was asked for
        self._kept: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()
        self._flights: dict[tuple[str, str], asyncio.Task[str]] = {}

    def __repr__(self) -> str:
        return f"<{len(self._kept)} device tickets>"

    async def get(self, sn: str, model_id: str) -> str:
        """Give a ticket of a device that is at most `KEEP_S` old.

        Raises:
            PlatformError: the serial number is none, or the platform gives no ticket.
        """
        check_sn(sn)
        key = (sn, model_id)
        ticket, asked_s = self._kept.get(key, ("", 0.0))
        if ticket and self._clock.monotonic_s() - asked_s <= KEEP_S:
            return ticket
        if key not in self._flights:
            flight = asyncio.create_task(self._ask(key))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(self._flights[key])

    def drop(self, sn: str, model_id: str, ticket: str) -> None:
        """Forget a ticket that somebody refused; one that was replaced meanwhile is no matter."""
        if self._kept.get((sn, model_id), ("", 0.0))[0] == ticket:
            del self._kept[sn, model_id]

    async def use(self, sn: str, model_id: str, action: Callable[[str], Awaitable[R]]) -> R:
        """Do something with a ticket; when it is refused as expired, once more with a new one.

        Args:
            sn: serial number.
            model_id: device model.
            action: gets the ticket; raises PlatformError.

        Raises:
            PlatformError: of the last attempt.
        """
        ticket = await self.get(sn, model_id)
        try:
            return await action(ticket)
        except PlatformError as error:
            if error.retry != "ticket":
                raise
        self.drop(sn, model_id, ticket)
        return await action(await self.get(sn, model_id))

    async def close(self) -> None:
        """End the requests that are under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        if flights:
            await asyncio.wait(flights)

    async def _ask(self, key: tuple[str, str]) -> str:
        # the age counts from before the question: the platform made the ticket later than that
        asked_s = self._clock.monotonic_s()
        ticket = await self._fetch(*key)
        self._kept[key] = (ticket, asked_s)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return ticket

    def _landed(self, key: tuple[str, str], flight: asyncio.Task[str]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # looked at, also when everybody who waited has gone

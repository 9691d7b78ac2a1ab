"""Writes down every few seconds which calls go on and which boards are there, so that a relay that dies leaves true records.

The next relay's sweep ends a call when it was last written: the time between two beats is the most by which its duration is
short. One beat is two transactions, however many calls and boards there are; a beat that fails is logged, and the next one
comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay.cdr import Records
from tincall.relay.registry import Registry

BEAT_S = 5.0
# boards that are just there are noted once in so many beats: nobody needs to know it to the second
BOARDS_EACH = 12

log = get("relay.heartbeat")


class Exchange(Protocol):
    """Who knows what is live; the switchboard."""

    def live(self) -> list[dict[str, Any]]:
        """Give the calls that have not ended, each with `call_id`, `up` and `down`."""
        ...

    def online(self, sn: str) -> dict[str, Any] | None:
        """Give what is known of a connected board, `board` among it; None: it is not connected."""
        ...


class Heartbeat:
    """The beats of one relay; `start` and `stop` are called once each.

    Args:
        registry: devices.
        records: call records.
        exchange: the switchboard.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        registry: Registry,
        records: Records,
        exchange: Exchange,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._registry = registry
        self._records = records
        self._exchange = exchange
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to beat."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Beat no more; the boards that are still there are noted."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.beat(boards=True)

    async def beat(self, boards: bool) -> None:
        """Write once.

        Args:
            boards: note the boards too.
        """
        try:
            calls = self._exchange.live()
            if calls:
                await self._records.touched({call["call_id"]: (call["up"], call["down"]) for call in calls})
            if boards:
                links = {device.sn: self._exchange.online(device.sn) for device in self._registry.list()}
                await self._registry.seen({sn: link["board"] for sn, link in links.items() if link is not None})
        except OperatorError as error:
            log.error("not written down", reason=error.message)

    async def _run(self) -> None:
        beats = 0
        while True:
            await self._sleep(BEAT_S)
            beats += 1
            await self.beat(boards=beats % BOARDS_EACH == 0)

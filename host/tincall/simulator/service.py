"""The simulator as it runs: the model, its clock's alarm, its phones and its deliveries, in one event loop.

The model has no I/O and waits for nobody; this lets its time act and carries out what it asks for.
"""

from __future__ import annotations

import asyncio
import os

from tincall.clock import Clock, SystemClock
from tincall.ids import Random
from tincall.simulator.ledger import Ledger
from tincall.simulator.room import Times
from tincall.simulator.rooms import Rooms


class Service:
    """A running simulator; made inside an event loop.

    Args:
        clock: the time.
        random: for ids and secrets.
        times: how long things may take in a room.
    """

    def __init__(self, clock: Clock | None = None, random: Random = os.urandom, times: Times | None = None) -> None:
        self.clock = clock or SystemClock()
        self.ledger = Ledger(self.clock)
        self.rooms = Rooms(self.clock, random, times or Times(), self.ledger)
        self.rooms.changed = self._wake_soon
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._is_stopped = False

    async def stop(self) -> None:
        """End everything that runs; rooms are told nothing."""
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _wake_soon(self) -> None:
        """Look at the rooms' alarms anew."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_stopped:
            return
        wait_ms = self.rooms.next_wake_ms()
        if wait_ms is not None:
            self._timer = self._loop.call_later(wait_ms / 1000, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.rooms.tick()
        self._wake_soon()

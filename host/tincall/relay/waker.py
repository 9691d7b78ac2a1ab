"""One timer of the event loop that follows what a machine says about its next tick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from callcore.compat import ticks_diff
from tincall.clock import Clock


class Waker:
    """Ticks a machine when it wants to be ticked.

    Args:
        loop: the event loop.
        clock: the time.
        tick: the machine's `tick(now_ms)`, and what its shell does about it.
        next_wake_ms: the machine's own; None: no tick is wanted now.
    """

    __slots__ = ("_loop", "_clock", "_tick", "_next_wake_ms", "_timer", "_set_for_ms")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        tick: Callable[[int], None],
        next_wake_ms: Callable[[], int | None],
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._tick = tick
        self._next_wake_ms = next_wake_ms
        self._timer: asyncio.TimerHandle | None = None
        self._set_for_ms = 0

    def follow(self) -> None:
        """Set the timer anew; called after anything that may have changed the machine's mind."""
        wake_ms = self._next_wake_ms()
        if self._timer is not None:
            if wake_ms == self._set_for_ms:
                return
            self._timer.cancel()
            self._timer = None
        if wake_ms is not None:
            self._set_for_ms = wake_ms
            delay_ms = max(0, ticks_diff(wake_ms, self._clock.now_ms()))
            self._timer = self._loop.call_later(delay_ms / 1000, self._fire)

    def stop(self) -> None:
        """Forget the machine."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._next_wake_ms = _never
        self._tick = _not_at_all

    def _fire(self) -> None:
        self._timer = None
        now_ms = self._clock.now_ms()
        # the loop's clock and ours may differ by a rounding: a tick that comes early would be a tick for nothing
        if ticks_diff(now_ms, self._set_for_ms) >= 0:
            self._tick(now_ms)
        self.follow()


def _never() -> int | None:
    return None


def _not_at_all(now_ms: int) -> None:
    pass

"""What time it is: the ring that machines live in, a monotonic clock for expiries, the calendar for records.

Nothing else in the house reads a clock; whoever needs the time gets a `Clock`. Tests get a `ManualClock` and never
wait.
"""

import time
from typing import Protocol

# the ring of callcore.compat: the largest whose members are small integers on a 32-bit MicroPython
RING_MS = 1 << 30


class Clock(Protocol):
    """The three times that the house knows."""

    def now_ms(self) -> int:
        """Give the time for machines: ms in a ring of 2^30, compared only with `callcore.compat.ticks_diff`."""
        ...

    def monotonic_s(self) -> float:
        """Give seconds that never go back and never jump, from an arbitrary start: for expiries and durations."""
        ...

    def unix_ms(self) -> int:
        """Give the calendar time in ms since 1970, UTC; it may jump, so no duration is ever computed from it."""
        ...


class SystemClock:
    """The computer's own clocks."""

    def now_ms(self) -> int:
        """See `Clock.now_ms`."""
        return now_ms()

    def monotonic_s(self) -> float:
        """See `Clock.monotonic_s`."""
        return time.monotonic()

    def unix_ms(self) -> int:
        """See `Clock.unix_ms`."""
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that stands still until it is told to move.

    Args:
        start_ms: first value of all its times, in ms; the calendar starts `start_ms` after `UNIX_START_MS`.
    """

    UNIX_START_MS = 1_790_000_000_000

    def __init__(self, start_ms: int = 0) -> None:
        self._elapsed_ms = start_ms

    def advance(self, delta_ms: float) -> None:
        """Move on by `delta_ms`, which is not negative."""
        if delta_ms < 0:
            raise ValueError(f"a clock does not go back: {delta_ms}")
        self._elapsed_ms += int(delta_ms)

    def now_ms(self) -> int:
        """See `Clock.now_ms`."""
        return self._elapsed_ms % RING_MS

    def monotonic_s(self) -> float:
        """See `Clock.monotonic_s`."""
        return self._elapsed_ms / 1000

    def unix_ms(self) -> int:
        """See `Clock.unix_ms`."""
        return self.UNIX_START_MS + self._elapsed_ms


def now_ms() -> int:
    """Give the computer's monotonic time in the ring of 2^30 ms that machines use."""
    return (time.monotonic_ns() // 1_000_000) % RING_MS

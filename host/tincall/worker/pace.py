"""A beat that does not drift: which ticks are due, by deadlines counted from the first one.

After a stall it catches up by a few ticks at once and skips the rest, so that nobody downstream gets a burst: the other
end's jitter buffer would hold it as delay.
"""

from __future__ import annotations

# frames sent at once after a stall: 60 ms, the delay that a jitter buffer at its target takes without loss
BURST = 3


class Pace:
    """Deadlines `period_ns` apart.

    Args:
        period_ns: time between two ticks, above 0.
        start_ns: deadline of the first tick, in the clock that `due` is told.

    Attributes:
        next_ns: deadline of the next tick.
        skipped: ticks left out so far.
    """

    def __init__(self, period_ns: int, start_ns: int) -> None:
        self.next_ns = start_ns
        self.skipped = 0
        self._period_ns = period_ns

    def due(self, now_ns: int) -> tuple[int, int]:
        """Take the ticks that are due.

        Args:
            now_ns: the time; it does not go back.

        Returns:
            Ticks to skip, then ticks to run (0 to `BURST`); the deadlines of both have passed.
        """
        if now_ns < self.next_ns:
            return 0, 0
        ticks = (now_ns - self.next_ns) // self._period_ns + 1
        self.next_ns += ticks * self._period_ns
        skip = max(0, ticks - BURST)
        self.skipped += skip
        return skip, ticks - skip

"""Retry delays: doubling up to a cap, with jitter from a random byte that the caller gives."""

from callcore.errors import LocalError

# a board whose session another one took over waits this long, at random, instead of taking it back at once: two boards
# with one serial number would kick each other without end
SUPERSEDED_MS = (30000, 300000)


def between_ms(low_ms: int, high_ms: int, random_byte: int) -> int:
    """Pick a delay from `low_ms` to `high_ms`, both included, by a random byte (0 to 255)."""
    return low_ms + (high_ms - low_ms) * (random_byte & 0xFF) // 255


class Backoff:
    """Delays of one thing that is tried again and again.

    The k-th delay lies between half and the whole of `first_ms * 2**k`, or of `cap_ms` once that is less: the jitter
    keeps a thousand boards from coming back in step after the relay was away.

    Args:
        first_ms: the longest first delay, at least 2.
        cap_ms: the longest delay of all, `first_ms` to 2**29 - 1.

    Raises:
        LocalError: a number out of range.
    """

    def __init__(self, first_ms: int, cap_ms: int) -> None:
        if not 2 <= first_ms <= cap_ms < 0x20000000:
            raise LocalError("delays of %r up to %r ms are not possible" % (first_ms, cap_ms))
        self._first_ms = first_ms
        self._cap_ms = cap_ms
        self._step_ms = first_ms

    def next_ms(self, random_byte: int) -> int:
        """Give the delay before the next attempt, in ms, and double the one after it.

        Args:
            random_byte: 0 to 255, fresh for each call.
        """
        step_ms = self._step_ms
        self._step_ms = min(2 * step_ms, self._cap_ms)
        return between_ms(step_ms // 2, step_ms, random_byte)

    def reset(self) -> None:
        """Start again from the first delay: the thing worked."""
        self._step_ms = self._first_ms

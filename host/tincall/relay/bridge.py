"""Joins the media of two legs: every packet of one is handed to the other, counted, and never looked into.

Rules of this file: a packet is opaque and is forwarded or dropped in the same turn, never kept and never converted. Per
packet there are integer additions and one call, nothing else; all judgement about time is in `tick`. Every packet that a leg
gives counts in `received` and in exactly one of `forwarded` and `dropped`; those that come after `close` count as
`after_end` besides, since a far end goes on speaking until it has heard of the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from callcore import causes
from callcore.compat import ticks_add, ticks_diff
from tincall.leg import Sink

# the far end of a sound call sends 50 packets a second or at least comfort noise; 20 s without any is no pause for breath
MEDIA_TIMEOUT_MS = 20_000
LOOK_MS = 1_000  # how often silence is looked for, and so how late it may be noticed


class MediaEnd(Protocol):
    """What the bridge needs of a leg."""

    sink: Sink | None

    def send_media(self, packet: bytes) -> bool:
        """See `tincall.leg.Leg.send_media`."""
        ...


class Flow:
    """One direction of one call.

    Args:
        forward: where packets go; its result says whether it took the packet.
    """

    __slots__ = ("received", "forwarded", "dropped", "after_end", "is_open", "_forward")

    def __init__(self, forward: Callable[[bytes], bool]) -> None:
        self.received = 0
        self.forwarded = 0
        self.dropped = 0
        self.after_end = 0
        self.is_open = True
        self._forward = forward

    def take(self, packet: bytes) -> None:
        """Forward or drop one RTP packet, and count it; this is a leg's `sink`."""
        self.received += 1
        if self.is_open:
            if self._forward(packet):
                self.forwarded += 1
            else:
                self.dropped += 1
        else:
            self.dropped += 1
            self.after_end += 1

    def counters(self) -> dict[str, int]:
        """Give the counters under the names of docs/architecture.md, section Accounting."""
        return {"in": self.received, "out": self.forwarded, "dropped": self.dropped, "after_end": self.after_end}


class Bridge:
    """The joined media of one call, from answer to end.

    Both sinks are set at once, so packets flow from here on; they stay set after `close`, which only stops the forwarding.

    Args:
        device: leg of the board.
        phone: leg of the phone.
        now_ms: time of the answer, in the ring of 2^30 ms.
        allotted_ms: the longest call, above 0 and below 2^29.
        media_timeout_ms: how long neither side may send anything.

    Attributes:
        up: board to phone.
        down: phone to board.
    """

    def __init__(
        self, device: MediaEnd, phone: MediaEnd, now_ms: int, allotted_ms: int, media_timeout_ms: int = MEDIA_TIMEOUT_MS
    ) -> None:
        self.up = Flow(phone.send_media)
        self.down = Flow(device.send_media)
        self._media_timeout_ms = media_timeout_ms
        self._seen = 0
        self._silent_since_ms = self._looked_ms = now_ms
        self._ends_ms = ticks_add(now_ms, allotted_ms)
        device.sink = self.up.take
        phone.sink = self.down.take

    def tick(self, now_ms: int) -> int:
        """Judge the time.

        Returns:
            0, or the cause to end the call with: ALLOTTED_TIMEOUT or MEDIA_TIMEOUT.
        """
        self._looked_ms = now_ms
        seen = self.up.received + self.down.received
        if seen != self._seen:
            self._seen = seen
            self._silent_since_ms = now_ms
        if ticks_diff(now_ms, self._ends_ms) >= 0:
            return causes.ALLOTTED_TIMEOUT
        if ticks_diff(now_ms, self._silent_since_ms) >= self._media_timeout_ms:
            return causes.MEDIA_TIMEOUT
        return 0

    def next_wake_ms(self) -> int:
        """Say when `tick` is wanted, in the ring of 2^30 ms."""
        look_ms = ticks_add(self._looked_ms, LOOK_MS)
        return look_ms if ticks_diff(look_ms, self._ends_ms) < 0 else self._ends_ms

    def close(self) -> None:
        """Stop forwarding; what still comes is counted."""
        self.up.is_open = False
        self.down.is_open = False

    def counters(self) -> dict[str, dict[str, int]]:
        """Give both directions' counters."""
        return {"up": self.up.counters(), "down": self.down.counters()}

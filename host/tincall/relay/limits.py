"""How much the device port lets anybody have: sizes, times, rates and caps, each with its reason beside it.

`Limits` are numbers, safe by default; settings may raise them, as a benchmark from one address must. `Bucket` measures one
flow, `Doors` counts who is inside. None of them knows a socket, and time is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass

from callcore.compat import ticks_diff
from tincall.settings import LimitSettings


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of the device port; see the reason beside each.

    Names say the unit; every value is above 0.
    """

    # a small relay's memory at about 100 KB of TLS state each; beyond it a newcomer is refused, nobody inside suffers
    connections: int = 2048
    # a home or an office behind one address; a board needs one, and two for a moment while it reconnects
    connections_per_address: int = 64
    handshake_ms: int = 10_000  # an ESP32 needs 0.6 to 1.5 s for P-256
    request_ms: int = (
        10_000  # first byte to last byte of one request, so that a slow reader of ours cannot hold a place
    )
    answer_ms: int = 15_000  # what the verifier may take before the board hears 503
    idle_ms: int = 60_000  # keep-alive between requests
    linger_ms: int = 2_000  # wait for the far end's close, so that our last words are not lost to a reset
    head_bytes: int = 8_192
    headers: int = 64
    body_bytes: int = 16_384
    hello_ms: int = 10_000  # a link that never says hello is nobody's
    heartbeat_ms: int = 10_000
    silence_ms: int = 25_000  # two heartbeats missed, and half of one for the network
    stalled_ms: int = 10_000  # a far end that reads nothing for so long hears nothing that is still true
    media_per_s: int = 75  # 50 packets a second are right at 20 ms; half as much again for a clock that runs fast
    media_burst: int = 300  # six seconds of speech that a stalled network gives up at once
    messages_per_s: int = 20  # a call needs about six messages in all
    message_burst: int = 60
    error_burst: int = 20  # messages that are none: a board with a fault is told so, one that does nothing else is cut
    signalling_queue: int = 64  # never dropped, so full means that the link is lost (1013)

    @classmethod
    def of(cls, settings: LimitSettings) -> Limits:
        """Take what settings may change; bursts grow with their rates."""
        return cls(
            connections=settings.connections,
            connections_per_address=settings.connections_per_address,
            handshake_ms=int(settings.handshake_s * 1000),
            request_ms=int(settings.request_s * 1000),
            idle_ms=int(settings.idle_s * 1000),
            media_per_s=settings.media_per_s,
            media_burst=settings.media_per_s * 4,
            messages_per_s=settings.messages_per_s,
            message_burst=settings.messages_per_s * 3,
        )


class Bucket:
    """A token bucket of whole tokens that is refilled only when it runs dry, so that one token costs a subtraction.

    Refilling late forgives more than a textbook bucket: at most twice `burst` at once, never more than `per_s` for long.

    Args:
        per_s: tokens that come back each second, above 0.
        burst: tokens it holds, above 0.
        now_ms: time of the ring of 2^30 ms.
    """

    __slots__ = ("left", "_per_s", "_burst", "_full_ms", "_filled_ms")

    def __init__(self, per_s: int, burst: int, now_ms: int) -> None:
        self.left = burst
        self._per_s = per_s
        self._burst = burst
        self._full_ms = burst * 1000 // per_s
        self._filled_ms = now_ms

    def take(self, now_ms: int) -> bool:
        """Take one token; False: there was none, the flow is too fast."""
        self.left -= 1
        return self.left >= 0 or self.refill(now_ms)

    def refill(self, now_ms: int) -> bool:
        """Put back what has grown since the last time, for one who overdrew by one token; False: nothing has grown."""
        grown = ticks_diff(now_ms, self._filled_ms) * self._per_s // 1000
        if grown <= 0:
            self.left = 0
            return False
        self.left = min(self._burst, grown) - 1
        self._filled_ms = now_ms
        return True

    def settle(self, now_ms: int) -> None:
        """Fill it up if it was left alone long enough; called each few seconds, so that no time gets older than the ring."""
        if ticks_diff(now_ms, self._filled_ms) >= self._full_ms:
            self.left = self._burst
            self._filled_ms = now_ms


class Doors:
    """Counts connections, all together and by address; bounded by what it admits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inside: dict[str, int] = {}
        self.total = 0

    def enter(self, address: str) -> str:
        """Ask for a place.

        Args:
            address: the far end's network address, without its port.

        Returns:
            Empty when admitted (call `leave` once afterwards), else why not, for the log.
        """
        here = self._inside.get(address, 0)
        if self.total >= self._limits.connections:
            return f"{self.total} connections are open, the most that settings allow"
        if here >= self._limits.connections_per_address:
            return f"{here} connections from one address are open, the most that settings allow"
        self._inside[address] = here + 1
        self.total += 1
        return ""

    def leave(self, address: str) -> None:
        """Give the place back."""
        self.total -= 1
        here = self._inside[address] - 1
        if here:
            self._inside[address] = here
        else:
            del self._inside[address]

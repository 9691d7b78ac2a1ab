"""Delays of a network, drawn from fixed seeds, and what the jitter buffer makes of them: concealed turns and play-out delay.

The traces are those by which a buffer is judged: a quiet LAN, random delay, WiFi that stalls, a TCP connection that loses
segments, and a clock that drifts. `run` plays one through `callcore.jitter.JitterBuffer` as a perfect player would, which
leaves out or puts in a silent frame when there is silence and a pitch period when there is speech.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Callable
from dataclasses import dataclass

from callcore import jitter, wire
from tincall.errors import OperatorError

FRAME_MS = 20
_TICKS = 160
_PAYLOAD_BYTES = 4
# mean length of a spurt of talk and of the pause after it: half of the time is silent
_SPURT_MS = 1000
_PITCH_MS = 7
# on both sides of a packet, in which the fastest one is looked for: as long as the buffer itself remembers
_NEAR = 50


@dataclass(frozen=True)
class Trace:
    """When the packets of one stream were sent and came, in ms on the receiver's clock.

    Args:
        sent_ms: of packet n; the sender's timestamps are exactly `FRAME_MS` apart.
        came_ms: the same length; infinite when the packet is lost.
    """

    sent_ms: tuple[float, ...]
    came_ms: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a trace.

    Args:
        concealed: share of the turns that were concealed, 0 to 1.
        delay_ms: mean play-out delay of the frames, over the fastest packet of the seconds around each.
        shortened: steps that left sound out.
        lengthened: steps that put sound in.
        lost: packets that never came, or whose turn had passed.
    """

    concealed: float
    delay_ms: float
    shortened: int
    lengthened: int
    lost: int


def trace(name: str, seconds: int = 120, seed: int = 1) -> Trace:
    """Draw a trace; the same arguments give the same trace.

    Args:
        name: one of `TRACES`.
        seconds: its length.
        seed: any number.

    Raises:
        OperatorError: no trace is called so.
    """
    if name not in TRACES:
        raise OperatorError(f"no trace is called {name!r}; known are {', '.join(TRACES)}")
    # the name goes in as text, since the hash of a text differs from run to run
    return TRACES[name](random.Random(f"{name} {seed}"), seconds * 1000 // FRAME_MS)


def run(delays: Trace, target_ms: int = 60, cap_ms: int = 200, seed: int = 1) -> Outcome:
    """Play a trace through the jitter buffer.

    Args:
        delays: the trace.
        target_ms: what the buffer begins with.
        cap_ms: the highest delay it aims at.
        seed: for the moments of silence and the phase between sender and player.
    """
    buffer = jitter.JitterBuffer(_PAYLOAD_BYTES, FRAME_MS, _TICKS, target_ms, 32, cap_ms)
    player = _Player(buffer, delays, random.Random(seed))
    arrivals = sorted((came, n) for n, came in enumerate(delays.came_ms) if math.isfinite(came))
    for came_ms, n in arrivals:
        player.play_until(came_ms)
        packet = _packet(n)
        buffer.put(packet, 0, len(packet), int(came_ms))
    turns = buffer.played + buffer.concealed
    return Outcome(
        buffer.concealed / turns,
        player.delay_ms_sum / buffer.played,
        player.shortened,
        player.lengthened,
        buffer.lost + buffer.late,
    )


class _Player:
    """Turns of a player whose adjustments succeed at once."""

    def __init__(self, buffer: jitter.JitterBuffer, delays: Trace, source: random.Random) -> None:
        self._buffer = buffer
        self._delays = delays
        self._fastest_ms = _fastest(delays)
        self._now_ms = source.random() * FRAME_MS
        self._source = source
        self._is_silent = False
        self._spurt_end_ms = 0.0
        self._out = bytearray(_PAYLOAD_BYTES)
        self.delay_ms_sum = 0.0
        self.shortened = self.lengthened = 0

    def play_until(self, end_ms: float) -> None:
        """Let all turns before `end_ms` pass."""
        while self._now_ms < end_ms:
            while self._now_ms >= self._spurt_end_ms:
                self._is_silent = not self._is_silent
                self._spurt_end_ms += self._source.uniform(0.2, 1.8) * _SPURT_MS
            self._now_ms += self._turn()

    def _turn(self) -> float:
        """Take one turn; gives how long it sounds, in ms."""
        if self._buffer.get(self._out, 0, int(self._now_ms)) != jitter.PLAYED:
            return FRAME_MS
        n = int.from_bytes(self._out, "big")
        self.delay_ms_sum += self._now_ms - self._delays.sent_ms[n] - self._fastest_ms[n]
        wish_ms = self._buffer.wish_ms()
        step_ms = FRAME_MS if self._is_silent else _PITCH_MS
        if wish_ms > 0:
            self.shortened += 1
            return FRAME_MS - step_ms
        if wish_ms < 0:
            self.lengthened += 1
            return FRAME_MS + step_ms
        return FRAME_MS


def _packet(n: int) -> bytearray:
    """A packet whose payload is its number."""
    packet = bytearray(wire.RTP_HEADER_BYTES + _PAYLOAD_BYTES)
    at = wire.write_header(packet, 0, 0, 8, array("I", [n & 0xFFFF, n * _TICKS & 0xFFFFFFFF, 7]))
    packet[at:] = n.to_bytes(_PAYLOAD_BYTES, "big")
    return packet


def _fastest(delays: Trace) -> list[float]:
    """The least delay around each packet."""
    took = [came - sent for sent, came in zip(delays.sent_ms, delays.came_ms, strict=True)]
    return [min(took[max(0, n - _NEAR) : n + _NEAR + 1]) for n in range(len(took))]


def _independent(draw: Callable[[random.Random], float], is_ordered: bool = False) -> Callable[..., Trace]:
    """Each packet takes a time of its own; packets may overtake each other unless `is_ordered`."""

    def make(source: random.Random, count: int) -> Trace:
        sent = [float(n * FRAME_MS) for n in range(count)]
        came = [at + max(draw(source), 0.0) for at in sent]
        return Trace(tuple(sent), tuple(_in_order(came) if is_ordered else came))

    return make


def _stalls(source: random.Random, count: int) -> Trace:
    """Every 2 s the air is taken for 60 to 150 ms, and all that waited comes at once; a little noise at all times."""
    sent = [float(n * FRAME_MS) for n in range(count)]
    came = [at + source.uniform(0, 5) for at in sent]
    begin_ms = source.uniform(0, 2000)
    while begin_ms < sent[-1]:
        end_ms = begin_ms + source.uniform(60, 150)
        came = [end_ms if begin_ms <= at < end_ms else at for at in came]
        begin_ms += 2000
    return Trace(tuple(sent), tuple(_in_order(came)))


def _tcp(loss: float, rtt_ms: float = 60.0) -> Callable[..., Trace]:
    """Segments that are lost come again and hold up what follows.

    A loss is seen by three later segments that arrive (RFC 5681 section 3.2) and mended one round trip after that, up to
    80 ms later where acknowledgements are delayed; when the repeat is lost as well, by the timer, at least 200 ms as Linux
    has it, doubled each time (RFC 6298 section 5.5).
    """

    def make(source: random.Random, count: int) -> Trace:
        sent = [float(n * FRAME_MS) for n in range(count)]
        came = []
        for at in sent:
            delay_ms = rtt_ms / 2 + source.uniform(0, 5)
            if source.random() < loss:
                delay_ms += 3 * FRAME_MS + rtt_ms + source.uniform(0, 80)
                timer_ms = max(200.0, 2 * rtt_ms)
                while source.random() < loss:
                    delay_ms += timer_ms
                    timer_ms *= 2
            came.append(at + delay_ms)
        return Trace(tuple(sent), tuple(_in_order(came)))

    return make


def _drift(source: random.Random, count: int) -> Trace:
    """The sender's clock is 100 ppm slow, so that its packets come ever later; noise as on a LAN."""
    sent = [n * FRAME_MS * 1.0001 for n in range(count)]
    return Trace(tuple(sent), tuple(at + max(source.gauss(20, 5), 0.0) for at in sent))


def _in_order(came: list[float]) -> list[float]:
    """Let nobody overtake."""
    ordered = []
    last_ms = 0.0
    for at in came:
        last_ms = max(last_ms, at)
        ordered.append(last_ms)
    return ordered


TRACES: dict[str, Callable[[random.Random, int], Trace]] = {
    "lan": _independent(lambda source: source.gauss(20, 5)),
    "exponential-15": _independent(lambda source: source.expovariate(1 / 15)),
    "uniform-50": _independent(lambda source: source.uniform(0, 50)),
    "uniform-100": _independent(lambda source: source.uniform(0, 100)),
    "wifi-stalls": _stalls,
    "tcp-1": _tcp(0.01),
    "tcp-3": _tcp(0.03),
    "drift-100ppm": _drift,
}

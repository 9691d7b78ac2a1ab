"""Bad paths for RTP packets, computed ahead: from when each packet is sent to when it arrives, if at all.

Loss and jitter are the simulator's own (`simulator.impair.FramePath`); stalls, a stream's retransmissions and a clock that
runs wrong are added here. Times are ms since the talk began, as the receiver's clock tells them; the path itself takes no
time, so that what is measured is the receiver's delay alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tincall.simulator.impair import FramePath, FrameProfile

Packets = list[tuple[int, bytes]]  # time in ms, packet; in order of time

_REPEATS_SEEN = 3  # packets after a lost one until its sender knows (RFC 5681 section 3.2: three duplicate ACKs)
_TIMER_MS = 200  # what a sender waits that lost the repeat as well, at least (RFC 6298, as Linux does it)
_SETTLE_MS = 500  # an adaptive buffer's first word comes before the first stall


@dataclass(frozen=True)
class Path:
    """How bad a way is.

    Args:
        loss: share of packets lost, 0 to 1.
        burst: lost in a row on average (Gilbert's two states); 0: each is lost by itself, whatever became of the last.
        jitter_ms: each packet takes up to this much more, evenly spread.
        stall_every_ms: the radio stands still about this often; 0: never.
        stall_ms: shortest and longest of the stalls; what waits comes at once afterwards.
        stream_loss: share of packets that a stream loses and repeats; those behind wait in order.
        round_trip_ms: of that stream.
        drift_ppm: the sender's clock is slow by this much.
    """

    loss: float = 0.0
    burst: float = 0.0
    jitter_ms: int = 0
    stall_every_ms: int = 0
    stall_ms: tuple[int, int] = (0, 0)
    stream_loss: float = 0.0
    round_trip_ms: int = 0
    drift_ppm: int = 0


def travel(sent: Packets, path: Path, seed: int) -> Packets:
    """Give what arrives, in order of arrival.

    Args:
        sent: packets and when they are sent, by the sender's clock.
        path: how bad.
        seed: the same seed, the same way.
    """
    chance = random.Random(seed)
    late = 1 + path.drift_ppm * 1e-6
    packets = [(round(at_ms * late), packet) for at_ms, packet in sent]
    if path.loss or path.jitter_ms:
        burst = path.burst or 1 / (1 - path.loss)
        packets = _framed(packets, FrameProfile(loss=path.loss, burst=burst, jitter_ms=path.jitter_ms, seed=seed))
    if path.stall_every_ms:
        packets = _stalled(packets, path, chance)
    if path.stream_loss:
        packets = _repeated(packets, path, chance)
    return packets


def _framed(packets: Packets, profile: FrameProfile) -> Packets:
    """Lose and delay as the simulator does."""
    way = FramePath(profile, 0)
    found: Packets = []
    for at_ms, packet in packets:
        found += _until(way, at_ms)
        way.put(packet, at_ms)
    return found + _until(way, packets[-1][0] + profile.jitter_ms + 1)


def _until(way: FramePath, end_ms: int) -> Packets:
    """Give what comes before a time."""
    found: Packets = []
    while True:
        wait_ms = way.next_wake_ms(0)  # seen from 0, so that it is the time itself
        if wait_ms is None or wait_ms >= end_ms:
            return found
        found += [(wait_ms, packet) for packet in way.due(wait_ms)]


def _stalled(packets: Packets, path: Path, chance: random.Random) -> Packets:
    """Hold what comes during a stall until its end; stalls begin anywhere in their turn."""
    stalls = []
    turn_ms = _SETTLE_MS
    while turn_ms < packets[-1][0]:
        begin_ms = turn_ms + chance.randrange(path.stall_every_ms - path.stall_ms[1])
        stalls.append((begin_ms, begin_ms + chance.randint(*path.stall_ms)))
        turn_ms += path.stall_every_ms
    found: Packets = []
    for at_ms, packet in packets:
        ends = [end_ms for begin_ms, end_ms in stalls if begin_ms <= at_ms < end_ms]
        found.append((max([at_ms, *ends]), packet))
    return found


def _repeated(packets: Packets, path: Path, chance: random.Random) -> Packets:
    """Repeat what a stream lost when its sender learns of it; nothing overtakes."""
    step_ms = packets[1][0] - packets[0][0]
    found: Packets = []
    free_ms = 0
    for at_ms, packet in packets:
        free_ms = max(free_ms, at_ms + repeated_ms(chance, path.stream_loss, step_ms, path.round_trip_ms))
        found.append((free_ms, packet))
    return found


def repeated_ms(chance: random.Random, loss: float, step_ms: int, round_trip_ms: int) -> int:
    """Draw how much later a segment of a stream comes for having been lost, once or more.

    Args:
        chance: where it is drawn from.
        loss: share of segments lost, 0 to 1.
        step_ms: from one segment to the next.
        round_trip_ms: what a sender needs to learn of something.
    """
    if chance.random() >= loss:
        return 0
    wait_ms = _REPEATS_SEEN * step_ms + round_trip_ms
    while chance.random() < loss:
        wait_ms += _TIMER_MS + round_trip_ms
    return wait_ms

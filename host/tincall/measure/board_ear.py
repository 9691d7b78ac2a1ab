"""A board's sound path without a board: callcore's two halves of a call as the firmware runs them, on MicroPython.

A program of its own, started by `tincall.measure.ears`; it reads one JSON document, since MicroPython's unix port dies of an
argument longer than 255 bytes, and prints another. `mouth` makes packets of PCM, `ear` makes PCM of packets. Times are ms;
nothing sleeps, so the same packets give the same sound. Levelling and echo are left out: they would be judged as damage.

A file of packets has for each 4 bytes of time in ms and 2 bytes of length, both little-endian, then the packet.
"""

import json
import struct
import sys

from callcore import wire
from callcore.compat import MICROPYTHON
from callcore.downlink import Downlink
from callcore.jitter import PLAYED, JitterBuffer
from callcore.uplink import Uplink

if not MICROPYTHON:
    from collections.abc import Callable
    from typing import Any

SSRC = 0x51EE7
SAMPLES_PER_MS = 16
_HEAD = "<IH"
_HEAD_BYTES = 6
_PACKET_BYTES = 2048


def pack(packets: "list[tuple[int, bytes]]") -> bytes:
    """Give the bytes of a file: packets and their times, 0 to 2**32 - 1."""
    return b"".join([struct.pack(_HEAD, at_ms, len(packet)) + packet for at_ms, packet in packets])


def unpack(data: bytes) -> "list[tuple[int, bytes]]":
    """Read what `pack` wrote."""
    found = []
    at = 0
    while at < len(data):
        at_ms, size = struct.unpack_from(_HEAD, data, at)
        at += _HEAD_BYTES
        found.append((at_ms, bytes(data[at : at + size])))
        at += size
    return found


def mouth(job: "dict[str, Any]") -> "dict[str, Any]":
    """Make packets of PCM.

    Args:
        job: `codec`, `ptime_ms`, `has_noise` (silence is not sent), `pcm` and `packets`, the files.

    Returns:
        `sent`, how many packets.
    """
    ptime_ms = job["ptime_ms"]
    lane = Lane()
    # both numbers begin anew during a talk
    uplink = Uplink(lane, 0, job["codec"], ptime_ms, SSRC, job["has_noise"], 65000, 0xFFFF0000, False)
    frame = bytearray(2 * ptime_ms * SAMPLES_PER_MS)
    with open(job["pcm"], "rb") as source:
        while source.readinto(frame) == len(frame):
            lane.now_ms += ptime_ms
            uplink.frame(frame)
    with open(job["packets"], "wb") as target:
        target.write(pack(lane.sent))
    return {"sent": len(lane.sent)}


class Lane:
    """The way out of packets: keeps them, each with the time at which it was sent.

    Attributes:
        now_ms: the time.
        sent: packets.
    """

    def __init__(self) -> None:
        self.now_ms = 0
        self.sent: list[tuple[int, bytes]] = []
        self._buffer = bytearray(_PACKET_BYTES)

    def media_buffer(self) -> bytearray:
        """See `callcore.uplink.Lane`."""
        return self._buffer

    def send_media(self, n: int) -> None:
        """See `callcore.uplink.Lane`."""
        self.sent.append((self.now_ms, bytes(self._buffer[:n])))


class Watched:
    """A jitter buffer that takes down what it gives; all else is its own.

    Args:
        buffer: the jitter buffer.
        packets: all that may come.
        waiting_ms: tells how much sound is played before what is given now; None: none.

    Attributes:
        turns: of each turn its kind, when it is played, and the number of the packet that was given; -1: none.
    """

    def __init__(
        self,
        buffer: JitterBuffer,
        packets: "list[tuple[int, bytes]]",
        waiting_ms: "Callable[[], int] | None" = None,
    ) -> None:
        self._buffer = buffer
        self._whose = {packet[wire.RTP_HEADER_BYTES :]: number for number, (_, packet) in enumerate(packets)}
        self._waiting_ms = waiting_ms
        self.turns: list[tuple[int, int, int]] = []

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._buffer, name)

    def get(self, out: bytearray, off: int, now_ms: int) -> int:
        """See `JitterBuffer.get`."""
        kind = self._buffer.get(out, off, now_ms)
        at_ms = now_ms + self._waiting_ms() if self._waiting_ms else now_ms
        self.turns.append((kind, at_ms, self._whose[bytes(out[off:])] if kind == PLAYED else -1))
        return kind


def ear(job: "dict[str, Any]") -> "dict[str, Any]":
    """Make PCM of packets, as a speaker takes it that began at `begin_ms` and never waits.

    Args:
        job: `codec`, `ptime_ms`, `has_noise`, `target_ms`, `begin_ms`, `end_ms`, `packets` and `pcm`, the files.

    Returns:
        `turns` of the jitter buffer, as `Watched` has them, and its `counters`.
    """
    with open(job["packets"], "rb") as source:
        packets = unpack(source.read())
    downlink = Downlink(job["codec"], job["ptime_ms"], SSRC, job["has_noise"], job["target_ms"])
    watched = Watched(downlink.jitter, packets)
    downlink.jitter = watched  # type: ignore[assignment]
    at = played = 0
    now_ms = job["begin_ms"]
    with open(job["pcm"], "wb") as target:
        while now_ms < job["end_ms"]:
            while at < len(packets) and packets[at][0] <= now_ms:
                at_ms, packet = packets[at]
                downlink.take(packet, 0, len(packet), at_ms)  # type: ignore[arg-type]
                at += 1
            samples = downlink.next(now_ms, 0)
            target.write(memoryview(downlink.sound)[: 2 * samples])
            played += samples
            now_ms = job["begin_ms"] + played // SAMPLES_PER_MS
    return {"turns": watched.turns, "counters": counters(downlink.jitter)}


def counters(jitter: JitterBuffer) -> "dict[str, int]":
    """Give what a jitter buffer counted."""
    names = ("received", "played", "lost", "late", "duplicates", "concealed", "skipped", "refused")
    return {name: getattr(jitter, name) for name in names}


if __name__ == "__main__":
    task = json.loads(sys.stdin.readline())
    print(json.dumps(ear(task) if task["do"] == "ear" else mouth(task)))

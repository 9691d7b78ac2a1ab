"""A board's sound path without a board: callcore's parts in the order in which the firmware runs them, on MicroPython.

A program of its own, started by `tincall.measure.ears`; it reads one JSON document, since MicroPython's unix port dies of an
argument longer than 255 bytes, and prints another. `mouth` makes packets of PCM, `ear` makes PCM of packets. Times are ms;
nothing sleeps, so the same packets give the same sound.

A file of packets has for each 4 bytes of time in ms and 2 bytes of length, both little-endian, then the packet.
"""

import json
import struct
import sys
from array import array

from callcore import coders, wire
from callcore.compat import MICROPYTHON
from callcore.jitter import PLAYED, JitterBuffer
from callcore.media import PAYLOAD_TYPE, codec, frame_bytes, frame_ticks
from callcore.packetizer import Packetizer

if not MICROPYTHON:
    from typing import Any

SSRC = 0x51EE7
SAMPLES_PER_MS = 16
_HEAD = "<IH"
_HEAD_BYTES = 6


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
        job: `codec`, `ptime_ms`, `pcm` and `packets`, the files.

    Returns:
        `sent`, how many packets.
    """
    name, ptime_ms = job["codec"], job["ptime_ms"]
    samples = ptime_ms * SAMPLES_PER_MS
    coder = coders.coder(name, samples)
    numbers = Packetizer(codec(name)[PAYLOAD_TYPE], frame_ticks(name, ptime_ms), SSRC, 65000, 0xFFFF0000)
    packet = bytearray(wire.RTP_HEADER_BYTES + frame_bytes(name, ptime_ms))
    frame = bytearray(2 * samples)
    made: "list[tuple[int, bytes]]" = []
    with open(job["pcm"], "rb") as source:
        while source.readinto(frame) == len(frame):
            at = numbers.header(packet, 0, 0 if made else 1)
            coder.encode(frame, 0, packet, at, samples)
            made.append(((len(made) + 1) * ptime_ms, bytes(packet)))
    with open(job["packets"], "wb") as target:
        target.write(pack(made))
    return {"sent": len(made)}


def ear(job: "dict[str, Any]") -> "dict[str, Any]":
    """Make PCM of packets, as a speaker takes it that began at `begin_ms` and never waits.

    Args:
        job: `codec`, `ptime_ms`, `target_ms`, `begin_ms`, `end_ms`, `packets` and `pcm`, the files.

    Returns:
        `turns`: of each turn its kind, when it was, how many samples it gave, and the number of the packet in the file that
        was played, -1 for none; `counters` of the jitter buffer.
    """
    return Ear(job).run(job)


class Ear:
    """The receiving end of one call.

    Args:
        job: as of `ear`.
    """

    def __init__(self, job: "dict[str, Any]") -> None:
        name, ptime_ms = job["codec"], job["ptime_ms"]
        self._samples = ptime_ms * SAMPLES_PER_MS
        self._codes = bytearray(frame_bytes(name, ptime_ms))
        self._pcm = bytearray(2 * self._samples)
        self._silence = bytearray(2 * self._samples)
        self._coder = coders.coder(name, self._samples)
        self.jitter = JitterBuffer(len(self._codes), ptime_ms, frame_ticks(name, ptime_ms), job["target_ms"])

    def turn(self, now_ms: int) -> int:
        """Take one turn of the speaker; gives its kind, the sound is in `_pcm`."""
        kind = self.jitter.get(self._codes, 0, now_ms)
        if kind == PLAYED:
            self._coder.decode(self._codes, 0, self._pcm, 0, self._samples)
        else:
            self._pcm[:] = self._silence
        return kind

    def run(self, job: "dict[str, Any]") -> "dict[str, Any]":
        """Play a whole file of packets."""
        with open(job["packets"], "rb") as source:
            packets = unpack(source.read())
        whose = {packet[wire.RTP_HEADER_BYTES :]: number for number, (_, packet) in enumerate(packets)}
        theirs = array("I", [0, 0, SSRC])
        turns = []
        at = played = 0
        now_ms = job["begin_ms"]
        with open(job["pcm"], "wb") as target:
            while now_ms < job["end_ms"]:
                while at < len(packets) and packets[at][0] <= now_ms:
                    at_ms, packet = packets[at]
                    at += 1
                    if not wire.check(packet, 0, len(packet)) and wire.ssrc_equal(packet, 0, theirs):
                        self.jitter.put(packet, 0, len(packet), at_ms)  # type: ignore[arg-type]
                kind = self.turn(now_ms)
                turns.append((kind, now_ms, self._samples, whose[bytes(self._codes)] if kind == PLAYED else -1))
                target.write(self._pcm)
                played += self._samples
                now_ms = job["begin_ms"] + played // SAMPLES_PER_MS
        return {"turns": turns, "counters": counters(self.jitter)}


def counters(jitter: JitterBuffer) -> "dict[str, int]":
    """Give what a jitter buffer counted."""
    names = ("received", "played", "lost", "late", "duplicates", "concealed", "skipped", "refused")
    return {name: getattr(jitter, name) for name in names}


if __name__ == "__main__":
    task = json.loads(sys.stdin.readline())
    print(json.dumps(ear(task) if task["do"] == "ear" else mouth(task)))

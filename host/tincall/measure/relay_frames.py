"""How many media frames one core of the relay forwards, without sockets and TLS: session, leg, bridge, leg, session.

`python -m tincall.measure.relay_frames` prints one JSON object. What it leaves out is the kernel and OpenSSL, which are alike
for every relay; what it shows is our own share of a frame's cost.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

from callcore import framer
from callcore.media import CODECS, PAYLOAD_TYPE
from callcore.messages import FROM_BOARD, encode
from tincall.clock import now_ms
from tincall.leg import IN, CallOffer, Media
from tincall.relay.bridge import Bridge
from tincall.relay.device_leg import DeviceLeg
from tincall.relay.limits import Limits
from tincall.relay.session import Session

MEDIA = Media("PCMA", 20, 0x11111111, 0x22222222)
PACKET_BYTES = 172  # 20 ms of A-law with its RTP header
MASK = b"\x12\x34\x56\x78"
ROUNDS = 7
FRAMES = 20_000
# nobody floods here: the frames come as fast as they are taken
LIMITS = Limits(media_per_s=1_000_000_000, media_burst=1_000_000_000)


class Far:
    """A board's link with nothing behind it: what the relay writes is counted."""

    def __init__(self, media: Media) -> None:
        self.written = 0
        self.session = Session(self._write, _nothing, LIMITS, now_ms())
        self.session.owner = self
        self._say("hello", v=1, firmware="measure", board="MEASURE", codecs=["PCMA"], ptimes=[20], features=[])
        self.leg = DeviceLeg(self.session, "measure", now_ms, 60_000)
        self.leg.invite(CallOffer("measure", IN, "phone", "", media, 60_000))
        self._say("answer", call="measure", media={"codec": media.codec, "ptime": media.ptime})

    def hello(self, message: dict[str, Any]) -> dict[str, Any]:
        """Welcome; see `session.Owner`."""
        settings = {"ring_ms": 60_000}
        welcome = {"t": "welcome", "v": 1, "now": 0, "heartbeat_ms": 10_000, "contacts": []}
        return {**welcome, "settings": settings, "features": []}

    def heard(self, message: dict[str, Any], now_ms: int) -> None:
        """Hand everything to the leg; see `session.Owner`."""
        self.leg.heard(message, now_ms)

    def gone(self, now_ms: int) -> None:
        """Never comes; see `session.Owner`."""

    def _say(self, kind: str, **fields: Any) -> None:
        data = encode({"t": kind, **fields}, FROM_BOARD)
        self.session.receive(framer.encode(framer.TEXT, data, MASK), now_ms())

    def _write(self, data: bytes) -> None:
        self.written += 1


def _nothing() -> None:
    pass


def frame(mask: bytes = MASK) -> bytes:
    """Make one masked frame of a packet that the call takes."""
    packet = bytearray(PACKET_BYTES)
    packet[0] = 0x80
    packet[1] = CODECS[MEDIA.codec][PAYLOAD_TYPE]
    packet[8:12] = MEDIA.ssrc.to_bytes(4, "big")
    return framer.encode(framer.BINARY, bytes(packet), mask)


def measure(frames: int = FRAMES, rounds: int = ROUNDS, frames_per_read: int = 1) -> dict[str, float]:
    """Forward frames from one link to another.

    Args:
        frames: how many a round.
        rounds: how many rounds; the median counts.
        frames_per_read: frames that arrive in one read, 1 in a call that keeps its pace.

    Returns:
        `frames_per_s` and `us_per_frame`.

    Raises:
        RuntimeError: a frame did not come through.
    """
    near, far = Far(MEDIA), Far(MEDIA.mirrored())
    bridge = Bridge(near.leg, far.leg, now_ms(), 3_600_000)
    data = frame() * frames_per_read
    reads = frames // frames_per_read
    before = far.written
    seconds = []
    for _ in range(rounds):
        receive = near.session.receive
        start = time.perf_counter()
        for _ in range(reads):
            receive(data, now_ms())
        seconds.append(time.perf_counter() - start)
    expected = reads * frames_per_read * rounds
    if far.written - before != expected or bridge.up.forwarded != expected:
        raise RuntimeError(f"{bridge.up.counters()} of {expected} frames came through")
    each_s = statistics.median(seconds) / (reads * frames_per_read)
    return {"frames_per_s": round(1 / each_s), "us_per_frame": round(each_s * 1e6, 2)}


def run(frames: int = FRAMES) -> dict[str, Any]:
    """Measure both ways of arriving; gives what the program prints."""
    return {
        "packet_bytes": PACKET_BYTES,
        "one_frame_a_read": measure(frames),
        "ten_frames_a_read": measure(frames, frames_per_read=10),
    }


if __name__ == "__main__":
    json.dump(run(), sys.stdout)
    print()

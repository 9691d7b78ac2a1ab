"""The sound of a call whose phone is in a room: packets of the board on one side, frames of 16 kHz on the other.

Towards the room it keeps a beat of 20 ms: jitter buffer, concealment, transcoding, one frame. From the room it has none:
each frame becomes a packet, or half of one, as it comes, since the room end keeps a beat, the board has a jitter buffer, and
every wait between the two would only be delay. It runs from the answer on, so that the board's packets do not pile up while
the room is being joined; frames flow once the room talks.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tincall import clock
from tincall.leg import Media
from tincall.worker.media import TICK_MS, PhoneAudio
from tincall.worker.pace import Pace
from tincall.worker.room import RATE_HZ

TICK_NS = TICK_MS * 1_000_000
# a room end sends a frame every 20 ms, also of silence; one that sends none for so long is stuck
SILENCE_NS = 5_000_000_000


class Sound:
    """Both directions of one call.

    Args:
        choice: what the board speaks, seen from this side.
        send_packet: hands a packet towards the board; tells whether it was taken.
        send_frame: hands a frame to the room end.
        silent: told, with a sentence, when the room end has sent nothing for too long.

    Raises:
        LocalError: the codec cannot be spoken here.
    """

    def __init__(
        self,
        choice: Media,
        send_packet: Callable[[bytes], bool],
        send_frame: Callable[[bytes], bool],
        silent: Callable[[str], object],
    ) -> None:
        self._audio = PhoneAudio(
            choice, send_packet, secrets.randbelow(1 << 16), secrets.randbelow(1 << 32), rate_hz=RATE_HZ
        )
        self._send_frame = send_frame
        self._silent = silent
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(TICK_NS, time.monotonic_ns() + TICK_NS)
        self._timer: asyncio.TimerHandle | None = None
        self._flows = False
        self._heard_ns = 0
        self._first_ns = 0

    def start(self) -> None:
        """Begin to take the board's packets in time."""
        self._wait()

    def flow(self) -> None:
        """Let frames reach the room from now on."""
        self._flows = True
        self._heard_ns = time.monotonic_ns()

    def stop(self) -> None:
        """Stop the beat; nothing more is sent. Idempotent."""
        self._flows = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def take(self, packet: bytes) -> None:
        """Take a packet of the board."""
        self._audio.take(packet, clock.now_ms())

    def speak(self, pcm: bytes) -> None:
        """Take a frame of the room: 20 ms, 16-bit little-endian."""
        if self._flows:
            self._heard_ns = time.monotonic_ns()
            self._audio.speak(np.frombuffer(pcm, dtype="<i2").astype(np.int16, copy=False))

    def figures(self) -> dict[str, Any]:
        """Give the call's counters for the report; `heard_t0_ns`: calendar time of the first frame into the room."""
        figures = {**self._audio.figures(), "skipped_ticks": self._pace.skipped}
        if self._first_ns:
            figures["heard_t0_ns"] = self._first_ns
        return figures

    def _beat(self) -> None:
        """Play what is due, and come back when the next frame is."""
        now_ns = time.monotonic_ns()
        _, ticks = self._pace.due(now_ns)
        for _ in range(ticks):
            far = self._audio.play(clock.now_ms())
            if self._flows:
                self._first_ns = self._first_ns or time.time_ns()
                self._send_frame(far.astype("<i2", copy=False).tobytes())
        self._wait()
        if self._flows and now_ns - self._heard_ns > SILENCE_NS:
            self.stop()
            self._silent(f"the room end sent no sound for {SILENCE_NS // 1_000_000_000} s")

    def _wait(self) -> None:
        delay_s = max(0.0, (self._pace.next_ns - time.monotonic_ns()) / 1e9)
        self._timer = self._loop.call_later(delay_s, self._beat)

"""The emulated board's ADC: gives the board blocks of 256 samples, silence or clips, exactly by the clock.

Rules of this file:
- Sample n of an opening is due at its start + n / rate, whatever happened before; lateness is made up, never added up.
- At most `ibuf_bytes` wait on the wire; more is lost and counted, as is what the board's driver threw away because nobody
  read it (`fakes/common/fake_microphone.py`).
- Times of day are nanoseconds of CLOCK_REALTIME (`time.time_ns()`), which all processes of a call share.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tincall.emulator.room import Room
from tincall.wav import Samples

# the length of the chip's DMA buffers, so that the board's driver sees its buffers full when they are
BLOCK_SAMPLES = 256
# a clip starts this long after the microphone opened: the far end hears that the line is there before the first word
CLIP_DELAY_MS = 200
# further behind than this and the missing blocks are counted as lost in one go instead of being made one by one
_BEHIND_MS = 1000

Tell = Callable[[str, dict[str, object]], None]


@dataclass
class _Play:
    name: str
    clip: Samples
    start: int
    told: bool = False


@dataclass
class Microphone:
    """Paces samples into a pipe while the firmware has its microphone open; belongs to one event loop.

    Args:
        tell: called with an event's name and fields: `mic_open mic_play mic_played mic_close`.
        clip: samples that start 200 ms after each opening; None for silence.
        clip_name: what the events call it.
        room: what is heard where no clip plays; None for silence.

    Attributes:
        overruns: blocks lost because the board did not fetch them, since power-up.
        plays: every clip played: name, `t0_ns` of its first sample, `rate_hz`, `samples`.
    """

    tell: Tell
    clip: Samples | None = None
    clip_name: str = ""
    room: Room | None = None
    overruns: int = 0
    plays: list[dict[str, object]] = field(default_factory=list)
    is_open: bool = False
    _wire: int = -1
    _rate_hz: int = 0
    _ibuf_bytes: int = 0
    _t0_ns: int = 0
    _t0_monotonic_ns: int = 0
    _position: int = 0
    _queue: list[_Play] = field(default_factory=list)
    _waiting: tuple[str, Samples] | None = None
    _timer: asyncio.TimerHandle | None = None

    def attach(self, wire: int) -> None:
        """Take the writing end, non-blocking, of a new board's microphone pipe."""
        self.close()
        self._wire = wire

    def open(self, rate_hz: int, ibuf_bytes: int) -> None:
        """Start: sample 0 is now."""
        self.close()
        self.is_open = True
        self._rate_hz = rate_hz
        self._ibuf_bytes = ibuf_bytes
        self._t0_ns = time.time_ns()
        self._t0_monotonic_ns = time.monotonic_ns()
        self._position = 0
        self.tell("mic_open", {"t0_ns": self._t0_ns, "rate_hz": rate_hz})
        delay = CLIP_DELAY_MS * rate_hz // 1000
        if self._waiting:
            self._queue.append(_Play(*self._waiting, start=delay))
            self._waiting = None
        elif self.clip is not None:
            self._queue.append(_Play(self.clip_name, self.clip, start=delay))
        self._schedule()

    def close(self) -> None:
        """Stop; clips that did not end are cut off."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._queue.clear()
        if self.is_open:
            self.is_open = False
            self.tell("mic_close", {"overruns": self.overruns, "samples": self._position})

    def play(self, name: str, clip: Samples) -> bool:
        """Play a clip instead of what plays now; when the microphone is closed, 200 ms after it opens next.

        Returns:
            Whether it starts now.
        """
        if not self.is_open:
            self._waiting = (name, clip)
            return False
        self._queue = [_Play(name, clip, start=self._position)]
        return True

    def stop(self) -> None:
        """Fall silent and forget a clip that waits."""
        self._queue.clear()
        self._waiting = None

    def _time_ns(self, position: int) -> int:
        return position * 1_000_000_000 // self._rate_hz

    def _schedule(self) -> None:
        due_ns = self._t0_monotonic_ns + self._time_ns(self._position + BLOCK_SAMPLES)
        delay_s = max(0.0, (due_ns - time.monotonic_ns()) / 1e9)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        elapsed_ns = time.monotonic_ns() - self._t0_monotonic_ns
        due = elapsed_ns * self._rate_hz // 1_000_000_000
        behind = (due - self._position) // BLOCK_SAMPLES
        if behind * BLOCK_SAMPLES > _BEHIND_MS * self._rate_hz // 1000:
            self.overruns += behind - 1
            self._position += (behind - 1) * BLOCK_SAMPLES
        while self._position + BLOCK_SAMPLES <= due:
            if not self._send(self._next_block()):
                self.overruns += 1
        self._schedule()

    def _next_block(self) -> bytes:
        """Give the samples from the current position on, and move on."""
        block = self.room.block(BLOCK_SAMPLES) if self.room else np.zeros(BLOCK_SAMPLES, dtype="<i2")
        for play in list(self._queue):
            self._lay(play, block)
        self._position += BLOCK_SAMPLES
        return block.tobytes()

    def _lay(self, play: _Play, block: Samples) -> None:
        """Lay what of a clip falls into the block at the current position over it."""
        begin = max(play.start, self._position)
        end = min(play.start + len(play.clip), self._position + len(block))
        if begin < end:
            if not play.told:
                play.told = True
                self._tell_play(play)
            block[begin - self._position : end - self._position] = play.clip[begin - play.start : end - play.start]
        if play.start + len(play.clip) <= self._position + len(block):
            self._queue.remove(play)
            self.tell("mic_played", {"file": play.name})

    def _tell_play(self, play: _Play) -> None:
        said: dict[str, object] = {
            "file": play.name,
            "t0_ns": self._t0_ns + self._time_ns(play.start),
            "rate_hz": self._rate_hz,
            "samples": len(play.clip),
        }
        self.plays.append(said)
        self.tell("mic_play", said)

    def _send(self, data: bytes) -> bool:
        try:
            waiting = struct.unpack("i", fcntl.ioctl(self._wire, termios.FIONREAD, b"\0\0\0\0"))[0]
            return waiting + len(data) <= self._ibuf_bytes and os.write(self._wire, data) == len(data)
        except OSError:
            return False  # full, or the board is gone, which its exit tells

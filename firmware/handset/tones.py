"""Tones through the speaker while there is no sound of a call: the ring, and a beep.

A tone is 20 ms of sound, a whole number of its waves, written over and over; everything is allocated before the first of it.
The speaker is opened for a tone and closed after it, so a board with one I2S peripheral rings as any other.
"""

import asyncio
import math

from callcore import level
from callcore.compat import const
from callcore.errors import CallError
from handset import clock, diag

_SAMPLES = const(320)
_BYTES = const(640)
_POLL_MS = const(10)
_TURN = const(3)  # frames of one tone before the other

# samples of a wave of both tones, frames with them, frames in all before they come again, of 16384 how loud
RING = (20, 16, 48, 150, 16384)  # 800 and 1000 Hz by turns, 1 s of 3
BEEP = (16, 16, 10, 0, 8192)  # once


class Tones:
    """What plays now, if anything does.

    Args:
        open_speaker: gives a stream with `write` and `deinit` (handset.audio); what it raises is told.
    """

    def __init__(self, open_speaker):
        self._open = open_speaker
        self._speaker = self._task = None

    def start(self, kind, volume):
        """Play a tone in place of what plays; it goes on until `stop`, a BEEP ends by itself.

        Args:
            kind: RING or BEEP.
            volume: 0 to 10 (callcore.level.volume).
        """
        self.stop()
        peak = kind[4] * level.factor(level.volume(volume)) // level.UNITY
        try:
            frames = _tone(kind[0], peak), _tone(kind[1], peak), bytes(_BYTES)
            self._speaker = self._open()
        except (OSError, MemoryError, CallError) as error:
            diag.failed("tone", error)
            return
        self._task = asyncio.create_task(self._play(frames, kind[2], kind[3]))

    def stop(self):
        """Be silent, at once; the speaker is closed."""
        if self._task:
            self._task.cancel()
            self._task = None
        if self._speaker:
            self._speaker.deinit()
            self._speaker = None

    async def _play(self, frames, loud, cycle):
        speaker = self._speaker
        at = 0
        try:
            while cycle or at < loud + 4:  # what is behind a beep is the driver's buffers
                frame = frames[at // _TURN & 1 if at < loud else 2]
                done = 0
                while done < _BYTES:
                    n = speaker.write(frame, done, _BYTES - done)
                    if n:
                        done += n
                    else:
                        await clock.sleep_ms(_POLL_MS)
                at += 1
                if at == cycle:
                    at = 0
        except OSError as error:
            diag.failed("tone", error)
        self._task = None
        self.stop()


def _tone(wave, peak):
    """Give 20 ms of a sine of `wave` samples."""
    frame = bytearray(_BYTES)
    for i in range(_SAMPLES):
        value = int(peak * math.sin(math.pi * 2 * i / wave))
        frame[2 * i] = value & 255
        frame[2 * i + 1] = value >> 8 & 255
    return frame

"""One call on a board in simulated time, for counting: the firmware's own voice loops and link, without a network.

Tasks move the time, as in a board's scheduler; the microphone hears a voice, and the relay sends another, coded, one packet
each 20 ms. Handset runs on CPython here with the emulator's stand-ins for what MicroPython has built in.
"""

import asyncio
import sys
from array import array
from collections.abc import Callable, Coroutine
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRAME_MS = 20
SAMPLES = 320
_MINE, _THEIRS = 0x89ABCDEF, 0xFEDCBA98
_RING_BYTES = 1280
# what a call holds: 2 s
_FRAMES = 100
# the far end listens first, so that the microphone's level is brought up, and then talks into the talk, 11 dB below it, so that
# an echo suppressor lets both pass: that is when there is most to do
_QUIET_MS = 1000
_FAR_AMPLITUDE = 700


def prepare() -> None:
    """Make callcore and handset importable here."""
    for folder in (ROOT / "host/tincall/emulator/fakes/cpython", ROOT / "firmware"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    if not hasattr(asyncio, "sleep_ms"):
        # the clock of the handset looks for it; here the world gives its own
        asyncio.sleep_ms = asyncio.sleep  # type: ignore[attr-defined]


def voice(samples: int, amplitude: int = 2500) -> bytes:
    """Make something like a vowel: pulses of 125 Hz into two resonances, with a little noise, 16-bit at 16 kHz."""
    made, state = array("h"), 1
    ring = [0, 0, 0, 0]
    for k in range(samples):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        drive = (amplitude if k % 128 == 0 else 0) + ((state >> 16 & 255) - 128)
        # resonances of about 700 and 1,800 Hz; coefficients are 1024 times too large
        low = (drive * 1024 + ring[0] * 1900 - ring[1] * 950) >> 10
        high = (drive * 1024 + ring[2] * 1480 - ring[3] * 900) >> 10
        ring = [low, ring[0], high, ring[2]]
        made.append(max(-30000, min(30000, low + high)))
    return made.tobytes()


class _Nap:
    """What sleeping gives in this world: hands its length over once."""

    def __init__(self, delay_ms: int) -> None:
        self._delay_ms: int | None = delay_ms

    def __iter__(self) -> "_Nap":
        return self

    __await__ = __iter__

    def __next__(self) -> int:
        delay_ms, self._delay_ms = self._delay_ms, None
        if delay_ms is None:
            raise StopIteration
        return max(delay_ms, 0)


class _Task:
    """A coroutine of the world."""

    def __init__(self, coroutine: Coroutine[int, None, None], wake_ms: int) -> None:
        self.coroutine, self.wake_ms = coroutine, wake_ms

    def cancel(self) -> None:
        self.coroutine.close()

    def done(self) -> bool:
        return self.coroutine.cr_frame is None


class Call:
    """A call that lasts as long as `run` lets it.

    Args:
        codec: `PCMA`, `PCMU` or `G722`.

    Attributes:
        sound: the handset's Voice.
    """

    def __init__(self, codec: str) -> None:
        from handset import clock, link
        from handset import voice as sound

        self.now_ms = 0
        self._tasks: list[_Task] = []
        clock.now_ms = lambda: self.now_ms
        clock.sleep_ms = _Nap
        sound.asyncio = self
        self._speech = voice(SAMPLES * _FRAMES)
        far = bytes(_QUIET_MS * 32) + voice(SAMPLES * _FRAMES, _FAR_AMPLITUDE)[_QUIET_MS * 32 :]
        self._heard = self._taken = 0
        self._inbox = bytearray()
        self._number = 0
        self._frames = _packets(codec, far)
        media = {"codec": codec, "ptime": FRAME_MS, "ssrc": _MINE, "remote_ssrc": _THEIRS, "cn": True}
        line = link.Link(self, b"", print, lambda *packet: self.sound.take(*packet, self.now_ms))
        ends = _End(self._hear), _End(self._play)
        # with all that a board may do to sound, and the volume not at its end, where nothing would be to do
        self.sound = sound.Voice(line, *ends, media, 65500, 0xFFFFF000, 60, 40, agc=True, echo=True, volume=8)
        self.create_task(line.run())
        self.create_task(self._talk())
        self.sound.start()

    def run(self, for_ms: int) -> None:
        """Let time pass."""
        end = self.now_ms + for_ms
        while True:
            self._tasks = [task for task in self._tasks if not task.done()]
            due = min(self._tasks, key=lambda task: task.wake_ms)
            if due.wake_ms >= end:
                self.now_ms = end
                return
            self.now_ms = max(self.now_ms, due.wake_ms)
            due.wake_ms = self.now_ms + due.coroutine.send(None)

    def create_task(self, coroutine: Coroutine[int, None, None]) -> _Task:
        """Begin a task, as asyncio does."""
        self._tasks.append(_Task(coroutine, self.now_ms))
        return self._tasks[-1]

    # --- the transport of the link

    where = "the relay"

    def write(self, buf: bytearray, off: int, n: int) -> int:
        """Take what the board sends."""
        return n

    def readinto(self, buf: bytearray) -> int:
        """Give what the relay sent."""
        n = min(len(buf), len(self._inbox))
        buf[:n] = self._inbox[:n]
        del self._inbox[:n]
        return n

    # --- microphone, speaker, far end

    def _hear(self, buf: bytearray) -> int:
        there = self.now_ms * 32 - self._heard
        n = min(len(buf), there) & ~1
        at = self._heard % len(self._speech)
        n = min(n, len(self._speech) - at)
        buf[:n] = self._speech[at : at + n]
        self._heard += n
        return n

    def _play(self, buf: bytearray, off: int, n: int) -> int:
        n = min(n, _RING_BYTES + self.now_ms * 32 - self._taken)
        self._taken += n
        return n

    async def _talk(self) -> None:
        """Send a packet each 20 ms."""
        while True:
            self._inbox += self._frames[self._number]
            self._number += 1
            await _Nap(FRAME_MS)


def _packets(codec: str, speech: bytes) -> list[bytes]:
    """Make what the relay sends: a WebSocket frame for each 20 ms of the speech."""
    from callcore import coders, framer, media, wire
    from callcore.packetizer import Packetizer

    kind, ticks = media.codec(codec)[media.PAYLOAD_TYPE], media.frame_ticks(codec, FRAME_MS)
    coder, packets = coders.coder(codec, SAMPLES), Packetizer(kind, ticks, _THEIRS, 65530, 0xFFFFF000)
    made = []
    for at in range(0, len(speech), SAMPLES * 2):
        packet = bytearray(wire.RTP_HEADER_BYTES + media.frame_bytes(codec, FRAME_MS))
        payload = packets.header(packet, 0, int(at == 0))
        coder.encode(bytearray(speech[at : at + SAMPLES * 2]), 0, packet, payload, SAMPLES)
        made.append(framer.encode(framer.BINARY, bytes(packet)))
    return made


class _End:
    """Microphone or speaker."""

    def __init__(self, act: Callable[..., int]) -> None:
        self.readinto = self.write = act

    def deinit(self) -> None:
        """There is nothing to end."""

"""The receiving half of a call's sound: packets in as they come, PCM at 16 kHz out whenever the player needs more.

    take      a packet, into the jitter buffer
    next      sound for the player: decoded, concealed or comfort noise, made longer or shorter as the jitter buffer wishes

A frame without speech is left out whole, or followed by one of noise. A frame with speech gains one period, and loses one only
when play-out is far too late: a pause will come, and a voice in a hurry sounds worse than one that is some ms older. Nothing
is allocated after a Downlink is made, and nothing looks at a clock.
"""

from array import array

from callcore import wire
from callcore.coders import coder
from callcore.compat import const
from callcore.jitter import MISSING, PLAYED, JitterBuffer
from callcore.level import Fader
from callcore.media import PAYLOAD_TYPE, codec, frame_bytes, frame_ticks
from callcore.plc import Concealer
from callcore.vad import Vad

_SAMPLES_PER_MS = const(16)

# so much too late play-out may be while somebody speaks
PATIENCE_MS = const(60)


class Downlink:
    """What is heard of one stream.

    Args:
        name: codec of the stream.
        ptime_ms: sound of a packet, 20 or 40 ms.
        ssrc: of the stream, 0 to 2**32 - 1.
        has_noise: packets of comfort noise belong to it.
        target_ms: what the jitter buffer begins with.

    Attributes:
        sound: buffer of what `next` made: PCM, 16-bit little-endian at 16 kHz.
        jitter: the JitterBuffer, with the counters of what came.
        vad: what the frames from the far end are like; of the last that was here.
        was_here: what `next` made last is a frame of the far end, not concealment or noise.
        shortened_ms: sound left out because play-out was later than need be.
        lengthened_ms: sound put in because it was too early.
        foreign: packets that are not of this stream.
    """

    def __init__(self, name: str, ptime_ms: int, ssrc: int, has_noise: bool, target_ms: int) -> None:
        samples = ptime_ms * _SAMPLES_PER_MS
        payload_bytes = frame_bytes(name, ptime_ms)
        self._samples = samples
        self._ptime_ms = ptime_ms
        self._payload_type = codec(name)[PAYLOAD_TYPE]
        self._noise_type = wire.NOISE_TYPE if has_noise else self._payload_type
        self._ssrc = array("I", [0, 0, ssrc])
        self.jitter = JitterBuffer(payload_bytes, ptime_ms, frame_ticks(name, ptime_ms), target_ms)
        self._coder = coder(name, samples)
        self._codes = bytearray(payload_bytes)
        self.sound = bytearray(samples * 4)  # a frame and one more period, or rather a frame, since gain goes by frames
        self._concealer = Concealer(samples)
        self._fader = Fader(samples)
        self.vad = Vad(samples)
        self._more = False  # a frame of noise is to be put in
        self.was_here = False
        self.shortened_ms = self.lengthened_ms = self.foreign = 0

    def take(self, buf: bytearray, off: int, n: int, now_ms: int) -> bool:
        """Take a packet of `n` bytes at `off`; gives whether it is of this stream."""
        if wire.check(buf, off, n) == wire.SOUND and wire.ssrc_equal(buf, off, self._ssrc):
            kind = wire.payload_type(buf, off)
            if kind == self._payload_type or kind == self._noise_type:
                self.jitter.put(buf, off, n, now_ms)
                return True
        self.foreign += 1
        return False

    def next(self, now_ms: int, gain_mdb: int) -> int:
        """Make what is played next, into `sound`.

        Args:
            now_ms: the time.
            gain_mdb: volume, in thousandths of a dB, up to 0.

        Returns:
            Samples, about those of a packet.
        """
        n = self._make(now_ms)
        self._fader.frame(self.sound, 0, gain_mdb)
        if n > self._samples:
            self._fader.frame(self.sound, self._samples * 2, gain_mdb)
        return n

    def _make(self, now_ms: int) -> int:
        sound = self.sound
        n = self._samples
        concealer = self._concealer
        if self._more:
            self._more = self.was_here = False
            concealer.quiet(sound, 0, -self.vad.floor)
            return n
        jitter = self.jitter
        kind = jitter.get(self._codes, 0, now_ms)
        if kind == PLAYED:
            self._coder.decode(self._codes, 0, sound, 0, n)
            wish = jitter.wish_ms()
            speaks = self.vad.frame(sound, 0)
            if wish > 0 and not speaks:
                # one frame at most: the one after it is what is played
                self.shortened_ms += self._ptime_ms
                kind = jitter.get(self._codes, 0, now_ms)
                wish = 0
                if kind == PLAYED:
                    self._coder.decode(self._codes, 0, sound, 0, n)
                    self.vad.frame(sound, 0)
        self.was_here = kind == PLAYED
        if kind == PLAYED:
            concealer.heard(sound, 0)
            if wish < 0 or wish > PATIENCE_MS:
                return self._adjust(wish, speaks)
        elif kind == MISSING:
            concealer.lost(sound, 0)
        elif jitter.started or jitter.played:  # before the first packet `sound` is as it was made, silent
            concealer.quiet(sound, 0, jitter.noise_level)
        return n

    def _adjust(self, wish: int, speaks: bool) -> int:
        """Make the frame in `sound` shorter or longer; gives its samples."""
        n = self._samples
        if wish < 0 and not speaks:
            self._more = True
            self.lengthened_ms += self._ptime_ms
            return n
        if wish > 0:
            left = self._concealer.shorten(self.sound, 0, n)
            self.shortened_ms += (n - left) // _SAMPLES_PER_MS
            return left
        left = self._concealer.lengthen(self.sound, 0, n)
        self.lengthened_ms += (left - n) // _SAMPLES_PER_MS
        return left

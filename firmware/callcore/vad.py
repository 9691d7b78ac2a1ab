"""How loud a frame is, whether somebody speaks in it, and what of it is worth sending.

The rules: a frame's energy is compared with a floor that falls fast and rises slowly. Speech begins 9 dB above the floor, is
over 6 dB above it, and is held for 240 ms; the frames outside it tell the level of the noise. Levels are dBov (RFC 3389
section 3: 0 is a square wave of full scale), inside in thousandths of a dB, so that a rise in dB a second is a whole number of
them a millisecond. PCM is 16-bit at 16 kHz. Nothing is allocated after the objects are made, and nothing looks at a clock.
"""

from array import array

from callcore.compat import const, micropython, ptr16, ptr32

# what to send for a frame; see Dtx.frame
NOTHING = const(0)
SEND = const(1)
SEND_BOTH = const(2)
NOISE = const(3)

# what a frame without any sound has; the least that a byte of RFC 3389 can say
SILENT = const(-127)

_ON = const(9000)
_OFF = const(6000)
_HOLD_MS = const(240)
_RISE = const(3)
# so far above the floor it is hardly noise that grew: rise at a quarter
_FAR = const(15000)
# a floor below what a microphone hisses would take that hiss for speech after a moment of digital silence
_LEAST_FLOOR = const(-75000)
_FIRST_FLOOR = const(-50000)
# below this no microphone is at work
_DEAD = const(-95000)
_NOISY = const(-45000)
_NOISY_NO_MORE = const(-45500)

# 1000 * 10 * lg(64)
_OF_64 = const(18062)

_NOISE_MS = const(160)
_NOISE_DB = const(3)


@micropython.viper
def _energy(x: int, soff: int, n: int, src: object, sums: object) -> int:
    """Add up the squares of every seventh and eighth sample, in turns, so that no tone falls between them.

    Args:
        x: 0; a place among the first arguments is a register.
        soff: offset in bytes, even.
        n: samples, up to 640.
        src: buffer of PCM.
        sums: 32-bit words: [0] gets the sum of the small squares, [1] the largest square, both in units of 8.

    Returns:
        The sum of the large squares, in units of 512.
    """
    pcm = ptr16(src)
    out = ptr32(sums)
    soff >>= 1
    n += soff
    low = 0
    high = 0
    peak = 0
    step = 7
    while soff < n:
        x = (pcm[soff] ^ 0x8000) - 0x8000
        x = x * x >> 3
        if x > peak:
            peak = x
        if x < 65536:
            low += x
        else:
            high += x >> 6
        step = 15 - step
        soff += step
    out[0] = low
    out[1] = peak
    return high


@micropython.viper
def decibels(value: int) -> int:
    """Give 1000 * 10 * lg(value), within 40, by its length in bits and a parabola through what is left.

    Args:
        value: 1 to 2**30 - 1; 0 gives 0.
    """
    if value < 1:
        return 0
    power = 29
    while value < 0x20000000:
        value <<= 1
        power -= 1
    # lg2(1 + f) is nearly f + 0.344 * f * (1 - f), f and the sum in 1024ths; 10 * lg(2) is 3.0103
    value = (value >> 19) - 1024
    return ((power << 10) + value + (value * (1024 - value) * 11 >> 15)) * 24082 >> 13


class Vad:
    """Tells frame by frame whether somebody speaks.

    Args:
        samples: of a frame, 320 or 640.

    Attributes:
        level: of the last frame, in dBov; SILENT when there was no sound in it.
        floor: level of the noise between words, in dBov.
        peak: the loudest moment of the last frame, an eighth of a sample's square.
        is_active: the last frame itself was loud enough, whatever was before it.
        is_noisy: so much noise that speech cannot be told from it: send every frame.
    """

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._ms = samples >> 4
        self._sums = array("I", [0, 0])
        self._full = 0
        self._floor = self._noise = _FIRST_FLOOR
        self._held_ms = 0
        self.level = SILENT
        self.floor = _FIRST_FLOOR // 1000
        self.peak = 0
        self.is_active = self.is_noisy = False
        self._full = self._measure(b"\x00\x80" * samples, 0)

    def frame(self, pcm: bytearray, off: int) -> bool:
        """Hear a frame; gives whether it is worth sending: speech, or within 240 ms after it.

        Args:
            pcm: buffer of PCM.
            off: where the frame starts, in bytes, even.
        """
        level = self._measure(pcm, off)
        if level < _DEAD:
            self.level = SILENT
            self.is_active = False
        else:
            self.level = (level + 500) // 1000
            self._judge(level)
        if self.is_active:
            self._held_ms = _HOLD_MS
        else:
            self._held_ms -= self._ms
        return self._held_ms >= 0

    def _measure(self, pcm: "bytearray | bytes", off: int) -> int:
        """Give the level in thousandths of a dB, of full scale once that is known."""
        sums = self._sums
        high = _energy(0, off, self._samples, pcm, sums)
        self.peak = sums[1]
        if high > 1023:
            return decibels(high + (sums[0] >> 6)) + _OF_64 - self._full
        return decibels((high << 6) + sums[0]) - self._full

    def _judge(self, level: int) -> None:
        """Compare a level with the floor, let the floor follow, and the noise when nobody speaks."""
        above = level - self._floor
        self.is_active = above > (_OFF if self.is_active else _ON)
        if above < 0:
            step = above >> 1
        else:
            step = self._ms * _RISE
            if above > _FAR:
                step >>= 2
        self._floor = max(self._floor + step, _LEAST_FLOOR)
        if self._held_ms < 0 and not self.is_active:
            noise = self._noise + ((level - self._noise) >> 3)
            self._noise = noise
            self.floor = (noise + 500) // 1000
            self.is_noisy = noise > (_NOISY_NO_MORE if self.is_noisy else _NOISY)


class Dtx:
    """Decides what of silence is sent: its level alone, and the frame before a word.

    The caller encodes every frame, so that the coder's state goes on, and keeps the payload of the frame before; looking back
    delays nothing. The one frame sent late comes late: who measures delay leaves out packets with a marker.

    Args:
        vad: what hears the frames.
        ptime_ms: sound of a frame, 20 or 40 ms.

    Attributes:
        noise_level: what a packet of noise says now: 0 to 127, in -dBov (RFC 3389 section 3).
    """

    def __init__(self, vad: Vad, ptime_ms: int) -> None:
        self._vad = vad
        self._every = _NOISE_MS // ptime_ms
        # frames since the last packet of noise; -1 while frames are sent
        self._since = -1
        self.noise_level = -SILENT

    def frame(self, speech: bool, gain_db: int = 0) -> int:
        """Decide on a frame that the vad has just heard.

        Args:
            speech: what `Vad.frame` gave for it.
            gain_db: how much louder than that it is sent while somebody speaks; the noise between words is, too.

        Returns:
            SEND, with the marker after silence; SEND_BOTH: first send the frame before, with its own time and the marker, then
            this; NOISE: send `noise_level` instead (payload type 13); NOTHING.
        """
        vad = self._vad
        since = self._since
        if speech or vad.is_noisy:
            self._since = -1
            # where the last packet was one of noise, the time of the frame before is taken
            return SEND_BOTH if since > 0 else SEND
        since += 1
        noise = -vad.floor - gain_db
        # a frame that is getting louder may be the one before a word: leave its time free
        due = since >= self._every or abs(noise - self.noise_level) >= _NOISE_DB
        if since == 0 or since >= 2 * self._every or (due and vad.level - vad.floor < _NOISE_DB):
            self._since = 0
            self.noise_level = max(noise, 0)
            return NOISE
        self._since = since
        return NOTHING

"""How loud a frame leaves: gain without clicks, level by itself, and which side is heard when loudspeaker and microphone meet.

Each part says a gain in thousandths of a dB; they add up, and one Fader a direction brings the samples there. Up: Agc and
Suppressor; down: `volume` and `Suppressor.duck`. Nothing is allocated after the objects are made, and nothing looks at a clock.
"""

from callcore.compat import MICROPYTHON, const, micropython, ptr16
from callcore.vad import Vad, decibels

if not MICROPYTHON:
    from typing import Callable

# a gain in Q11: 8 of it is the most, so that 16 bits times it stay below 2**30
UNITY = const(2048)
_MOST = const(16383)

# a gain in thousandths of a dB that leaves nothing
MUTE = const(-90000)

_STEPS = const(10)
_STEP = const(3000)

_BLOCK = const(32)
# a gain that falls far, falls within 4 ms: what is too loud is so from its first sample on
_FALL = const(64)
_FALL_BLOCK = const(4)

_TARGET_DB = const(-20)
_UP = const(3)
_DOWN = const(10)
_MOST_GAIN = const(18000)
# -1 dBov in the units of `Vad.peak`, less 2 dB since that is not the peak of all samples: 1000 * 10 * lg(2**27) - 3000
_CEILING = const(78278)
# how fast the limiter lets go: 26 dB/s
_RELEASE = const(26)

_HOLD_MS = const(200)
_CLOSED = const(-30000)
_DUCKED = const(-12000)
_OPEN_DB = const(8)
_OPEN_MS = const(40)
# the loudspeaker's level stands in a byte plus this; 0 is silence
_BIAS = const(127)


@micropython.viper
def _scale(x: int, k: int, n: int, block: int, q: int, step: int, data: object) -> int:
    """Multiply `n` samples from byte `k` on by a gain that takes one step in each block.

    Args:
        x: 0; a place among the arguments is a register.
        k: offset in bytes, even.
        n: samples, a multiple of `block`.
        block: samples.
        q: the gain before the first step, times 64, in Q11.
        step: the same.
        data: buffer of PCM.
    """
    pcm = ptr16(data)
    k >>= 1
    n += k
    while k < n:
        q += step
        g = q >> 6
        # samples plus 32768 times g come too high by this
        bias = 0x8000 - (g << 4)
        end = k + block
        if g > 2048:
            while k < end:
                x = ((pcm[k] ^ 0x8000) * g >> 11) + bias
                if x >> 16:
                    if x < 0:
                        x = 0
                    else:
                        x = 0xFFFF
                pcm[k] = x ^ 0x8000
                k += 1
        else:
            while k < end:
                pcm[k] = (((pcm[k] ^ 0x8000) * g >> 11) + bias) ^ 0x8000
                k += 1
    return 0


def gain(pcm: bytearray, off: int, n: int, from_q: int, to_q: int, block: int = _BLOCK) -> None:
    """Multiply samples in place; the gain moves evenly over them, in one step a block, and what is too loud saturates.

    Args:
        pcm: buffer of PCM.
        off: where to begin, in bytes, even.
        n: samples, a multiple of `block`.
        from_q: gain before, 0 to 16383, where UNITY is 1.
        to_q: gain of the last block.
        block: samples.
    """
    if from_q == UNITY and to_q == UNITY:
        return
    _scale(0, off, n, block, (from_q << 6) + 32, ((to_q - from_q) << 6) * block // n, pcm)


def factor(gain_mdb: int) -> int:
    """Give a gain of thousandths of a dB in Q11, within 0.04 dB or 2; 0 at MUTE and below, and at most 18.06 dB."""
    if gain_mdb <= MUTE:
        return 0
    # 2**f is nearly 1 + f * (0.6565 + 0.3435 * f)
    power = gain_mdb // 6021
    f = ((gain_mdb - power * 6021) << 11) // 6021
    q = UNITY + (f * (1344 + (f * 704 >> 11)) >> 11)
    return min(q << power, _MOST) if power >= 0 else q >> -power


def volume(step: int) -> int:
    """Give the gain of a volume of 0 (mute) to 10 (as it came), 3 dB a step."""
    return (step - _STEPS) * _STEP if step > 0 else MUTE


class Fader:
    """Brings one direction's frames to a gain without a click.

    Args:
        samples: of a frame, a multiple of 64.
        multiply: what does it, called as `gain`.
    """

    def __init__(self, samples: int, multiply: "Callable[..., None]" = gain) -> None:
        self._samples = samples
        self._multiply = multiply
        self._q = UNITY

    def frame(self, pcm: bytearray, off: int, gain_mdb: int) -> None:
        """Move to a gain within this frame, in place.

        Args:
            pcm: buffer of PCM.
            off: where the frame starts, in bytes, even.
            gain_mdb: thousandths of a dB, up to 18000.
        """
        q = factor(gain_mdb)
        was = self._q
        n = self._samples
        self._q = q
        if q < was - (was >> 3):
            self._multiply(pcm, off, _FALL, was, q, _FALL_BLOCK)
            off += _FALL * 2
            n -= _FALL
            was = q
        self._multiply(pcm, off, n, was, q)


class Agc:
    """Brings a voice to -20 dBov: 3 dB a second up, 10 down, 0 to 18 dB in all, and no peak above -1 dBov by its doing.

    Args:
        ptime_ms: sound of a frame.
    """

    def __init__(self, ptime_ms: int) -> None:
        self._ms = ptime_ms
        self._gain = 0
        self._most = _MOST_GAIN

    def frame(self, vad: Vad, far_speaks: bool) -> int:
        """Give the gain for the frame that the vad has just heard, in thousandths of a dB.

        Args:
            vad: what it found.
            far_speaks: what is heard may be the loudspeaker: do not turn up.
        """
        made = self._gain
        if vad.is_active:
            if vad.level * 1000 + made > _TARGET_DB * 1000:
                made = max(made - _DOWN * self._ms, 0)
            elif not far_speaks:
                made = min(made + _UP * self._ms, _MOST_GAIN)
            self._gain = made
        if made:
            self._most = min(self._most + _RELEASE * self._ms, _CEILING - decibels(vad.peak))
            made = max(min(made, self._most), 0)
        return made


class Suppressor:
    """Keeps the loudspeaker out of the microphone by letting one side through at a time.

    While the loudspeaker speaks, and as long after as it may still be heard, the microphone is 30 dB down. It opens when it has
    been 8 dB louder than the echo can be for 40 ms, and then the loudspeaker is 12 dB down. How loud the echo can be is learnt:
    a frame of the loudspeaker comes back within the frames of the microphone that are remembered, so the loudest of these is
    at least as loud as its echo, and the least difference seen is a bound. It falls by a quarter of what it is too high, since
    one frame may be damped by chance, and rises by 1 dB a second, for a handset that is moved.

    Args:
        ptime_ms: sound of a frame.
        speaker_ms: how much sound the loudspeaker's driver holds.

    Attributes:
        duck: gain for the loudspeaker's next frame, in thousandths of a dB.
        coupling: the bound, echo over loudspeaker, in thousandths of a dB.
        far_speaks: the loudspeaker speaks, or may still be heard.
    """

    def __init__(self, ptime_ms: int, speaker_ms: int) -> None:
        self._ms = ptime_ms
        count = (_HOLD_MS + speaker_ms) // ptime_ms
        self._played = bytearray(count)
        self._heard = bytearray(count)
        self._at = 0
        self._louder_ms = 0
        self.far_speaks = False
        self.duck = self.coupling = 0

    def played(self, level: int, is_active: bool) -> None:
        """Take note of a frame for the loudspeaker.

        Args:
            level: as it is played, volume and ducking included, in dBov.
            is_active: there is speech in it (`Vad.is_active`).
        """
        if is_active:
            self._played[self._at] = max(level + _BIAS, self._played[self._at])

    def heard(self, level: int, is_active: bool) -> int:
        """Give the gain for a frame of the microphone, 0 or -30000, in thousandths of a dB.

        Args:
            level: of the frame before any gain, in dBov.
            is_active: it is louder than the noise (`Vad.is_active`).
        """
        ms = self._ms
        played = self._played
        heard = self._heard
        at = self._at
        heard[at] = level + _BIAS
        loudest = max(played)
        at = (at + 1) % len(played)
        oldest = played[at]
        if oldest:
            nearer = (max(heard) - oldest) * 1000 - self.coupling
            self.coupling += nearer >> 2 if nearer < 0 else ms
        played[at] = 0
        self._at = at
        self.far_speaks = loudest > 0
        louder_ms = self._louder_ms
        if is_active and (level + _BIAS - loudest - _OPEN_DB) * 1000 > self.coupling:
            louder_ms += ms
            if louder_ms >= _OPEN_MS:
                louder_ms = _OPEN_MS + _HOLD_MS
        else:
            louder_ms = louder_ms - ms if louder_ms >= _OPEN_MS else 0
        self._louder_ms = louder_ms
        is_open = louder_ms >= _OPEN_MS
        self.duck = _DUCKED if is_open and loudest else 0
        return _CLOSED if loudest and not is_open else 0

"""Comfort noise: what is heard while nobody speaks, at a level that the far end names (RFC 3389) or that was measured here.

White noise through one pole at 1/2, which tilts it by 9.5 dB towards low tones as a room does. It comes from a congruential
generator of 20 bits, 65 s of noise at 16 kHz before it repeats. Every number stays below 2**31, so that all interpreters
make the same noise. Nothing is allocated after a Comfort is made.
"""

from callcore.compat import const, micropython, ptr16

# the peaks of noise are three times its root mean square; louder than this they would pass full scale
_MOST = const(10900)


def amplitude(level: int) -> int:
    """Give the root mean square of a level, within 0.5 dB above 64.

    Args:
        level: in -dBov, 0 to 127; 0 is a square wave of full scale.

    Returns:
        0 to 32768 in units of a sample; 0 from -91 dBov on.
    """
    # 6 dB halve it, and within 6 dB a straight line is close enough
    return (32768 - level % 6 * 2731) >> level // 6


class Comfort:
    """A source of noise.

    Args:
        seed: where in the noise it begins.
    """

    def __init__(self, seed: int) -> None:
        self._word = seed & 0xFFFFF

    def fill(self, buf: bytearray, off: int, samples: int, level: int) -> None:
        """Make noise of a level.

        Args:
            buf: buffer for PCM.
            off: offset of the first sample in bytes, even.
            samples: how many.
            level: in -dBov, 0 to 127; louder than -10 it is -10.
        """
        self.make(buf, off, samples, amplitude(level))

    def make(self, buf: bytearray, off: int, samples: int, rms: int) -> None:
        """Make noise of a root mean square; see `fill`.

        Args:
            rms: in units of a sample, 0 to 32768.
        """
        off >>= 1
        self._word = _make(self._word, 0, off, off + samples, buf, min(rms, _MOST) * 3)


@micropython.viper
def _make(x: int, y: int, at: int, end: int, buf: object, gain: int) -> int:
    """Make the samples `at` to `end` from the generator's word `x`, and give the next one.

    The filter begins anew with every frame, which nobody hears; `y` is 0.
    """
    pcm = ptr16(buf)
    while at < end:
        x = (x * 1229 + 13849) & 0xFFFFF
        y = (y >> 1) + (x >> 4) - 32768
        # y is within 2**16 and 21845 in the mean square
        pcm[at] = ((y * gain + 32768) >> 16) & 0xFFFF
        at += 1
    return x

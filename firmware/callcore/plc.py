"""Packet loss concealment: sound for the frames that are not here, and frames made a little shorter or longer.

    heard               a frame is here: it is remembered, and led in by a cross-fade when it ends a gap
    lost                a frame is missing: the last period of the sound goes on
    quiet               the far end is silent: comfort noise at the level it named
    shorten, lengthen   one period less, or more, in the frame that was heard last

A gap begins with a search for the period, 2.5 to 14.5 ms: the lag at which the last 10 ms differ least from what was before
them. The head of the last period is made to cross over from the end of the sound played backwards, so that it follows that
end without a jump; from there on every sample repeats the one a period before. After 10 ms the sound fades by a fifth
every 10 ms into noise at the level of the background; when silence is known it fades within 8 ms. The good path adds no
delay and leaves a frame as it is.

PCM is signed 16-bit little-endian. Nothing is allocated after a Concealer is made. No bound is checked in here: the caller
answers for buffers and offsets. `tincall.worker.concealment` has the same rule for the host, with the numbers from here.
"""

from callcore.comfort import Comfort, amplitude
from callcore.compat import const, micropython, ptr16
from callcore.mask import move
from callcore.pcm import level as mean

# in half milliseconds
_SHORTEST = const(5)  # periods, of voices of 400 ...
_LONGEST = const(29)  # ... to 69 Hz
_MATCH = const(20)  # what has to be like itself a period ago
_KEPT = const(10)  # remembered besides a frame: with 20 ms enough for both of these
_LEAD = const(1)  # the head of the period that is repeated
_FADE = const(16)  # the cross-fade that ends a gap
_SPLICE = const(10)  # that of a frame made shorter: with the longest period it fits into 20 ms

# what `lengthen` adds at most, at either rate
MAX_PERIOD_SAMPLES = const(240)

# gains of what goes on in a gap, and what they lose in half a millisecond
_FULL = const(16384)
_FIRST = const(19744)  # a gap begins above it and comes down to it in 10 ms
_FALL = const(168)  # nothing is left after 59 ms
_DROP = const(1024)  # the same in 8 ms, when silence is known

# a period may be cut out or put in when it differs from its neighbour by this many twentieths of their level at most
_LIKE = const(6)

_QUIET = const(4096)  # the floor before any sound, -53 dBov
_SEED = const(1)


class Concealer:
    """The sound of one stream.

    Args:
        samples: of a frame, 20 or 40 ms.
        rate_hz: 8000 or 16000.
    """

    def __init__(self, samples: int, rate_hz: int = 16000) -> None:
        self._step = rate_hz // 2000  # samples of half a millisecond
        self._size = samples
        self._end = samples + _KEPT * self._step
        # what was played, without the fading in a gap, up to `_end`; behind it room for what a gap goes on with
        self._past = bytearray((self._end + samples) * 2)
        self._noise = Comfort(_SEED)
        self._floor = _QUIET  # of the background: 64 times its mean magnitude
        self._period = 0  # 0 outside a gap
        self._gain = self._fall = 0
        self._rms = 0  # of the noise that a gap fades to

    def heard(self, pcm: bytearray, off: int) -> None:
        """Take a frame that is here.

        Args:
            pcm: buffer of PCM; after a gap the first 8 ms of the frame are changed, and nothing else ever.
            off: offset of the frame in bytes, even.
        """
        n = self._size
        step = self._step
        past = self._past
        kept = _KEPT * step
        if self._period:
            fade = _FADE * step
            # made at the end of the room behind the past, of which it takes the beginning itself
            tail = self._end + n - fade
            self._go_on(past, tail * 2, fade)
            _cross(off >> 1, tail, 0, (off >> 1) + fade, pcm, past, _FULL // fade, 1)
            self._period = 0
        move(past, 0, past, n * 2, kept * 2)
        move(past, kept * 2, pcm, off, n * 2)
        # its end tells enough of the level
        rise = (mean(pcm, off + (n * 7 >> 2), n >> 3) << 6) - self._floor
        # down by a quarter of the way, up by 3 dB a second
        self._floor += rise >> 2 if rise < 0 else (self._floor >> 7) + 1
        self._rms = self._floor * 5 >> 8
        self._gain = _FIRST
        self._fall = _FALL // step

    def lost(self, pcm: bytearray, off: int) -> None:
        """Make the frame for one that is missing.

        Args:
            pcm: buffer for it.
            off: its offset in bytes, even.
        """
        n = self._size
        self._go_on(pcm, off, n)
        # what was made counts as past now
        move(self._past, 0, self._past, n * 2, self._end * 2)

    def quiet(self, pcm: bytearray, off: int, level: int) -> None:
        """Make a frame of comfort noise.

        Args:
            pcm: buffer for it.
            off: its offset in bytes, even.
            level: in -dBov, 0 to 127.
        """
        self._gain = min(self._gain, _FULL)
        self._fall = _DROP // self._step
        self._rms = amplitude(level)
        self.lost(pcm, off)

    def shorten(self, pcm: bytearray, off: int, n: int) -> int:
        """Take one period out of the frame that `heard` took last, if it is quiet or has a period.

        Args:
            pcm: buffer that holds the frame as `heard` left it.
            off: offset of the frame in bytes, even.
            n: samples of it; what has another length by now stays as it is.

        Returns:
            Samples that are left; `n` when nothing could be taken.
        """
        return self._splice(pcm, off, n, 0)

    def lengthen(self, pcm: bytearray, off: int, n: int) -> int:
        """Put one period more into the frame that `heard` took last, if it is quiet or has a period.

        Args:
            pcm: buffer that holds the frame as `heard` left it, with room for MAX_PERIOD_SAMPLES more.
            off: offset of the frame in bytes, even.
            n: as of `shorten`.

        Returns:
            Samples that are there now; `n` when nothing could be put in.
        """
        return self._splice(pcm, off, n, 1)

    def _splice(self, pcm: bytearray, off: int, n: int, more: int) -> int:
        """Cross, near the end of the frame, to what is a period later, or earlier when there shall be more."""
        past = self._past
        fade = _SPLICE * self._step
        at = self._end - fade
        found = _match(0, 0, 0, past, self._end, self._step)
        level = mean(past, at * 2, fade)
        if self._period or n != self._size or (found >> 8 > level * _LIKE and level << 6 > self._floor * 2):
            return n
        period = found & 0xFF
        fro = at - period
        if more:
            n += period
            fro, at = at, fro
        else:
            n -= period
        left = self._end - at
        off += (n - left) * 2
        move(pcm, off, past, at * 2, left * 2)
        off >>= 1
        _cross(off, fro, 0, off + fade, pcm, past, _FULL // fade, 1)
        return n

    def _go_on(self, pcm: bytearray, off: int, n: int) -> None:
        """Make `n` samples of what a gap sounds like; behind the past stands what they are without fading."""
        past = self._past
        at = self._end
        end = at + n
        gain = self._gain
        fall = self._fall
        period = self._period
        if not period:
            self._period = period = _match(0, 0, 0, past, at, self._step) & 0xFF
            lead = _LEAD * self._step
            _cross(at - period, at - 1, 0, at - period + lead, past, past, _FULL // lead, -1)
        while at < end:
            some = min(period, end - at)
            move(past, at * 2, past, (at - period) * 2, some * 2)
            at += some
        at = end - n
        self._gain = max(gain - fall * n, 0)
        if gain > _FULL:
            some = min((gain - _FULL) // fall, n)
            move(pcm, off, past, at * 2, some * 2)
            off += some * 2
            at += some
            gain = _FULL
        self._noise.make(pcm, off, end - at, self._rms)
        off >>= 1
        _cross(off, at, _FULL - gain, off + end - at, pcm, past, fall, 1)


@micropython.viper
def _match(a: int, d: int, total: int, pcm: object, end: int, step: int) -> int:
    """Look for the period of what ends at `end`, at every third lag of 16 kHz and every lag of 8 kHz.

    What every sample works on comes first among the arguments, since viper keeps only that in registers; 0 is given for it.

    Returns:
        Its samples, plus 256 times the sum of 20 differences from a period before.
    """
    p = ptr16(pcm)
    lag = step * _SHORTEST
    last = step * _LONGEST
    least = 0x3FFFFFFF
    while lag <= last:
        a = end - step * _MATCH
        total = 0
        while a < end:
            d = (p[a] ^ 0x8000) - (p[a - lag] ^ 0x8000)
            if d < 0:
                d = 0 - d
            total += d
            a += step
        total = total << 8 | lag
        if total < least:
            least = total
        lag += (step >> 1) - 1
    return least


@micropython.viper
def _cross(at: int, fro: int, weight: int, end: int, pcm: object, other: object, step: int, by: int) -> int:
    """Cross from `other` to what is in `pcm` from `at` to `end`.

    Args:
        fro: where it begins in `other`; `by` 1 goes forwards there, -1 backwards.
        weight: of what is in `pcm`, at first; `step` is added with every sample, and at 16384 it is done.
    """
    out = ptr16(pcm)
    p = ptr16(other)
    while at < end and weight < 16384:
        x = p[fro]
        out[at] = (x + ((((out[at] ^ 0x8000) - (x ^ 0x8000)) * weight) >> 14)) & 0xFFFF
        at += 1
        fro += by
        weight += step
    return 0

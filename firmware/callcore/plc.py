"""Packet loss concealment: sound for the frames that are not here, and frames made a little shorter or longer.

    heard               a frame is here: it is remembered, and led in by a cross-fade when it ends a gap
    lost                a frame is missing: the last period of the sound goes on
    quiet               the far end is silent: comfort noise at the level it named
    shorten, lengthen   one period less, or more, in the frame that was heard last

A gap begins with a search for the period, 2.5 to 15 ms: the lag at which the last 10 ms differ least from what was before
them. From there on every sample repeats the one a period before. The head of the first period crosses over from the end of the
real sound played backwards, so that it does not jump; as each period repeats the last, no later seam jumps either. After
10 ms the sound fades by a fifth every 10 ms into noise at the level of the background; when silence is known it
fades within 8 ms. The good path adds no delay and leaves a frame as it is.

PCM is signed 16-bit little-endian. Nothing is allocated after a Concealer is made. No bound is checked in here: the caller
answers for buffers and offsets. `tincall.worker.concealment` has the same rule for the host, with the numbers from here.
"""

from callcore import pcm as sound
from callcore.comfort import Comfort, amplitude
from callcore.compat import const, micropython, ptr16
from callcore.mask import move

# in samples of 8 kHz; of all but these counts there are twice as many at 16 kHz
_SHORTEST = const(20)  # periods of voices of 400 ...
_LONGEST = const(120)  # ... to 67 Hz
_MATCH = const(80)  # what has to be like itself a period ago
_KEPT = const(40)  # remembered besides a frame: with 20 ms enough for both of these
_LEAD = const(16)  # the head of the first period
_FADE = const(64)  # the cross-fade that ends a gap, 8 ms
_SPLICE = const(40)  # that of a frame made shorter: with the longest period it fits into 20 ms

# what `lengthen` adds at most, at either rate
MAX_PERIOD_SAMPLES = const(240)

# gains of what goes on in a gap, and what they lose with every sample of 8 kHz
_FULL = const(16384)
_FIRST = const(19744)  # a gap begins above it and comes down to it in 10 ms
_FALL = const(42)  # nothing is left after 59 ms
_DROP = const(256)  # the same in 8 ms, when silence is known

# a period may be cut out or put in when it differs from its neighbour by this many fortieths of their level at most
_LIKE = const(20)

_START_FLOOR = const(4096)
_SEED = const(1)


class Concealer:
    """The sound of one stream.

    Args:
        samples: of a frame, 20 or 40 ms.
        rate_hz: 8000 or 16000.
    """

    def __init__(self, samples: int, rate_hz: int = 16000) -> None:
        self._unit = rate_hz // 8000
        self._samples = samples
        self._end = samples + _KEPT * self._unit
        # what was played, without the fading in a gap, up to `_end`; behind it room for what a gap goes on with
        self._past = bytearray((self._end + samples) * 2)
        self._tail = bytearray(_FADE * self._unit * 2)
        self._comfort = Comfort(_SEED)
        self._floor = -1  # of the background: 64 times its mean magnitude; -1 before the first frame
        self._period = 0  # 0 outside a gap
        self._gain = self._fall = 0
        self._rms = 0  # of the noise that a gap fades to

    def heard(self, pcm: bytearray, off: int) -> None:
        """Take a frame that is here.

        Args:
            pcm: buffer of PCM; after a gap the first 8 ms of the frame are changed, and nothing else ever.
            off: offset of the frame in bytes, even.
        """
        n = self._samples
        unit = self._unit
        if self._period:
            fade = _FADE * unit
            self._go_on(self._tail, 0, fade)
            _cross(off >> 1, 0, 0, (off >> 1) + fade, pcm, self._tail, _FULL // fade, 1)
            self._period = 0
        move(self._past, self._end * 2, pcm, off, n * 2)
        self._remember()
        # its end tells enough of the level
        level = sound.level(pcm, off + (n * 7 >> 2), n >> 3) << 6
        floor = self._floor
        if floor < 0:
            floor = min(level, _START_FLOOR)
        if level < floor:
            floor -= floor - level + 3 >> 2
        else:
            floor += (floor >> 7) + 1  # 3 dB a second
        self._floor = floor
        self._rms = floor * 5 >> 8
        self._gain = _FIRST
        self._fall = _FALL // unit

    def lost(self, pcm: bytearray, off: int) -> None:
        """Make the frame for one that is missing.

        Args:
            pcm: buffer for it.
            off: its offset in bytes, even.
        """
        self._go_on(pcm, off, self._samples)
        self._remember()

    def quiet(self, pcm: bytearray, off: int, level: int) -> None:
        """Make a frame of comfort noise.

        Args:
            pcm: buffer for it.
            off: its offset in bytes, even.
            level: in -dBov, 0 to 127.
        """
        self._gain = min(self._gain, _FULL)
        self._fall = _DROP // self._unit
        self._rms = amplitude(level)
        self.lost(pcm, off)

    def shorten(self, pcm: bytearray, off: int, n: int) -> int:
        """Take one period out of the frame that `heard` took last, if it is quiet or has a period.

        Args:
            pcm: buffer that holds the frame as `heard` left it.
            off: offset of the frame in bytes, even.
            n: samples of it.

        Returns:
            Samples that are left; `n` when nothing could be taken.
        """
        return self._splice(pcm, off, n, 0)

    def lengthen(self, pcm: bytearray, off: int, n: int) -> int:
        """Put one period more into the frame that `heard` took last, if it is quiet or has a period.

        Args:
            pcm: buffer that holds the frame as `heard` left it, with room for MAX_PERIOD_SAMPLES more.
            off: offset of the frame in bytes, even.
            n: samples of it.

        Returns:
            Samples that are there now; `n` when nothing could be put in.
        """
        return self._splice(pcm, off, n, 1)

    def _splice(self, pcm: bytearray, off: int, n: int, more: int) -> int:
        """Cross, near the end of the frame, to what is a period later, or earlier when there shall be more."""
        past = self._past
        found = self._search()
        at = self._end - _SPLICE * self._unit
        level = sound.level(past, at * 2, _SPLICE * self._unit)
        if self._period or (found >> 8 > level * _LIKE and level << 6 > self._floor * 2):
            return n
        period = found & 0xFF
        fro = at - period
        if more:
            n += period
            fro, at = at, fro
        else:
            n -= period
        some = self._end - at
        off += (n - some) * 2
        move(pcm, off, past, at * 2, some * 2)
        off >>= 1
        _cross(off, fro, 0, off + _SPLICE * self._unit, pcm, past, _FULL // (_SPLICE * self._unit), 1)
        return n

    def _search(self) -> int:
        """Look for the period at the end of the past.

        Returns:
            Its samples, plus 256 times the sum of 40 differences from a period before.
        """
        unit = self._unit
        past = self._past
        end = self._end
        by = unit * 2
        # each second lag of 8 kHz by each fourth sample, then every lag beside the best
        best = _match(0, 0, 0, past, end, _MATCH * unit, by * 2, _SHORTEST * unit, _LONGEST * unit, by) & 0xFF
        first = max(best - by, _SHORTEST * unit)
        return _match(0, 0, 0, past, end, _MATCH * unit, by, first, min(best + by, _LONGEST * unit), 1)

    def _go_on(self, pcm: bytearray, off: int, n: int) -> None:
        """Make `n` samples of what a gap sounds like; behind the past stands what they are without fading."""
        past = self._past
        at = self._end
        end = at + n
        gain = self._gain
        fall = self._fall
        period = self._period
        if not period:
            self._period = period = self._search() & 0xFF
            move(past, at * 2, past, (at - period) * 2, period * 2)
            lead = _LEAD * self._unit
            _cross(at, at - 1, 0, at + lead, past, past, _FULL // lead, -1)
            at += period
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
        self._comfort.make(pcm, off, end - at, self._rms)
        off >>= 1
        if gain:
            some = min(-(-gain // fall), end - at)
            _cross(off, at, _FULL - gain, off + some, pcm, past, fall, 1)

    def _remember(self) -> None:
        """Count the frame behind the past to it."""
        move(self._past, 0, self._past, self._samples * 2, self._end * 2)


@micropython.viper
def _match(a: int, b: int, total: int, pcm: object, end: int, n: int, step: int, lag: int, last: int, by: int) -> int:
    """Find the lag from `lag` to `last` at which the `n` samples up to `end` differ least from what was before.

    What every sample works on comes first among the arguments, since viper keeps only that in registers; 0 is given for it.
    """
    p = ptr16(pcm)
    least = 0x20000000
    best = lag
    while lag <= last:
        a = end - n
        b = a - lag
        total = 0
        while a < end:
            d = (p[a] ^ 0x8000) - (p[b] ^ 0x8000)
            if d < 0:
                d = 0 - d
            total += d
            a += step
            b += step
        if total < least:
            least = total
            best = lag
        lag += by
    return best | least << 8


@micropython.viper
def _cross(at: int, fro: int, weight: int, end: int, pcm: object, other: object, step: int, by: int) -> int:
    """Cross from `other` to what is in `pcm` from `at` to `end`.

    Args:
        fro: where it begins in `other`; `by` 1 goes forwards there, -1 backwards.
        weight: of what is in `pcm`, at first; `step` is added with every sample, up to 16384.
    """
    out = ptr16(pcm)
    p = ptr16(other)
    while at < end:
        x = p[fro]
        out[at] = (x + ((((out[at] ^ 0x8000) - (x ^ 0x8000)) * weight) >> 14)) & 0xFFFF
        at += 1
        fro += by
        weight += step
    return 0

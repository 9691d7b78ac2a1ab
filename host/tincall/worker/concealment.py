"""Concealment on the host: the rule of callcore.plc in numpy, since plain Python is too slow for many calls.

What it does, when and with which numbers stands in callcore.plc; here are the same steps on whole arrays. The two need not
agree to the bit, and hold the same contract (tests/contracts/concealment_contract.py). What the board's file does in place
is given back here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from callcore import comfort
from callcore import plc as rule
from tincall.worker.transcode import Samples

_MATCHED = np.arange(rule._MATCH)
# the pole of the board's noise as a filter of finite length, for noise with a mean square of 1 before it
_DARK = 0.5 ** np.arange(10)
_DARK /= np.sqrt(np.sum(_DARK**2))
_WHITE_PEAK = np.sqrt(3.0)


class Concealer:
    """The sound of one stream; see `callcore.plc.Concealer`.

    Args:
        samples: of a frame, 20 or 40 ms.
        rate_hz: 8000 or 16000.
        seed: of the noise.
    """

    def __init__(self, samples: int, rate_hz: int, seed: int = 1) -> None:
        step = rate_hz // 2000
        self._step = step
        self._size = samples
        self._past: Samples = np.zeros(samples + rule._KEPT * step, dtype=np.int16)
        self._lags = np.arange(rule._SHORTEST * step, rule._LONGEST * step + 1, (step >> 1) - 1)
        self._random = np.random.default_rng(seed)
        self._white = np.zeros(len(_DARK) - 1)
        self._floor: int = rule._QUIET
        self._period = 0
        self._gain = self._fall = self._rms = 0

    def heard(self, frame: Samples) -> Samples:
        """Take a frame that is here.

        Args:
            frame: int16 of shape (samples,); not changed.

        Returns:
            What is to be played: the frame itself, or after a gap one with another beginning.
        """
        if self._period:
            fade = rule._FADE * self._step
            tail, _ = self._go_on(fade)
            frame = np.concatenate((_crossed(tail, frame[:fade]), frame[fade:]))
            self._period = 0
        self._remember(frame)
        end = frame[self._size - (self._size >> 3) :].astype(np.int32)
        rise = (int(np.abs(end).mean()) << 6) - self._floor
        self._floor += rise >> 2 if rise < 0 else (self._floor >> 7) + 1
        self._rms = self._floor * 5 >> 8
        self._gain = rule._FIRST
        self._fall = rule._FALL // self._step
        return frame

    def is_quiet(self, frame: Samples) -> bool:
        """Tell whether a frame is about as low as the background."""
        return int(np.abs(frame.astype(np.int32)).mean()) << 6 <= self._floor * 2

    def lost(self) -> Samples:
        """Make the frame for one that is missing: int16 of shape (samples,)."""
        made, unfaded = self._go_on(self._size)
        self._remember(unfaded)
        return made

    def quiet(self, level: int) -> Samples:
        """Make a frame of comfort noise: int16 of shape (samples,).

        Args:
            level: in -dBov, 0 to 127.
        """
        self._gain = min(self._gain, rule._FULL)
        self._fall = rule._DROP // self._step
        self._rms = comfort.amplitude(level)
        return self.lost()

    def shorten(self, frame: Samples) -> Samples:
        """Take one period out of the frame that `heard` gave last, if it is quiet or has a period.

        Returns:
            What is left; `frame` itself when nothing could be taken.
        """
        period = self._spliced(frame)
        if not period:
            return frame
        fade = rule._SPLICE * self._step
        end = len(frame)
        joined = _crossed(frame[end - fade - period : end - period], frame[end - fade :])
        return np.concatenate((frame[: end - fade - period], joined))

    def lengthen(self, frame: Samples) -> Samples:
        """Put one period more into the frame that `heard` gave last, if it is quiet or has a period.

        Returns:
            The longer frame, by at most `callcore.plc.MAX_PERIOD_SAMPLES`; `frame` itself when nothing could be put in.
        """
        period = self._spliced(frame)
        if not period:
            return frame
        fade = rule._SPLICE * self._step
        again = self._past[len(self._past) - fade - period :]
        joined = _crossed(frame[len(frame) - fade :], again[:fade])
        return np.concatenate((frame[: len(frame) - fade], joined, again[fade:]))

    def _spliced(self, frame: Samples) -> int:
        """Give the period by which the last frame may change its length, or 0."""
        if self._period or len(frame) != self._size:
            return 0
        period, unlike = self._match()
        level = int(np.abs(self._past[-rule._SPLICE * self._step :].astype(np.int32)).mean())
        if unlike > level * rule._LIKE and level << 6 > self._floor * 2:
            return 0
        return period

    def _match(self) -> tuple[int, int]:
        """Look for the period at the end of the past; gives its samples, and the sum of the differences."""
        at = len(self._past) + (_MATCHED - rule._MATCH) * self._step
        past = self._past.astype(np.int32)
        unlike = np.abs(past[at] - past[at - self._lags[:, None]]).sum(axis=1)
        best = int(unlike.argmin())
        return int(self._lags[best]), int(unlike[best])

    def _go_on(self, n: int) -> tuple[Samples, Samples]:
        """Make `n` samples of what a gap sounds like; gives them, and what they are without fading."""
        if not self._period:
            self._period, _ = self._match()
            lead = rule._LEAD * self._step
            head = len(self._past) - self._period
            self._past[head : head + lead] = _crossed(self._past[: -lead - 1 : -1], self._past[head : head + lead])
        unfaded = np.resize(self._past[-self._period :], n)
        gains = np.clip(self._gain - self._fall * np.arange(n), 0, rule._FULL) / rule._FULL
        self._gain = max(self._gain - self._fall * n, 0)
        return _rounded(unfaded * gains + self._noise(n) * (1 - gains)), unfaded

    def _noise(self, n: int) -> NDArray[np.float64]:
        white = np.concatenate((self._white, self._random.uniform(-_WHITE_PEAK, _WHITE_PEAK, n)))
        self._white = white[n:]
        return np.convolve(white, _DARK, "valid") * min(self._rms, comfort._MOST)

    def _remember(self, played: Samples) -> None:
        self._past = np.concatenate((self._past[len(played) :], played))


def _crossed(fro: Samples, to: Samples) -> Samples:
    """Cross from one sound to another of the same length."""
    weight = np.arange(len(to)) / len(to)
    return _rounded(fro * (1 - weight) + to * weight)


def _rounded(values: NDArray[np.float64]) -> Samples:
    return np.clip(np.rint(values), -32768, 32767).astype(np.int16)

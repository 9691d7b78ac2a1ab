"""How well one talk came through: quality of the judged clip by PESQ and STOI, and what the counters of its turns say.

What was heard is laid over what was spoken by the one delay at which the two are most alike; PESQ then follows whatever the
play-out stretched or shrank inside (P.862 section 10.1), STOI does not, and reads lower where that happened.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from callcore import jitter
from tincall.errors import OperatorError
from tincall.measure import speech
from tincall.measure.ears import PTIME_MS, RATE_HZ, Heard, Turn
from tincall.measure.packet_path import Packets
from tincall.measure.talk import Talk
from tincall.wav import Samples

_LATEST_MS = 700  # what a buffer and two filters together may delay


@dataclass(frozen=True)
class Score:
    """Figures of one talk at one ear.

    Args:
        pesq: 1 to 4.64; 1.0 when nothing was heard.
        stoi: 0 to 1.
        concealed: share of turns that had no frame, from the first frame on.
        buffer_ms: mean time between sending and playing a frame.
        worst_gap_ms: longest time in a row without a frame.
    """

    pesq: float
    stoi: float
    concealed: float
    buffer_ms: float
    worst_gap_ms: int


def score(talk: Talk, sent: Packets, came: Packets, heard: Heard, band: str) -> Score:
    """Judge.

    Args:
        talk: what was said.
        sent: its packets with the times at which they were sent, by the receiver's clock.
        came: those that arrived, in the order of the numbers in `heard`.
        heard: what an ear gave.
        band: what PESQ is for, `speech.WIDE` or `speech.NARROW`.
    """
    spoken = talk.samples[talk.begin : talk.end]
    arrived = overlay(spoken, heard.samples, talk.begin - heard.begin_ms * RATE_HZ // 1000)
    concealed, worst_gap_ms = gaps(heard.turns)
    return Score(
        speech.score(spoken, arrived, RATE_HZ, band) or 1.0,
        _stoi(spoken, arrived),
        concealed,
        delay_ms(sent, came, heard.turns),
        worst_gap_ms,
    )


def overlay(spoken: Samples, heard: Samples, begin: int) -> Samples:
    """Cut out of a recording what is most like the spoken clip.

    Args:
        spoken: the clip.
        heard: the recording, at the same rate.
        begin: where the clip would begin in it if there were no delay; may be negative.

    Returns:
        As many samples as the clip has, silence where the recording has none.
    """
    latest = _LATEST_MS * RATE_HZ // 1000
    line = _cut(heard, begin, len(spoken) + latest).astype(np.float64)
    size = 1 << (len(line) + len(spoken)).bit_length()
    alike = np.fft.irfft(np.fft.rfft(line, size) * np.conj(np.fft.rfft(spoken.astype(np.float64), size)), size)
    return _cut(heard, begin + int(np.argmax(alike[: latest + 1])), len(spoken))


def gaps(turns: list[Turn]) -> tuple[float, int]:
    """Give the share of turns without a frame, from the first frame on, and the longest time of such turns in ms."""
    first = next((at for at, turn in enumerate(turns) if turn.kind == jitter.PLAYED), len(turns))
    missing = run = worst = 0
    for turn in turns[first:]:
        run = run + 1 if turn.kind == jitter.MISSING else 0
        missing += turn.kind == jitter.MISSING
        worst = max(worst, run)
    return missing / (len(turns) - first) if turns[first:] else 1.0, worst * PTIME_MS


def delay_ms(sent: Packets, came: Packets, turns: list[Turn]) -> float:
    """Give the mean time from sending to playing a frame; nan when none was played."""
    when = {packet: at_ms for at_ms, packet in sent}
    waits = [turn.at_ms - when[came[turn.packet][1]] for turn in turns if turn.packet >= 0]
    return float(np.mean(waits)) if waits else float("nan")


def _cut(samples: Samples, begin: int, count: int) -> Samples:
    """Give `count` samples from `begin` on, silence where there are none."""
    found = np.zeros(count, dtype=np.int16)
    first, last = max(begin, 0), min(begin + count, len(samples))
    if first < last:
        found[first - begin : last - begin] = samples[first:last]
    return found


def _stoi(spoken: Samples, heard: Samples) -> float:
    try:
        from pystoi import stoi
    except ImportError as error:
        raise OperatorError("the package pystoi is not installed", "Run `pip install tincall[judge]`.") from error
    pair: list[NDArray[np.float64]] = [part.astype(np.float64) / 32768 for part in (spoken, heard)]
    return float(stoi(*pair, RATE_HZ))

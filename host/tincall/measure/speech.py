"""How well speech came through: PESQ (ITU-T P.862) against what was spoken, level, and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tincall.measure import marker

Samples = NDArray[np.int16]

# what a score is for, as the package `pesq` calls it
WIDE, NARROW = "wb", "nb"

_GAP_S = 0.02
_SPEAKING = 0.01  # of full scale: a frame louder than this is speech in what was spoken


@dataclass(frozen=True)
class Heard:
    """What a judge says of one direction.

    Args:
        pesq: score by P.862.2 (wideband) or P.862.1 (narrowband), 1 to 4.64; None when the package `pesq` is not installed or
            nothing was heard.
        delay_ms: mouth to ear, by the marker; None when the marker was not found.
        level_db: level of what was heard over what was spoken, in dB, 0 for no change.
        gap_ms: speech that arrived as silence.
    """

    pesq: float | None
    delay_ms: float | None
    level_db: float
    gap_ms: float


def judge(spoken: Samples, spoken_t0_ns: int, heard: Samples, heard_t0_ns: int, rate_hz: int, band: str) -> Heard:
    """Judge a recording against the marked clip (`marker.mark`) that was spoken.

    Args:
        spoken: the clip with its marker, int16.
        spoken_t0_ns: instant at which its sample 0 entered the microphone.
        heard: the recording, int16, at the same rate.
        heard_t0_ns: instant at which its sample 0 left towards the ear.
        rate_hz: 8000, or 16000.
        band: WIDE or NARROW, what the score is for; wide takes 16000.
    """
    spoken_at = marker.find(spoken, rate_hz)
    heard_at = marker.find(heard, rate_hz)
    if spoken_at is None or heard_at is None:
        return Heard(None, None, 0.0, 0.0)
    delay_ms = marker.mouth_to_ear_ms(spoken_t0_ns, spoken_at, heard_t0_ns, heard_at, rate_hz)
    begin = round(marker.SPEECH_AT_S * rate_hz)
    reference = spoken[begin : len(spoken) - round(marker.TAIL_S * rate_hz)]
    start = begin + heard_at - spoken_at
    degraded = heard[start : start + len(reference)]
    reference = reference[: len(degraded)]
    return Heard(
        score(reference, degraded, rate_hz, band),
        delay_ms,
        _level_db(reference, degraded),
        _gaps(reference, degraded, rate_hz),
    )


def score(reference: Samples, degraded: Samples, rate_hz: int, band: str) -> float | None:
    """Give PESQ of a recording against what was spoken, laid over it; 1 to 4.64.

    Args:
        reference: what was spoken, int16.
        degraded: the recording, int16, at the same rate.
        rate_hz: as of `judge`.
        band: as of `judge`.

    Returns:
        None when there is less than a quarter of a second, no speech in it, or no package `pesq`.
    """
    try:
        from pesq import NoUtterancesError, pesq
    except ImportError:
        return None
    if len(reference) < rate_hz // 4 or not degraded.any():
        return None
    try:
        return float(pesq(rate_hz, reference, degraded, band))
    except NoUtterancesError:
        return None


def _level_db(reference: Samples, degraded: Samples) -> float:
    """Compare root mean squares; 0 for nothing at all."""
    if not len(reference):
        return 0.0
    spoken, heard = (
        float(np.sqrt(np.mean(np.square(part, dtype=np.float64)) + 1e-9)) for part in (reference, degraded)
    )
    return 20 * float(np.log10(heard / spoken))


def _gaps(reference: Samples, degraded: Samples, rate_hz: int) -> float:
    """Add up the frames of 20 ms that were spoken and arrived silent."""
    size = round(_GAP_S * rate_hz)
    count = len(reference) // size
    if not count:
        return 0.0
    spoken, heard = (
        np.sqrt(np.mean(np.square(part[: count * size].reshape(count, size), dtype=np.float64), axis=1))
        for part in (reference, degraded)
    )
    limit = _SPEAKING * 32768
    return float(np.sum((spoken > limit) & (heard < limit / 10))) * _GAP_S * 1000

"""A marker in the signal: a short chirp before the speech, by which the way of a sound through the chain is timed.

The chirp sweeps the telephone band, so that its cross-correlation has one sharp peak after any codec of the band. It is laid
before the speech of a clip and found again in what was heard; two clocks are never compared, since every recording says at
which instant (`time.time_ns`, the machine's one clock of day) its first sample was.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

LEAD_S = 0.2  # silence before the marker: a jitter buffer is still settling in the first frames
MARKER_S = 0.06
PAUSE_S = 0.34  # silence between marker and speech, so that neither is heard in the other's score
TAIL_S = 0.4  # silence after the speech: the last frames are played out before anybody hangs up
SPEECH_AT_S = LEAD_S + MARKER_S + PAUSE_S
_LOW_HZ, _HIGH_HZ = 500.0, 2800.0
_PEAK = 9000
_LEAST_LIKENESS = 0.6  # normalised cross-correlation; speech stays below 0.3, an A-law copy is above 0.97


def chirp(rate_hz: int) -> Samples:
    """Make the marker: a linear sweep under a Hann window, int16 of shape (rate_hz * MARKER_S,)."""
    t = np.arange(round(rate_hz * MARKER_S)) / rate_hz
    sweep = np.sin(2 * np.pi * (_LOW_HZ * t + (_HIGH_HZ - _LOW_HZ) * t * t / (2 * MARKER_S)))
    return np.asarray(_PEAK * sweep * np.hanning(len(t)), dtype=np.int16)


def mark(speech: Samples, rate_hz: int) -> Samples:
    """Lay silence, the marker and a pause before `speech`, and silence behind it; int16."""
    return np.concatenate(
        [_silence(LEAD_S, rate_hz), chirp(rate_hz), _silence(PAUSE_S, rate_hz), speech, _silence(TAIL_S, rate_hz)]
    )


def find(samples: Samples, rate_hz: int) -> int | None:
    """Find the marker.

    Args:
        samples: int16 of shape (n,).
        rate_hz: its rate.

    Returns:
        Index of the marker's first sample, or None when nothing in there is like the marker.
    """
    pattern = chirp(rate_hz).astype(np.float64)
    if len(samples) < len(pattern):
        return None
    sound = samples.astype(np.float64)
    size = 1 << (len(sound) + len(pattern)).bit_length()
    product = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(pattern, size))
    correlation = np.fft.irfft(product, size)[: len(sound) - len(pattern) + 1]
    power = np.concatenate([[0.0], np.cumsum(sound * sound)])
    local = np.maximum(power[len(pattern) :] - power[: -len(pattern)], 1.0)
    likeness = correlation / np.sqrt(local * float(pattern @ pattern))
    best = int(np.argmax(likeness))
    return best if likeness[best] >= _LEAST_LIKENESS else None


def mouth_to_ear_ms(spoken_t0_ns: int, spoken_at: int, heard_t0_ns: int, heard_at: int, rate_hz: int) -> float:
    """Give how long the marker took from the microphone to the ear.

    Args:
        spoken_t0_ns: instant of sample 0 at the microphone.
        spoken_at: index of the marker there.
        heard_t0_ns: instant of sample 0 at the ear.
        heard_at: index of the marker there.
        rate_hz: rate of both.
    """
    return (heard_t0_ns - spoken_t0_ns) / 1e6 + (heard_at - spoken_at) * 1000.0 / rate_hz


def _silence(seconds: float, rate_hz: int) -> Samples:
    return np.zeros(round(seconds * rate_hz), dtype=np.int16)

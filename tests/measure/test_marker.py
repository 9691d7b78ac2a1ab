"""The marker: found where it is, to the sample, and nowhere else."""

import numpy as np
import pytest

from callcore import g711
from tincall.measure import marker

RATE_HZ = 8000


def speechlike(samples: int, seed: int) -> np.ndarray:
    """Noise with a speech-like spectrum and syllables."""
    noise = np.random.default_rng(seed).normal(size=samples)
    smooth = np.convolve(noise, np.hanning(9), "same")
    syllables = np.clip(np.sin(2 * np.pi * 4 * np.arange(samples) / RATE_HZ), 0, 1)
    return (smooth / np.abs(smooth).max() * syllables * 20000).astype(np.int16)


def through_alaw(samples: np.ndarray) -> np.ndarray:
    pcm = bytearray(samples.astype("<i2").tobytes())
    codes = bytearray(len(samples))
    g711.alaw_encode(pcm, 0, codes, 0, len(samples))
    g711.alaw_decode(codes, 0, pcm, 0, len(samples))
    return np.frombuffer(bytes(pcm), dtype="<i2")


@pytest.mark.parametrize("late", [0, 1, 7, 959, 4000])
def test_finds_the_marker_to_the_sample(late):
    sound = marker.mark(speechlike(16000, 1), RATE_HZ)
    heard = through_alaw(np.concatenate([np.zeros(late, dtype=np.int16), sound]))
    assert marker.find(heard, RATE_HZ) == round(marker.LEAD_S * RATE_HZ) + late


def test_finds_it_in_noise():
    sound = marker.mark(speechlike(16000, 2), RATE_HZ).astype(float)
    heard = sound + np.random.default_rng(3).normal(scale=800, size=len(sound))
    assert marker.find(heard.astype(np.int16), RATE_HZ) == round(marker.LEAD_S * RATE_HZ)


@pytest.mark.parametrize("seed", range(5))
def test_finds_nothing_in_speech_or_silence(seed):
    assert marker.find(speechlike(24000, seed), RATE_HZ) is None
    assert marker.find(np.zeros(24000, dtype=np.int16), RATE_HZ) is None
    assert marker.find(np.zeros(5, dtype=np.int16), RATE_HZ) is None


def test_mouth_to_ear_is_the_difference_of_instants():
    assert marker.mouth_to_ear_ms(1_000_000_000, 800, 1_050_000_000, 1200, RATE_HZ) == pytest.approx(100.0)
    assert marker.mouth_to_ear_ms(5_000_000, 0, 0, 80, RATE_HZ) == pytest.approx(5.0)


def test_mark_leaves_the_speech_as_it_is():
    speech = speechlike(8000, 4)
    sound = marker.mark(speech, RATE_HZ)
    begin = round(marker.SPEECH_AT_S * RATE_HZ)
    assert np.array_equal(sound[begin : begin + len(speech)], speech)
    assert not sound[: round(marker.LEAD_S * RATE_HZ)].any()

"""The judge of speech: right on a clean copy, and sensitive to what people would hear."""

import numpy as np
import pytest
from support.checkout import CHECKOUT

from tincall.measure import marker, speech
from tincall.wav import load, resample

RATE_HZ = 8000
CLIP = CHECKOUT / ".cache" / "speech" / "librivox-0870.wav"


@pytest.fixture(scope="module")
def said() -> np.ndarray:
    return marker.mark(load(CLIP, RATE_HZ), RATE_HZ)


def test_clean_copy_scores_high_and_is_timed(said):
    heard = np.concatenate([np.zeros(960, dtype=np.int16), said])
    found = speech.judge(said, 1_000_000_000, heard, 1_000_000_000, RATE_HZ, speech.NARROW)
    assert found.pesq is not None and found.pesq > 4.4
    assert found.delay_ms == pytest.approx(120.0)
    assert abs(found.level_db) < 0.01
    assert found.gap_ms == 0


def test_gaps_are_heard(said):
    heard = said.copy()
    begin = round((marker.SPEECH_AT_S + 1.0) * RATE_HZ)
    for at in range(begin, begin + 3 * RATE_HZ, 800):  # 20 ms of every 100
        heard[at : at + 160] = 0
    found = speech.judge(said, 0, heard, 0, RATE_HZ, speech.NARROW)
    assert found.pesq is not None and found.pesq < 3.5
    assert found.gap_ms >= 200


def test_level_is_told(said):
    found = speech.judge(said, 0, (said // 2).astype(np.int16), 0, RATE_HZ, speech.NARROW)
    assert found.level_db == pytest.approx(-6.0, abs=0.3)


def test_silence_has_no_score(said):
    assert speech.judge(said, 0, np.zeros_like(said), 0, RATE_HZ, speech.NARROW) == speech.Heard(None, None, 0.0, 0.0)


def test_clip_cut_off_before_the_speech_has_no_score(said):
    found = speech.judge(said, 0, said[: round(marker.SPEECH_AT_S * RATE_HZ)], 0, RATE_HZ, speech.NARROW)
    assert found.pesq is None


def test_wideband_hears_that_the_upper_half_is_gone():
    said = marker.mark(load(CLIP, 16000), 16000)
    assert speech.judge(said, 0, said, 0, 16000, speech.WIDE).pesq > 4.5
    narrow = resample(resample(said, 16000, 8000), 8000, 16000)
    assert speech.judge(said, 0, narrow, 0, 16000, speech.NARROW).pesq > 4.3
    assert speech.judge(said, 0, narrow, 0, 16000, speech.WIDE).pesq < 4.2

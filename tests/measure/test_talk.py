"""What is said: the same each time, at the level it shall have, with the judged clip where the talk says."""

import numpy as np
import pytest

from tincall.errors import OperatorError
from tincall.measure import talk


@pytest.fixture(scope="module")
def known():
    return talk.clips()


def test_a_seed_decides_everything(known):
    one, same, other = (talk.make(known, talk.JUDGED[0], seed, 4.0) for seed in (1, 1, 2))
    assert np.array_equal(one.samples, same.samples) and (one.begin, one.end) == (same.begin, same.end)
    assert len(one.samples) != len(other.samples) or not np.array_equal(one.samples, other.samples)


def test_the_judged_clip_stands_where_the_talk_says_after_the_lead(known):
    made = talk.make(known, "numbers.wav", 3, 5.0)
    assert made.begin >= 4.5 * talk.RATE_HZ
    assert len(made.samples) % (talk.RATE_HZ // 25) == 0
    edge = (made.end - made.begin - len(known["numbers.wav"])) // 2
    judged = made.samples[made.begin + edge : made.end - edge].astype(np.int32)
    assert np.abs(judged - known["numbers.wav"]).max() < 60  # the noise of the pauses goes on below speech


def test_clips_have_one_level(known):
    for name, samples in known.items():
        rms_db = 20 * np.log10(np.sqrt(np.mean(np.square(samples, dtype=np.float64))) / 32768)
        assert rms_db == pytest.approx(talk.LEVEL_DBOV, abs=0.1), name


def test_no_two_frames_are_the_same(known):
    made = talk.make(known, "cards-005.wav", 1, 5.0)
    frames = {made.samples[at : at + 320].tobytes() for at in range(0, len(made.samples), 320)}
    assert len(frames) == len(made.samples) // 320


def test_missing_clips_are_named(tmp_path):
    with pytest.raises(OperatorError, match="numbers.wav"):
        talk.clips(tmp_path)

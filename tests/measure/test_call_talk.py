"""What is said in benchmarked calls: both at once for as long as asked, or in turns with the shares of a normal talk."""

import numpy as np
import pytest

from tincall.measure import call_talk
from tincall.measure.call_talk import NOISE_DBOV, RATE_HZ

NAMES = ("librivox-0870.wav", "librivox-0920.wav", "librivox-0890.wav", "librivox-0930.wav")


@pytest.fixture
def known():
    """Give four voices: a loud tone each, with a moment of quiet every 0.3 s."""
    t = np.arange(6 * RATE_HZ) / RATE_HZ
    envelope = (np.arange(len(t)) // (RATE_HZ // 50)) % 15 > 0
    return {
        name: np.asarray(8000 * np.sin(2 * np.pi * (200 + 100 * number) * t) * envelope, dtype=np.int16)
        for number, name in enumerate(NAMES)
    }


def speaking(samples):
    """Tell of each 20 ms whether somebody speaks, quiet moments of up to 60 ms within words included."""
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320).astype(float)
    loud = np.sqrt(np.mean(frames**2, axis=1)) > 1000
    return np.convolve(loud, np.ones(3), "same") > 0


@pytest.mark.parametrize("seconds", [3.0, 13.0, 30.0])
def test_at_once_both_speak_for_as_long_as_asked(known, seconds):
    board, phone = call_talk.at_once(known, seconds)
    assert len(board) == len(phone) == seconds * RATE_HZ
    assert np.mean(speaking(board)) > 0.85 and not np.array_equal(board, phone)


@pytest.mark.parametrize("seconds", [4.0, 15.0, 40.0])
def test_in_turns_each_speaks_45_percent_of_the_time_and_never_both(known, seconds):
    board, phone = (speaking(one) for one in call_talk.in_turns(known, seconds, seed=1))
    assert len(board) == len(phone) and len(board) * 0.02 >= seconds
    assert np.mean(board) == pytest.approx(0.45, abs=0.03) and np.mean(phone) == pytest.approx(0.45, abs=0.03)
    assert np.mean(board & phone) < 0.01
    assert board[0] and not phone[0]  # the board's side begins


def test_between_turns_there_is_a_quiet_room_the_same_for_the_same_seed(known):
    one, same, other = (call_talk.in_turns(known, 15.0, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    room = one[: 2 * RATE_HZ].astype(float)  # while the board's side speaks
    assert 20 * np.log10(np.sqrt(np.mean(room**2)) / 32768) == pytest.approx(NOISE_DBOV, abs=0.5)

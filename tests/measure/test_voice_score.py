"""Scores: a copy is perfect wherever it begins, gaps and delays are counted as they are."""

import numpy as np
import pytest

from callcore.jitter import MISSING, PLAYED, WAITING
from tincall.measure import speech, talk, voice_score
from tincall.measure.ears import Heard, Turn


@pytest.fixture(scope="module")
def said():
    return talk.make(talk.clips(), "numbers.wav", 1, 1.0)


def turns(*kinds: int) -> list[Turn]:
    """Make one turn of 20 ms for each kind, 20 ms apart from 100 on."""
    return [Turn(kind, 100 + 20 * at, at if kind == PLAYED else -1) for at, kind in enumerate(kinds)]


@pytest.mark.parametrize("delay_ms", [0, 63, 333])
def test_a_late_copy_is_found_and_perfect(said, delay_ms):
    late = np.concatenate([np.zeros(delay_ms * 16, dtype=np.int16), said.samples])[160:]  # heard from 10 ms on
    heard = Heard(late, 10, turns(PLAYED), {})
    packets = [(80, b"x")]
    found = voice_score.score(said, packets, packets, heard, speech.WIDE)
    assert found.pesq > 4.5 and found.stoi > 0.999
    assert found.concealed == 0 and found.buffer_ms == 20


def test_silence_scores_least(said):
    found = voice_score.score(said, [], [], Heard(np.zeros(16000, dtype=np.int16), 0, [], {}), speech.NARROW)
    assert found.pesq == 1.0 and found.stoi < 0.1 and found.concealed == 1.0


def test_damage_is_heard(said):
    worse = said.samples.copy()
    for at in range(0, len(worse), 3200):
        worse[at : at + 320] = 0
    found = voice_score.score(said, [], [], Heard(worse, 0, [], {}), speech.NARROW)
    assert 1.5 < found.pesq < 3.5


def test_gaps_count_from_the_first_frame_on():
    found = voice_score.gaps(turns(WAITING, MISSING, PLAYED, MISSING, MISSING, PLAYED, MISSING, PLAYED))
    assert found == (pytest.approx(3 / 6), 40)
    assert voice_score.gaps(turns(WAITING)) == (1.0, 0)


def test_delay_is_from_sending_to_playing():
    sent = [(20, b"a"), (40, b"b"), (60, b"c")]
    came = [sent[0], (90, b"c"), (95, b"b")]
    played = [
        Turn(PLAYED, 100, 0),
        Turn(PLAYED, 120, 2),
        Turn(PLAYED, 140, 1),
        Turn(MISSING, 160, -1),
    ]
    assert voice_score.delay_ms(sent, came, played) == pytest.approx((80 + 60 + 100) / 3)

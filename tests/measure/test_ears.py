"""Both ears: the board's on MicroPython and the phone's in its worker play the same packets, and tell what they did."""

import numpy as np
import pytest

from callcore.jitter import MISSING, PLAYED
from tincall.emulator.interpreters import find
from tincall.errors import OperatorError
from tincall.measure import talk
from tincall.measure.ears import Board, hear_at_phone

END_MS = 2000


@pytest.fixture(scope="module")
def samples():
    return talk.make(talk.clips(), "numbers.wav", 1, 1.0).samples[: END_MS * 16]


@pytest.fixture
def board(tmp_path):
    return Board(find("unix"), tmp_path)


@pytest.mark.parametrize("codec", ["PCMA", "G722"])
def test_both_ears_hear_what_was_said(board, samples, codec):
    sent = board.speak(samples, codec)
    assert len(sent) == END_MS // 20
    lost = sent[:60] + sent[61:]
    for heard in (board.hear(lost, codec, 5, END_MS), hear_at_phone(lost, codec, 5, END_MS)):
        assert len(heard.samples) >= (END_MS - 5 - 20) * 16
        played = [turn.packet for turn in heard.turns if turn.kind == PLAYED]
        assert played == list(range(played[0], played[-1] + 1)) and len(played) > 90
        assert [turn.kind for turn in heard.turns].count(MISSING) == 1
        assert heard.counters["lost"] == 1
        line = heard.samples.astype(float)
        alike = max(np.corrcoef(samples[: len(line) - at], line[at:])[0, 1] for at in range(800, 2000))
        assert alike > 0.9


def test_both_word_sizes_hear_the_same(tmp_path, samples):
    boards = [Board(find(name), tmp_path) for name in ("unix", "unix32")]
    sent = [board.speak(samples, "G722") for board in boards]
    assert sent[0] == sent[1]
    heard = [board.hear(sent[0][::2] + sent[0][-1:], "G722", 0, END_MS) for board in boards]
    assert np.array_equal(heard[0].samples, heard[1].samples) and heard[0].turns == heard[1].turns


def test_a_program_that_fails_is_told(tmp_path, samples):
    with pytest.raises(OperatorError, match="sound path"):
        Board(find("unix"), tmp_path).speak(samples, "opera")

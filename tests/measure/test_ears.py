"""Both ears: the board's on MicroPython and the phone's in its worker play the same packets, and tell what they did."""

import numpy as np
import pytest

from callcore.jitter import MISSING, PLAYED, QUIET
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


@pytest.mark.parametrize("codec", ["PCMA", "G722"])
def test_silence_left_out_is_quiet_and_no_loss_at_both_ears(board, codec):
    said = talk.make(talk.clips(), "cards-005.wav", 1, 4.0)
    end_ms = len(said.samples) // 16
    all_of_it, sent = (board.speak(said.samples, codec, has_dtx) for has_dtx in (False, True))
    assert len(sent) < 0.9 * len(all_of_it)
    assert 0 < sum(packet[1] & 0x7F == 13 for _, packet in sent) < 0.1 * len(sent)
    for heard in (board.hear(sent, codec, 5, end_ms, True), hear_at_phone(sent, codec, 5, end_ms, True)):
        kinds = [turn.kind for turn in heard.turns]
        assert kinds.count(QUIET) > 10 and kinds.count(MISSING) == 0
        assert heard.counters["lost"] == heard.counters["late"] == 0


def test_a_phones_delay_is_that_of_its_sound(samples, board):
    """What lies between the jitter buffer and the ear counts, too."""
    sent = board.speak(samples, "L16")
    heard = hear_at_phone(sent, "L16", 5, END_MS)
    for turn in heard.turns[20:90]:
        if turn.packet >= 0:
            said = samples[turn.packet * 320 : turn.packet * 320 + 320]
            at = (turn.at_ms - heard.begin_ms) * 16
            assert any(np.array_equal(heard.samples[at + by : at + by + 80], said[:80]) for by in range(-16, 17)), turn


def test_both_word_sizes_hear_the_same(tmp_path, samples):
    boards = [Board(find(name), tmp_path) for name in ("unix", "unix32")]
    sent = [board.speak(samples, "G722") for board in boards]
    assert sent[0] == sent[1]
    heard = [board.hear(sent[0][::2] + sent[0][-1:], "G722", 0, END_MS) for board in boards]
    assert np.array_equal(heard[0].samples, heard[1].samples) and heard[0].turns == heard[1].turns


def test_a_program_that_fails_is_told(tmp_path, samples):
    with pytest.raises(OperatorError, match="sound path"):
        Board(find("unix"), tmp_path).speak(samples, "opera")

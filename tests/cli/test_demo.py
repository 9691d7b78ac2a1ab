"""The demo's own words: what it refuses before anything is started, and where its files go. Its calls are in tests/e2e."""

import wave

import pytest

from tincall.cli import demo
from tincall.errors import OperatorError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"direction": "sideways"}, "'sideways' is no direction"),
        ({"seconds": 0.5}, "a talk of 0.5 s is not possible"),
        ({"seconds": 301}, "a talk of 301 s is not possible"),
    ],
)
def test_what_makes_no_sense_is_refused_with_status_2(options, words):
    given = {"board": "cpython", "direction": "out", "clip": None, "seconds": None, "keep": None} | options
    with pytest.raises(OperatorError, match=words) as caught:
        demo.demo(**given)
    assert caught.value.status == 2 and caught.value.hint


def test_a_folder_that_holds_something_is_not_written_into(tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(OperatorError, match="not an empty folder") as caught, demo.folder_for(tmp_path):
        pass
    assert caught.value.status == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_was_named_stays_and_one_that_was_not_vanishes(tmp_path):
    with demo.folder_for(tmp_path / "new" / "one") as named:
        (named / "x").write_text("x")
    assert (named / "x").is_file() and named.is_absolute()
    with demo.folder_for(None) as made:
        assert made.is_dir()
    assert not made.exists()


def test_both_sides_say_the_same_clip_cut_to_the_length_asked_for(tmp_path):
    clip = tmp_path / "clip.wav"
    with wave.open(str(clip), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(range(250)) * 160)
    board, phone = demo.clips(tmp_path, clip, 0.5)
    assert board != phone and board.read_bytes() == phone.read_bytes()
    with wave.open(str(board)) as file:
        assert file.getframerate() == demo.RATE_HZ
        assert file.getnframes() / demo.RATE_HZ == pytest.approx(0.5 + 0.2 + 0.06 + 0.34 + 0.4)


def test_a_verdict_names_what_is_not_so():
    facts = [{"what": "it rained", "ok": False, "figures": ""}, {"what": "it was warm", "ok": True, "figures": ""}]
    problem = demo.problem_of({"verdict": {"passed": False, "facts": facts}})
    assert problem is not None and "it rained" in problem.message and "warm" not in problem.message
    assert demo.problem_of({"verdict": {"passed": True, "facts": facts[1:]}}) is None

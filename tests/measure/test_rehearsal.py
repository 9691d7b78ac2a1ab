"""What a rehearsal needs: clips cut to length, a phone's file, results kept, and an interpreter or a plain word."""

import json
import tomllib

import numpy as np
import pytest

from tincall.errors import OperatorError
from tincall.measure import rehearsal
from tincall.measure.stage import Stage
from tincall.simulator.phone import PhoneScript


def test_clips_are_cut_and_repeated():
    clip = np.arange(100, dtype=np.int16)
    assert rehearsal.fit(clip, None, 100) is clip
    assert np.array_equal(rehearsal.fit(clip, 0.5, 100), clip[:50])
    assert np.array_equal(rehearsal.fit(clip, 2.5, 100), np.concatenate([clip, clip, clip[:50]]))


def test_default_clips_are_human_speech_that_is_here():
    for path in rehearsal.default_clips():
        assert path.stat().st_size > 100_000


@pytest.mark.parametrize("hangs_up", [False, True])
def test_the_phones_file_is_one_that_the_simulator_reads(tmp_path, hangs_up):
    clip = tmp_path / 'a "quoted" name.wav'
    clip.write_bytes(b"RIFF")
    path = tmp_path / "phones.toml"
    rehearsal.write_phones(path, "alice", clip, tmp_path / "heard", hangs_up, 600)
    (found,) = tomllib.loads(path.read_text())["phones"]
    script = PhoneScript(**found)
    assert (script.id, script.speak, script.answer_after_ms) == ("alice", clip, 600)
    assert (script.hangup_after_clip_ms is not None) == hangs_up


def test_a_record_is_complete_with_both_reports():
    whole = {"state": "ended", "board_stats": {"sent": 1}, "worker_report": {"sent": 1}}
    assert rehearsal.complete(whole) is whole
    for missing in ({"state": "answered"}, {"board_stats": None}, {"worker_report": {}}):
        assert rehearsal.complete({**whole, **missing}) is None


def test_results_are_copied_and_named_anew(tmp_path):
    (tmp_path / "old").mkdir()
    for name in ("a.wav", "r.json"):
        (tmp_path / "old" / name).write_text(name)
    files = {"uplink_wav": str(tmp_path / "old" / "a.wav"), "timeline_png": None}
    report = {"files": {**files, "report_json": str(tmp_path / "old" / "r.json")}, "x": 1}
    for _ in range(2):
        kept = rehearsal.keep_results(report, tmp_path / "new")
    where = {"uplink_wav": str(tmp_path / "new" / "heard-by-phone.wav"), "timeline_png": None}
    assert kept == {"files": {**where, "report_json": str(tmp_path / "new" / "report.json")}, "x": 1}
    assert (tmp_path / "new" / "heard-by-phone.wav").read_text() == "a.wav"
    assert json.loads((tmp_path / "new" / "report.json").read_text()) == kept
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_without_micropython_the_board_falls_back_unless_one_was_named(monkeypatch):
    def find(board):
        if board == "cpython":
            return ["python"]
        raise OperatorError("no MicroPython")

    monkeypatch.setattr(rehearsal, "find", find)
    board, why = rehearsal.interpreter("unix")
    assert (board, why.message) == ("cpython", "no MicroPython")
    assert rehearsal.interpreter("cpython") == ("cpython", None)
    with pytest.raises(OperatorError):
        rehearsal.interpreter("unix32")


def test_a_watch_that_comes_late_knows_what_was_told_and_hears_nothing_twice(tmp_path):
    main = tmp_path / "source" / "main.py"
    main.parent.mkdir()
    main.write_text(TELLER)
    with Stage(tmp_path) as stage:
        arguments = ("--folder", tmp_path / "board", "--board", "cpython", "--main", main, "--json")
        stage.start("board", "emulate", *arguments)
        with rehearsal.Watch(tmp_path / "board", 20) as first:
            first.wait(stage, "online", 20)
            with rehearsal.Watch(tmp_path / "board", 20) as late:
                late.wait(stage, "online", 20)
                first.press("call")
                late.wait(stage, "pressed", 20)
                told = [event["ev"] for event in late.events() if event["source"] == "firmware"]
                boot, *_ = late.events()
    assert told == ["boot", "online", "pressed"]
    assert boot["t_ns"] > 0
    assert sum(event["ev"] == "online" for event in first.events()) == 1


TELLER = """
import json, time
import board, machine
print(json.dumps({"ev": "boot"}))
print(json.dumps({"ev": "online"}))
button = machine.Pin(board.BUTTON_CALL, machine.Pin.IN, machine.Pin.PULL_UP)
while button.value() != board.BUTTON_ACTIVE:
    time.sleep_ms(5)
print(json.dumps({"ev": "pressed"}))
time.sleep_ms(60000)
"""

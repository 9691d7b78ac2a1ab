"""The judgement of a real board's call: each direction that fails is named, with where to look."""

import numpy as np
import pytest

from tincall.cli import up_call
from tincall.wav import save

RECORD = {
    "call_id": "c1", "state": "ended", "cause": 16, "released_by": "phone", "started_ms": 1000, "answered_ms": 1650,
    "duration_ms": 8000, "codec": "PCMA",
    "board_stats": {"sent": 400, "received": 400, "lost": 0}, "worker_report": {"sent": 400, "received": 399, "lost": 1},
}  # fmt: skip


def record(board=None, phone=None, **fields):
    one = {**RECORD, **fields}
    one["board_stats"] = {**one["board_stats"], **(board or {})}
    one["worker_report"] = {**one["worker_report"], **(phone or {})}
    return one


def failed(report):
    return [fact["what"] for fact in report["verdict"]["facts"] if not fact["ok"]]


def test_a_good_call_passes_with_its_figures():
    report = up_call.judge(record())
    assert report["verdict"]["passed"] and failed(report) == []
    assert report["call"]["setup_ms"] == 650 and report["uplink"]["received"] == 399


@pytest.mark.parametrize(
    ("told", "what", "look"),
    [
        (record(board={"sent": 0}), "uplink: frames were sent", "microphone"),
        (record(phone={"sent": 0}, board={"received": 0}), "downlink: frames were sent", "clip"),
        (record(phone={"received": 300}), "uplink: they arrived", "access point"),
        (record(board={"received": 0}), "downlink: they arrived", "access point"),
        (record(cause=38), "it ended as it should", ""),
        (record(duration_ms=0), "the call was answered", ""),
    ],
)
def test_what_failed_is_named_with_where_to_look(told, what, look):
    report = up_call.judge(told)
    assert what in failed(report) and not report["verdict"]["passed"]
    assert look in next(fact["figures"] for fact in report["verdict"]["facts"] if fact["what"] == what)


@pytest.mark.parametrize(("loud", "expected"), [(3000, True), (2, False), (0, False)])
def test_a_microphone_that_hears_nothing_is_told_from_a_voice(tmp_path, loud, expected):
    heard = tmp_path / "heard.wav"
    tone = (np.sin(np.arange(32000) * 0.3) * loud).astype(np.int16)
    save(heard, np.concatenate([np.zeros(16000, dtype=np.int16), tone]), 16000)
    report = up_call.judge(record(phone={"heard": str(heard)}))
    assert report["verdict"]["passed"] is expected
    assert ("tincall doctor" in str(report["verdict"])) is not expected


def test_an_empty_recording_is_silence(tmp_path):
    save(tmp_path / "heard.wav", np.zeros(0, dtype=np.int16), 16000)
    assert failed(up_call.judge(record(phone={"heard": str(tmp_path / "heard.wav")}))) == ["uplink: a voice was heard"]

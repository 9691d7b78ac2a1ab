"""`tincall calls`: records for people and for programs."""

import pytest
from commands import document, tincall

from tincall.cli import calls

RECORD = {
    "call_id": "c1", "sn": "SN-1", "phone": "alice", "direction": "out", "state": "ended", "codec": "PCMA",
    "started_ms": 1_790_000_000_000, "ringing_ms": 1_790_000_000_100, "answered_ms": 1_790_000_001_000,
    "ended_ms": 1_790_000_063_000, "cause": 16, "released_by": "phone", "duration_ms": 62_000,
    "up": {"in": 3100, "out": 3099, "dropped": 1}, "down": {"in": 0, "out": 0, "dropped": 0},
    "board_stats": {"sent": 3100}, "worker_report": None,
    "phone_report": {"keep_time_s": 61},
}  # fmt: skip
OPEN = RECORD | {
    "call_id": "c2", "direction": "in", "state": "ringing", "answered_ms": None, "ended_ms": None, "cause": None,
    "released_by": None, "duration_ms": None, "codec": "", "board_stats": None,
}  # fmt: skip


@pytest.fixture
def relay(monkeypatch):
    class Fake:
        records = [OPEN, RECORD]
        asked = []

        def __init__(self, data):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def get(self, path, **query):
            self.asked.append((path, query))
            return {"calls": self.records} if path == "/v1/calls" else RECORD

    monkeypatch.setattr("tincall.cli.calls.Client", Fake)
    return Fake


def test_calls_are_listed_with_how_they_ended(relay):
    shown = tincall("calls", "--limit", "7").stdout
    assert relay.asked[-1] == ("/v1/calls", {"limit": 7})
    ended = next(line for line in shown.splitlines() if line.startswith(" c1"))
    for word in ("SN-1", "->", "alice", "1:02", "normal, phone"):
        assert word in ended
    head = next(line for line in shown.splitlines() if " call " in line)
    assert ended.index("normal") == head.index("end"), "each value stands under its title"
    assert ended.index("1:02") == head.index("talk")
    still = next(line for line in shown.splitlines() if line.startswith(" c2"))
    assert "<-" in still
    assert "ringing" in still


def test_one_call_is_shown_whole(relay):
    shown = tincall("calls", "c1").stdout
    for word in ("3100 packets in, 3099 out, 1 dropped", "By the phone.", "sent 3100", "keep_time_s 61", "1:02"):
        assert word in shown


def test_programs_get_the_records_as_they_are(relay):
    assert document(tincall("calls", "--json"))["calls"] == [OPEN, RECORD]
    assert document(tincall("calls", "c1", "--json")) == RECORD


def test_no_call_yet_is_said(relay):
    relay.records = []
    assert "no call yet" in tincall("calls").stdout


def test_an_id_stays_one_part_of_the_path(relay):
    tincall("calls", "../devices?x")
    assert relay.asked[-1][0] == "/v1/calls/..%2Fdevices%3Fx"


def test_the_end_of_a_call_in_words():
    assert calls.ending(OPEN) == "ringing"
    assert calls.ending(RECORD).endswith("By the phone.")


def test_an_unknown_call_is_told(shared_relay):
    result = tincall("calls", "never", "--data", shared_relay)
    assert result.exit_code == 1
    assert "no record of call never" in result.stderr

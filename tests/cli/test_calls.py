"""`tincall calls`: records for people and for programs."""

import re

import pytest
from commands import document, tincall

from tincall import fates, quality
from tincall.cli import calls

BOARD = {
    "sent": 3100, "dropped": 0, "silent": 12, "received": 3050, "played": 3040, "noises": 2, "late": 1, "duplicates": 0,
    "skipped": 3, "refused": 1, "foreign": 0, "lost": 0, "concealed": 61, "quiet": 7, "underruns": 0,
    "shortened_ms": 20, "lengthened_ms": 0, "delay_ms": 41, "target_ms": 40, "jitter_p95_ms": 40, "jitter_ms": 3,
    "buffer_ms": 40, "link_bytes_up": 9,
}  # fmt: skip
PHONE = {
    "sent": 3050, "dropped": 0, "received": 3099, "played": 3095, "noises": 0, "late": 0, "duplicates": 0, "skipped": 0,
    "refused": 0, "lost": 1, "concealed": 4, "quiet": 0, "jitter_ms": 2, "buffer_ms": 55.5, "heard": "phone.wav",
}  # fmt: skip
RECORD = {
    "call_id": "c1", "sn": "SN-1", "phone": "alice", "direction": "out", "state": "ended", "codec": "PCMA",
    "started_ms": 1_790_000_000_000, "ringing_ms": 1_790_000_000_100, "answered_ms": 1_790_000_001_000,
    "ended_ms": 1_790_000_063_000, "cause": 16, "released_by": "phone", "duration_ms": 62_000,
    "up": {"in": 3100, "out": 3099, "dropped": 1}, "down": {"in": 3050, "out": 3050, "dropped": 0},
    "board_stats": BOARD, "worker_report": PHONE,
    "phone_report": {"keep_time_s": 61},
}  # fmt: skip
OPEN = RECORD | {
    "call_id": "c2", "direction": "in", "state": "ringing", "answered_ms": None, "ended_ms": None, "cause": None,
    "released_by": None, "duration_ms": None, "codec": "", "board_stats": None, "worker_report": None,
}  # fmt: skip


@pytest.fixture
def relay(monkeypatch):
    class Fake:
        records = [OPEN, RECORD]
        asked = []
        one = RECORD

        def __init__(self, data):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def get(self, path, **query):
            self.asked.append((path, query))
            return {"calls": self.records} if path == "/v1/calls" else self.one

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
    for word in ("By the phone.", "keep_time_s 61", "1:02", "heard phone.wav", "link_bytes_up 9"):
        assert word in shown


def cells(shown, title):
    """Give the two cells of the table's line of that title."""
    line = next(line for line in shown.splitlines() if title in line)
    return [cell.strip() for cell in re.split("[│|]", line) if cell.strip()][1:]


def test_one_call_tells_every_frames_fate_in_both_directions(relay):
    shown = tincall("calls", "c1").stdout
    assert cells(shown, "sent ") == ["3100", "3050"]
    assert cells(shown, "since nobody spoke") == ["12", "-"]
    assert cells(shown, "relay: in") == ["3100 / 3099 / 1", "3050 / 3050 / 0"]
    assert cells(shown, " played ") == ["3095", "3040"]
    assert cells(shown, "concealed / quiet") == ["4 / 0", "61 / 7"]
    assert cells(shown, "delay now / aimed at") == ["- / - ms", "41 / 40 ms"]
    assert cells(shown, "not heard as said") == ["0.1 %", "2.0 %"]
    down = quality.estimate("PCMA", 61 / 3101, quality.ENDS_MS + 41)
    assert cells(shown, "estimated")[1] == f"{down.r:.0f} / {down.mos:.1f} of 5"
    accounts = [line.split(maxsplit=1) for line in shown.splitlines() if line.startswith((" up ", " down "))]
    assert accounts == [["up", "every frame is accounted for"], ["down", "every frame is accounted for"]]


def test_a_sum_that_does_not_add_up_is_told(relay):
    relay.one = {**RECORD, "worker_report": {**PHONE, "sent": 3051}}
    shown = tincall("calls", "c1").stdout
    assert "down DOES NOT ADD UP: the phone's side sent 3051 packets, and the relay got 3050" in shown
    relay.one = {**RECORD, "worker_report": {}}
    assert tincall("calls", "c1").stdout.count("cannot be said: one end did not tell its figures") == 2


def test_a_call_that_goes_on_shows_what_the_board_told_last(relay):
    relay.one = {**OPEN, "state": "answered", "answered_ms": 1, "codec": "PCMA", "board_stats": BOARD}
    shown = tincall("calls", "c2").stdout
    assert cells(shown, " played ") == ["-", "3040"]
    assert shown.count("not yet to be said") == 2
    relay.one = OPEN
    assert "played" not in tincall("calls", "c2").stdout, "nobody has answered"


def test_programs_get_the_records_as_they_are_and_the_sums(relay):
    assert document(tincall("calls", "--json"))["calls"] == [OPEN, RECORD]
    assert document(tincall("calls", "c1", "--json")) == {**RECORD, "frames": fates.fates(RECORD)}


def test_no_call_yet_is_said(relay):
    relay.records = []
    assert "no call yet" in tincall("calls").stdout


def test_an_id_stays_one_part_of_the_path(relay):
    assert tincall("calls", "../devices?x").exit_code == 2
    assert relay.asked == []


def test_the_end_of_a_call_in_words():
    assert calls.ending(OPEN) == "ringing"
    assert calls.ending(RECORD).endswith("By the phone.")


def test_an_unknown_call_is_told(shared_relay):
    result = tincall("calls", "never", "--data", shared_relay)
    assert result.exit_code == 1
    assert "no record of call never" in result.stderr

"""The journal: lines become events, nothing grows without bound, the firmware cannot speak for others."""

import json
from pathlib import Path

import pytest

from tincall.emulator import journal
from tincall.emulator.journal import Journal


@pytest.fixture
def kept(tmp_path: Path):
    events: list[dict] = []
    kept = Journal(tmp_path / "board.log", events.append)
    kept.events = events
    yield kept
    kept.close()


def test_lines_become_events_wherever_they_are_cut(kept) -> None:
    data = b'{"ev": "boot", "n": 1}\nplain words\r\n\n{"no": "event"}\n{"ev": 7}\n\xff\xfe\nlast'
    for at in range(0, len(data), 5):
        kept.feed(data[at : at + 5])
    kept.flush()
    kept.flush()
    assert [(event["ev"], event.get("line")) for event in kept.events] == [
        ("boot", None),
        ("text", "plain words"),
        ("text", '{"no": "event"}'),
        ("text", '{"ev": 7}'),
        ("text", "\ufffd\ufffd"),
        ("text", "last"),
    ]
    assert kept.last == {"boot": kept.events[0]}
    assert "plain words" in kept.text


def test_the_firmware_cannot_speak_for_the_hardware(kept) -> None:
    kept.feed(b'{"ev": "lamp", "source": "board", "t_ns": 1, "lit": true}\n')
    [event] = kept.events
    assert event["source"] == "firmware" and event["t_ns"] > 1 and event["lit"] is True


def test_a_line_without_end_is_cut(kept) -> None:
    kept.feed(b"x" * (journal.LINE_BYTES + 100))
    kept.feed(b"y\n")
    assert [len(event["line"]) for event in kept.events] == [journal.LINE_BYTES, 1]


def test_the_log_is_bounded_and_every_line_is_json(kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept._handler, "maxBytes", 2000)
    for number in range(200):
        kept.add("emulator", "tick", {"number": number})
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["board.log", "board.log.1"]
    assert all((tmp_path / name).stat().st_size <= 2000 for name in files)
    last = [json.loads(line) for line in (tmp_path / "board.log").read_text().splitlines()][-1]
    assert (last["ev"], last["number"]) == ("tick", 199)

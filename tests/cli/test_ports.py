"""`tincall ports`: what is there, untouched, and what it says when it is asked."""

import time
from pathlib import Path

import pytest
from commands import document, tincall
from serial.tools import list_ports
from support.wired import PATIENCE_S, wired


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """See no board but the test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(list_ports, "comports", lambda: [])


def test_no_board_is_no_error() -> None:
    done = tincall("ports")
    assert done.exit_code == 0 and "No board is plugged in" in done.stdout
    assert document(tincall("ports", "--json")) == {"ports": []}


def test_nothing_is_touched_unless_asked(tmp_path: Path) -> None:
    with wired(tmp_path / "door") as live:
        until_s = time.monotonic() + PATIENCE_S
        while "help()" not in (live.folder / "board.log").read_text() and time.monotonic() < until_s:
            time.sleep(0.02)  # its last words at power-up
        said = (live.folder / "board.log").stat().st_size
        listed = tincall("ports")
        assert "emulated board door" in listed.stdout and "--ask" in listed.stdout
        assert (live.folder / "board.log").stat().st_size == said
        (row,) = document(tincall("ports", "--ask", "--json"))["ports"]
        assert (row["chip"], row["micropython"], row["firmware"], row["whole"]) == ("emulated", "1.25.0", "", True)
        assert (live.folder / "board.log").read_text().count('"ev": "start"') == 2  # it was started again
        asked = tincall("ports", "--ask")
        assert "1.25.0" in asked.stdout and "none" in asked.stdout


def test_one_that_does_not_answer_is_listed_with_why(tmp_path: Path) -> None:
    done = tincall("ports", "--ask", "--port", tmp_path / "none")
    assert done.exit_code == 0 and "there is no port" in done.stdout

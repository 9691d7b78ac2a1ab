"""`tincall install`: from a bare board to the firmware; each way in which it cannot be is a line, what to do, and a status."""

from pathlib import Path

import pytest
from commands import document, tincall
from serial.tools import list_ports
from support.wired import wired

from tincall.emulator.troubles import Troubles
from tincall.workbench import serial_board
from tincall.workbench.serial_board import SerialBoard

WRITES_IDENTITY = """
import board
from handset import identity, places
from handset.store import Store
who = {"sn": "SN-7", "model_id": "m", "kv": 1, "key": "00" * 32, "host": "h", "port": 1, "name": "n", "ca": "c"}
identity.save(Store(places.open_places(board)), who)
"""
ANOTHER = "ESP32S3_INMP441_MAX98357A"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """See no board but the test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(list_ports, "comports", lambda: [])


def test_the_only_board_gets_it_and_a_second_time_nothing(tmp_path: Path) -> None:
    with wired(tmp_path / "b") as live:
        first = document(tincall("install", "EMULATED", "--json"))
        assert (first["board"], first["kept"], first["removed"]) == ("EMULATED", [], [])
        assert first["bytes"] > 50_000 and first["wire"]["sent"] > first["bytes"] / 2
        # which board it is, it tells itself by now
        again = document(tincall("install", "--json"))
        assert (again["copied"], again["bytes"], len(again["kept"])) == ([], 0, len(first["copied"]))
        with SerialBoard.open(live.port) as board:
            board.run(WRITES_IDENTITY)
            board.reset()
        asked = tincall("ports", "--ask").stdout
        assert "EMULATED" in asked and "SN-7" in asked and "00000000" not in asked
        assert "up to date" in tincall("install").stdout


def complaint(*words: object) -> tuple[int, str]:
    done = tincall("install", *words)
    what, hint = done.stderr.splitlines()
    assert what.startswith("tincall: ") and hint.strip() and not done.stdout
    return done.exit_code, what


def test_no_board_two_boards_and_none_of_that_name(tmp_path: Path) -> None:
    assert complaint("EMULATED") == (1, "tincall: no board is plugged in.")
    assert complaint("NOPE")[0] == 2
    with wired(tmp_path / "a"), wired(tmp_path / "b"):
        status, what = complaint("EMULATED")
        assert status == 2 and "2 boards are there" in what


def test_a_board_of_another_kind_or_unnamed(tmp_path: Path) -> None:
    with wired(tmp_path / "b"):
        status, what = complaint(ANOTHER)
        assert status == 1 and "has the chip esp32s3" in what
        status, what = complaint()
        assert status == 2 and "which board is it" in what


@pytest.mark.parametrize(
    ("troubles", "said"),
    [
        (Troubles(version="1.24.1"), "runs MicroPython 1.24.1"),
        (Troubles(mpy=3 << 8 | 6), "no machine code"),
        (Troubles(flash_bytes=64 * 4096), "is too full"),
        (Troubles(unplug_after_bytes=9000), "was lost"),
    ],
)
def test_boards_with_troubles(tmp_path: Path, troubles: Troubles, said: str) -> None:
    with wired(tmp_path / "b", troubles) as live:
        status, what = complaint("EMULATED", "--port", live.port)
        assert status == 1 and said in what


def test_a_port_in_use(tmp_path: Path) -> None:
    with wired(tmp_path / "b") as live, SerialBoard.open(live.port):
        status, what = complaint("EMULATED", "--port", live.port)
        assert status == 1 and "in use by another program" in what


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up sooner on a board that never answers."""
    monkeypatch.setattr(serial_board, "_PROMPT_S", (0.5, 1.0, 1.0))


def test_a_board_that_does_not_start(tmp_path: Path, hasty: None) -> None:
    with wired(tmp_path / "b", Troubles(is_held=True)):
        status, what = complaint("EMULATED")
        assert status == 1 and "nothing answers" in what


def test_a_board_that_starts_over_and_over(tmp_path: Path, hasty: None) -> None:
    with wired(tmp_path / "b"):
        path = tmp_path / "tincall" / "ports" / "b"
        with SerialBoard.open(str(path)) as board:
            board.put("/boot.py", b"print('rst:0x1 (POWERON)')\nimport machine\nmachine.reset()\n")
            board.reset()
        status, what = complaint("EMULATED")
        assert status == 1 and "starts over and over" in what

"""The board's command line and environment."""

from pathlib import Path

import pytest

from tincall.emulator.child import BOARD, FAKES, FIRMWARE, Buttons, Program, Wires
from tincall.emulator.folder import BoardFolder
from tincall.errors import OperatorError

WIRES = Wires(11, 12, 13, 14)


def test_the_firmware_is_run_unchanged_with_the_fakes_before_it() -> None:
    program = Program("cpython")
    assert program.command()[-2:] == [str(FAKES / "cpython" / "boot.py"), str(FIRMWARE / "main.py")]
    for folder in (FAKES / "common", FAKES / "cpython", FAKES / "micropython", BOARD, FIRMWARE):
        assert folder.is_dir()


def test_micropython_gets_its_heap(board: str) -> None:
    if board == "cpython":
        with pytest.raises(OperatorError, match="heap of CPython"):
            Program(board, heap="128k").command()
    else:
        assert Program(board, heap="128k").command()[-3:-1] == ["-X", "heapsize=128k"]


def test_no_firmware_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no firmware at"):
        Program("cpython", tmp_path / "main.py").command()


def test_the_environment_is_made_and_not_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINCALL_SECRET", "x")
    variables = Program("unix").environment(BoardFolder(tmp_path), WIRES, 2)
    assert "TINCALL_SECRET" not in variables and "HOME" not in variables
    assert variables["TINCALL_RESET_CAUSE"] == "2"
    assert [variables[f"TINCALL_{name}_FD"] for name in ("MIC", "SPK", "PINS", "EVENTS")] == ["11", "12", "13", "14"]
    path = variables["MICROPYPATH"].split(":")
    assert path == [str(p) for p in (FAKES / "micropython", FAKES / "common", BOARD, FIRMWARE)] + [".frozen"]


def test_the_buttons_of_both_descriptions_are_the_same() -> None:
    scope: dict[str, object] = {}
    exec((BOARD / "board.py").read_text(), scope)
    buttons = Buttons.load()
    assert buttons.pins == {"call": scope["BUTTON_CALL"], "end": scope["BUTTON_END"]}
    assert (buttons.active, buttons.lamp, buttons.lamp_active) == (
        scope["BUTTON_ACTIVE"],
        scope["LAMP"],
        scope["LAMP_ACTIVE"],
    )

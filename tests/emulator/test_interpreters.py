"""A board's interpreter is found by variable or in the checkout, and counts only once it said what it is."""

import sys
from pathlib import Path

import pytest

from tincall.emulator import interpreters
from tincall.errors import OperatorError


def _program(folder: Path, answer: str, status: int = 0) -> str:
    """Write a program that answers every question with one line."""
    path = folder / "interpreter"
    path.write_text(f"#!/bin/sh\necho '{answer}'\nexit {status}\n")
    path.chmod(0o755)
    return str(path)


def test_cpython_is_the_interpreter_that_runs() -> None:
    assert interpreters.find("cpython") == [sys.executable]
    found = interpreters.probe((sys.executable,))
    assert found.name == "cpython"
    assert found.version.startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")


@pytest.mark.parametrize(("board", "bits"), [("unix", 64), ("unix32", 32)])
def test_a_named_interpreter_of_the_right_kind_is_taken(
    board: str, bits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = _program(tmp_path, f"micropython 1.25.0 {bits}")
    monkeypatch.setenv(interpreters.VARIABLES[board], named)
    assert interpreters.find(board) == [named]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("micropython 1.24.1 64", "MicroPython 1.24.1, which is too old"),
        ("micropython 1.9.4 64", "too old"),
        ("micropython 1.25.0 32", "32-bit words"),
        ("cpython 3.13.0 64", "not MicroPython"),
        ("hello", "not a Python"),
        ("", "not a Python"),
    ],
)
def test_a_named_interpreter_of_the_wrong_kind_is_refused(
    answer: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINCALL_MICROPYTHON", _program(tmp_path, answer))
    with pytest.raises(OperatorError, match=complaint) as caught:
        interpreters.find("unix")
    assert caught.value.hint


def test_later_versions_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINCALL_MICROPYTHON", _program(tmp_path, "micropython 2.0.0 64"))
    assert interpreters.find("unix")


def test_an_interpreter_that_fails_is_refused_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="exit status 3, it said: out of luck"):
        interpreters.probe((_program(tmp_path, "out of luck", 3),))


def test_an_interpreter_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "interpreter"
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    path.chmod(0o755)
    monkeypatch.setattr(interpreters, "_PROBE_TIMEOUT_S", 0.2)
    with pytest.raises(OperatorError, match="does not run"):
        interpreters.probe((str(path),))


@pytest.mark.parametrize("named", ["/nonexistent/micropython", "/", __file__])
def test_a_variable_that_names_no_program_is_a_usage_error(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINCALL_MICROPYTHON32", named)
    with pytest.raises(OperatorError, match="TINCALL_MICROPYTHON32") as caught:
        interpreters.find("unix32")
    assert caught.value.status == 2


def test_without_any_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINCALL_MICROPYTHON", raising=False)
    monkeypatch.setitem(interpreters.LAUNCHERS, "unix", tmp_path / "micropython")
    with pytest.raises(OperatorError, match="no MicroPython for board unix") as caught:
        interpreters.find("unix")
    assert "tools/upy.py get" in caught.value.hint
    assert caught.value.status == 1


def test_an_unknown_board_is_a_usage_error() -> None:
    with pytest.raises(OperatorError, match="'esp32'") as caught:
        interpreters.find("esp32")
    assert caught.value.status == 2

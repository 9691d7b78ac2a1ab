"""The small test runner says the same on every interpreter."""

import os
import subprocess
from pathlib import Path

import pytest

from tincall.emulator.interpreters import BOARDS, find
from tincall.errors import OperatorError

RUNNER = Path(__file__).resolve().parents[2] / "tools/upy_runner.py"


@pytest.fixture(params=BOARDS)
def interpreter(request: pytest.FixtureRequest) -> list[str]:
    """Give the command of each interpreter in turn; in CI all of them have to be there."""
    try:
        return find(request.param)
    except OperatorError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def _run(interpreter: list[str], folder: Path, text: str) -> tuple[int, list[str]]:
    (folder / "test_it.py").write_text(text)
    done = subprocess.run(
        [*interpreter, str(RUNNER), str(folder / "test_it.py")], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.splitlines()


def test_all_good(interpreter: list[str], tmp_path: Path) -> None:
    text = "def test_a():\n    assert True\ndef test_b():\n    assert True\ndef helper():\n    assert False\n"
    assert _run(interpreter, tmp_path, text) == (0, ["2 passed, 0 failed"])


def test_a_failure_shows_where_and_what(interpreter: list[str], tmp_path: Path) -> None:
    status, lines = _run(interpreter, tmp_path, "def test_a():\n    x = 3\n    assert x == 4\n")
    assert status == 1
    assert lines[0] == "FAILED test_it.test_a"
    assert any("line 3" in line for line in lines)
    assert any("assert x == 4" in line for line in lines)
    assert lines[-1] == "0 passed, 1 failed"


def test_a_file_that_does_not_import_is_a_failure(interpreter: list[str], tmp_path: Path) -> None:
    status, lines = _run(interpreter, tmp_path, "import not_there\n\ndef test_a():\n    pass\n")
    assert (status, lines[-1]) == (1, "0 passed, 1 failed")
    assert any("not_there" in line for line in lines)


def test_no_test_is_no_success(interpreter: list[str], tmp_path: Path) -> None:
    assert _run(interpreter, tmp_path, "x = 1\n") == (1, ["0 passed, 0 failed"])


def test_a_test_that_does_not_run_to_its_end_is_a_failure(interpreter: list[str], tmp_path: Path) -> None:
    status, lines = _run(interpreter, tmp_path, "def test_a():\n    yield 1\n    assert False\n")
    assert (status, lines[-1]) == (1, "0 passed, 1 failed")

"""Runs files of this folder as a board: under both MicroPythons and under CPython with the emulator's shims."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.authority import TestAuthority

from tincall.emulator.child import BOARD, FAKES, FIRMWARE
from tincall.emulator.interpreters import BOARDS, CHECKOUT, find

HERE = Path(__file__).parent
RUNNER = CHECKOUT / "tools" / "upy_runner.py"
# what `boot.py` does on CPython, and the script gets its arguments
START_ON_CPYTHON = """\
import os, runpy, sys
sys.path[:0] = os.environ["TINCALL_PATH"].split(os.pathsep)
import boot
boot.lend()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    """An authority whose server certificates a board trusts that has its anchor."""
    return TestAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    """An authority that no board trusts."""
    return TestAuthority(tmp_path_factory.mktemp("stranger"), "Stranger CA")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a script of this folder on a board: `run(board, script, *arguments)`; its working directory is empty."""

    def go(board: str, script: str, *arguments: object, timeout_s: float = 40) -> "subprocess.CompletedProcess[str]":
        fakes = "cpython" if board == "cpython" else "micropython"
        path = os.pathsep.join(str(part) for part in (FAKES / fakes, FAKES / "common", BOARD, FIRMWARE, HERE))
        environment = {"PATH": os.defpath, "MICROPYPATH": path + os.pathsep + ".frozen", "TINCALL_PATH": path}
        boot = ["-I", "-u", "-B", "-c", START_ON_CPYTHON] if board == "cpython" else []
        return subprocess.run(
            [*find(board), *boot, str(HERE / script), *map(str, arguments)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    return go


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest) -> str:
    """Give the interpreters one after the other."""
    return str(request.param)


@pytest.fixture
def check(run: Run) -> Callable[..., None]:
    """Run the `test_` functions of a file of this folder on a board: `check(board, file)`; all must pass."""

    def go(board: str, cases: str, timeout_s: float = 40) -> None:
        done = run(board, RUNNER, HERE / cases, timeout_s=timeout_s)
        assert done.returncode == 0, done.stdout + done.stderr

    return go

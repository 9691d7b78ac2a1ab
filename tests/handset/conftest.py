"""Runs files of this folder as a board: under both MicroPythons and under CPython with the emulator's shims."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.authority import TestAuthority

from tincall.emulator.child import BOARD, FAKES, FIRMWARE
from tincall.emulator.interpreters import find

HERE = Path(__file__).parent
BOARDS = ("unix", "unix32", "cpython")

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
        boot = ["-I", "-u", "-B", str(FAKES / "cpython" / "boot.py")] if board == "cpython" else []
        return subprocess.run(
            [*find(board), *boot, str(HERE / script), *map(str, arguments)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    return go

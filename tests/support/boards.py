"""Runs scripts as a board does: under both MicroPythons, and under CPython with the emulator's shims."""

import os
import subprocess
from pathlib import Path

from support.checkout import CHECKOUT
from tincall.emulator.child import BOARD, FAKES, FIRMWARE
from tincall.emulator.interpreters import BOARDS, find

MICROPYTHONS = tuple(board for board in BOARDS if board != "cpython")
RUNNER = CHECKOUT / "tools" / "upy_runner.py"
# what `boot.py` does on CPython; here the script gets its arguments too
START_ON_CPYTHON = """\
import os, runpy, sys
sys.path[:0] = os.environ["TINCALL_PATH"].split(os.pathsep)
import boot
boot.lend()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

Done = subprocess.CompletedProcess[str]


def command_of(board: str, script: Path, *arguments: object) -> tuple[list[str], dict[str, str]]:
    """Give command and environment that run a script on a board; the script's own folder is searched for modules."""
    fakes = "cpython" if board == "cpython" else "micropython"
    path = os.pathsep.join(str(part) for part in (FAKES / fakes, FAKES / "common", BOARD, FIRMWARE, script.parent))
    environment = {"PATH": os.defpath, "MICROPYPATH": path + os.pathsep + ".frozen", "TINCALL_PATH": path}
    environment["TINCALL_BOARD"] = "."  # the chip's storage lies in the working directory, too
    boot = ["-I", "-u", "-B", "-c", START_ON_CPYTHON] if board == "cpython" else []
    return [*find(board), *boot, str(script), *map(str, arguments)], environment


def run(board: str, script: Path, *arguments: object, folder: Path, timeout_s: float = 40, heap: str = "") -> Done:
    """Run a script on a board to its end.

    Args:
        board: one of `BOARDS`.
        script: its file.
        arguments: of the script.
        folder: the board's working directory.
        timeout_s: when to lose patience.
        heap: how much memory MicroPython gets, such as `16M`; its own measure if empty.
    """
    command, environment = command_of(board, script, *arguments)
    if heap:
        command[1:1] = ["-X", f"heapsize={heap}"]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=timeout_s)


def check(board: str, cases: Path, folder: Path, timeout_s: float = 40) -> None:
    """Run the `test_` functions of a file on a board; all must pass."""
    command, environment = command_of(board, RUNNER, cases)
    # the runner finds the modules of the firmware and of the file's own folder
    for name in ("MICROPYPATH", "TINCALL_PATH"):
        environment[name] = f"{cases.parent}{os.pathsep}{environment[name]}"
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr

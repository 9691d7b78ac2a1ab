"""Where the interpreters are that can be a board: MicroPython's unix ports of both word sizes, and CPython.

In a checkout `tools/upy.py` fetches the unix ports into `.cache/upy`; a person may name others by environment variables.
Nothing is trusted by its name: an interpreter counts once it ran and said what it is.
"""

import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tincall import shipped
from tincall.errors import STATUS_USAGE, OperatorError

BOARDS = ("unix", "unix32", "cpython")
OLDEST = (1, 25)

LAUNCHERS = {
    "unix": shipped.downloads() / "upy" / "micropython",
    "unix32": shipped.downloads() / "upy" / "micropython32",
}
VARIABLES = {"unix": "TINCALL_MICROPYTHON", "unix32": "TINCALL_MICROPYTHON32"}
WORD_BITS = {"unix": 64, "unix32": 32}

_QUESTION = (
    "import sys; i = sys.implementation; "
    "print(i.name, '.'.join(str(n) for n in i.version[:3]), 64 if sys.maxsize > 0x7fffffff else 32)"
)
_PROBE_TIMEOUT_S = 20


@dataclass(frozen=True)
class Interpreter:
    """What an interpreter said about itself.

    Args:
        name: `micropython` or `cpython`.
        version: dotted, three numbers.
        word_bits: 32 or 64.
    """

    name: str
    version: str
    word_bits: int


@functools.cache
def probe(command: tuple[str, ...]) -> Interpreter:
    """Run an interpreter and take down what it says it is.

    Args:
        command: program and leading arguments; `-c` and a question are appended.

    Raises:
        OperatorError: it does not run, hangs, or answers something else.
    """
    try:
        done = subprocess.run(
            [*command, "-c", _QUESTION], capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OperatorError(f"{command[0]} does not run: {error}", "Name a working interpreter.") from error
    answer = done.stdout.split()
    if done.returncode or len(answer) != 3 or not answer[2].isdigit():
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise OperatorError(
            f"{command[0]} is not a Python that can be asked (exit status {done.returncode}, it said: {said[:200]})",
            "Name a working interpreter.",
        )
    return Interpreter(answer[0], answer[1], int(answer[2]))


def require(board: str, command: tuple[str, ...]) -> Interpreter:
    """Probe an interpreter and refuse it unless it is a MicroPython fit to be this board.

    Args:
        board: `unix` or `unix32`.
        command: as for `probe`.

    Raises:
        OperatorError: it is no MicroPython, too old, or of the wrong word size.
    """
    found = probe(command)
    oldest = ".".join(str(number) for number in OLDEST)
    hint = f"Board {board} needs MicroPython {oldest} or later with {WORD_BITS[board]}-bit words."
    if found.name != "micropython":
        raise OperatorError(f"{command[0]} is {found.name} {found.version}, not MicroPython", hint)
    if tuple(int(part) for part in found.version.split(".")[:2]) < OLDEST:
        raise OperatorError(f"{command[0]} is MicroPython {found.version}, which is too old", hint)
    if found.word_bits != WORD_BITS[board]:
        raise OperatorError(f"{command[0]} has {found.word_bits}-bit words", hint)
    return found


def find(board: str) -> list[str]:
    """Give the command that starts the interpreter of a board.

    The environment variable of the board comes first, then what `tools/upy.py get` left in the checkout.

    Args:
        board: `unix`, `unix32` or `cpython`.

    Returns:
        Program and leading arguments, ready for arguments of the interpreter to be appended.

    Raises:
        OperatorError: there is none, or the one there is not fit; the hint says what to do.
    """
    if board not in BOARDS:
        raise OperatorError(
            f"there is no emulated board {board!r}", "Choose one of " + ", ".join(BOARDS) + ".", STATUS_USAGE
        )
    if board == "cpython":
        return [sys.executable]
    variable = VARIABLES[board]
    named = os.environ.get(variable, "")
    if named:
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise OperatorError(
                f"{variable} names {named}, which is not a program", "Correct or unset it.", STATUS_USAGE
            )
        command = [named]
    else:
        command = [str(LAUNCHERS[board])]
        if not os.access(command[0], os.X_OK):
            fetch = "Run `python3 tools/upy.py get`, or set" if shipped.checkout() else "Set"
            raise OperatorError(
                f"no MicroPython for board {board}: {command[0]} is not there",
                f"{fetch} {variable} to a MicroPython >= 1.25, or use --board cpython.",
            )
    require(board, tuple(command))
    return command

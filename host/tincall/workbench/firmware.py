"""The firmware as a board gets it: paths on the board, and the bytes that belong there.

An installed package carries it compiled. In a checkout tools/bundle.py compiles it when it is asked for, so that a change
counts at once; what is compiled already is taken from `.cache/firmware`.
"""

import ast
import json
import posixpath
import subprocess
import sys
from pathlib import Path
from typing import Any

import tincall
from tincall import shipped
from tincall.errors import STATUS_USAGE, OperatorError

INDEX = "files.json"
_ARCHES = ("xtensawin", "rv32imc", "x64", "x86")
_BUILD_TIMEOUT_S = 300


def arches() -> tuple[str, ...]:
    """Name the architectures there is firmware for, as mpy-cross names them."""
    return _ARCHES


def version() -> str:
    """Give the version of the firmware, which is that of this program."""
    return tincall.__version__


def files(arch: str, board: str) -> dict[str, bytes]:
    """Give everything that belongs on a board.

    Args:
        arch: architecture of its machine code, one of `arches()`.
        board: its name, a folder of `boards/`.

    Returns:
        By path on the board, such as `/lib/callcore/call.mpy`, `/lib/board.mpy` and `/main.py`.

    Raises:
        OperatorError: no such architecture or board; or, in a checkout, it cannot be compiled.
    """
    folder = _folder(arch)
    index = _index(folder)
    if board not in index["boards"]:
        known = ", ".join(sorted(index["boards"]))
        raise OperatorError(f"there is no board {board!r}", f"Choose one of {known}.", STATUS_USAGE)
    return {path: (folder / name).read_bytes() for path, name in sorted(index["boards"][board].items())}


def _folder(arch: str) -> Path:
    if arch not in _ARCHES:
        hint = f"There is some for {', '.join(_ARCHES)}."
        raise OperatorError(f"there is no firmware for the architecture {arch!r}", hint, STATUS_USAGE)
    carried, checkout = shipped.compiled(), shipped.checkout()
    return _compile(checkout, arch) if carried is None and checkout is not None else Path(carried or "", arch)


def _index(folder: Path) -> dict[str, Any]:
    try:
        index: dict[str, Any] = json.loads((folder / INDEX).read_text())
    except (OSError, ValueError):
        raise OperatorError(f"the firmware in {folder} is not whole", "Install tincall again.") from None
    return index


def _compile(checkout: Path, arch: str) -> Path:
    """Let the checkout's own tool compile, or find what it compiled before."""
    command = [sys.executable, str(checkout / "tools" / "bundle.py"), arch]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OperatorError(f"the firmware cannot be compiled: {error}", "Try again.") from None
    if done.returncode or not done.stdout.strip():
        said = (done.stderr.strip() or f"{command[1]} said nothing").splitlines()[-1]
        raise OperatorError(f"the firmware cannot be compiled: {said}", "Mend that, or run `make setup`.")
    return Path(done.stdout.strip())


def store(board: str) -> str:
    """Give the folder, as the board sees it, in which its firmware keeps its records.

    Args:
        board: its name.

    Raises:
        OperatorError: its board.py names none.
    """
    file = shipped.root() / "boards" / board / "board.py"
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and [getattr(one, "id", "") for one in node.targets] == ["FLASH"]:
            return posixpath.normpath(posixpath.join("/", ast.literal_eval(node.value)))
    raise OperatorError(f"{file} has no FLASH", "See boards/README.md.")

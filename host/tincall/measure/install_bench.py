"""How long an install takes over a serial line: the real firmware, the real protocol, an emulated board, a line of that speed.

The line is kept to its speed by the board's end of it, 10 bits a byte. What real hardware adds is not in the seconds that are
measured: a USB bridge keeps an answer back for a moment each time the direction turns, which is told beside them, computed from
the turns that were counted; and a chip's flash has to be erased, which depends on the chip.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tincall.emulator.child import Program
from tincall.emulator.control import BoardControl
from tincall.emulator.runner import Options, emulate
from tincall.emulator.troubles import Troubles
from tincall.errors import OperatorError
from tincall.workbench import installer
from tincall.workbench.serial_board import SerialBoard

FIRST_MOST_S = 20.0
AGAIN_MOST_S = 2.0
BITS_A_BYTE = 10
# a bridge that passes an answer on at the next USB frame but one; the slowest keep it 16 ms unless told otherwise
TURN_MS = 2
SLOW_TURN_MS = 16
PATIENCE_S = 60.0

Step = Callable[[str], object]


def run(folder: Path, wanted: dict[str, bytes], baud: int, step: Step) -> dict[str, Any]:
    """Install on a bare board, and once more.

    Args:
        folder: for the board; empty or not there.
        wanted: all that belongs on it.
        baud: speed of its line.
        step: hears what is being done.

    Returns:
        The figures, with `targets`: each with `figure`, `bound` and whether it is reached.

    Raises:
        OperatorError: the board does not start, or the install fails.
    """
    with _board(folder, baud) as port:
        step("on a bare board")
        first = _once(port, wanted, baud)
        step("and again")
        again = _once(port, wanted, baud)
    report = {"baud": baud, "files": len(wanted), "bytes": sum(map(len, wanted.values()))}
    return {**report, "first": first, "again": again, "targets": judged(first, again)}


def judged(first: dict[str, Any], again: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold figures against what they have to be: what was measured, with what a bridge adds."""
    rows = (("first", first, FIRST_MOST_S), ("again", again, AGAIN_MOST_S))
    return [{"figure": name, "bound": bound, "ok": found["bridge_s"] <= bound} for name, found, bound in rows]


def _once(port: str, wanted: dict[str, bytes], baud: int) -> dict[str, Any]:
    began_s = time.monotonic()
    with SerialBoard.open(port, baud) as board:
        done = installer.install(board, board.facts(), wanted, lambda *_: None)
        seconds = time.monotonic() - began_s
        traffic = board.traffic
        board.reset()
    line_s = (traffic.sent_bytes + traffic.received_bytes) * BITS_A_BYTE / baud
    return {
        "copied": len(done.copied),
        "sent_bytes": traffic.sent_bytes,
        "received_bytes": traffic.received_bytes,
        "turns": traffic.turns,
        "line_s": round(line_s, 3),
        "seconds": round(seconds, 3),
        "bridge_s": round(seconds + traffic.turns * TURN_MS / 1000, 3),
        "slow_bridge_s": round(seconds + traffic.turns * SLOW_TURN_MS / 1000, 3),
    }


@contextmanager
def _board(folder: Path, baud: int) -> Iterator[str]:
    """Run a bare board on a line of some speed; gives its port."""
    options = Options(folder, Program("unix"), pty=Troubles(baud=baud), handle_signals=False)
    failed: list[OperatorError] = []

    def runs() -> None:
        try:
            emulate(options)
        except OperatorError as problem:
            failed.append(problem)

    thread = threading.Thread(target=runs)
    thread.start()
    try:
        yield _port(folder, failed)
    finally:
        if thread.is_alive():
            with BoardControl.wait(folder, PATIENCE_S) as control:
                control.stop()
        thread.join(PATIENCE_S)


def _port(folder: Path, failed: list[OperatorError]) -> str:
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        if failed:
            raise failed[0]
        try:
            with BoardControl(folder) as control:
                if port := str(control.status()["port"]):
                    return port
        except OperatorError:
            pass  # not yet
        time.sleep(0.02)
    raise OperatorError(f"the board in {folder} does not start", "Try again.")

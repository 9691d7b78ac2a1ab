"""`tincall monitor`: what a board says, as it says it."""

import json
import os
import signal
import sys
from types import FrameType
from typing import Any

from tincall.cli import event_lines, output
from tincall.cli.install import BaudOption, PortOption


def monitor(port: PortOption = "", baud: BaudOption = 115_200) -> None:
    """Show what a board says until Ctrl-C, without disturbing it; a board that is unplugged or reset is waited for.

    With --json each event is one document on a line of its own.
    """
    from tincall.workbench import monitor as workbench
    from tincall.workbench import ports

    path = port or ports.the_one()
    show = _print if output.is_json() else event_lines.drawer()
    before = signal.signal(signal.SIGINT, _ended)
    try:
        for event in workbench.listen(path, baud):
            show(event)
    except _EndedError:
        pass  # the way in which this ends, with status 0
    except BrokenPipeError:
        # whoever read has enough; the interpreter is not to complain of it either when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        signal.signal(signal.SIGINT, before)


class _EndedError(Exception):
    """Ctrl-C."""


def _ended(number: int, frame: FrameType | None) -> None:
    raise _EndedError


def _print(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()

"""What a board says, for as long as somebody listens: events out of lines, and a port that comes and goes.

An event has the form of those in an emulated board's log: `ev` (what), `source` (`firmware`: a line it printed; `port`: the
cable), `t_ns` (time of day, of this computer), `level` (`info`, `warning` or `error`). A line that is no event of the firmware
becomes one named `text`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

from tincall.errors import OperatorError
from tincall.workbench.serial_board import BAUD, SerialBoard

Event = dict[str, Any]
RETRY_S = 0.5
_WARNINGS = {"waiting", "no_link", "no_contact", "relay_error", "unfinished"}
_ERRORS = {"error", "crash", "stopped"}
# how MicroPython ends a program that nobody caught, and how a chip reports that it crashed
_BAD_TEXT = ("Traceback (", "Guru Meditation", "MemoryError", "abort() was called")


def event(line: bytes, t_ns: int) -> Event:
    """Make an event of a line.

    Args:
        line: without its end; whatever came.
        t_ns: when.
    """
    text = line.decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("ev"), str):
        level = "error" if any(word in text for word in _BAD_TEXT) else "info"
        return {"source": "firmware", "ev": "text", "t_ns": t_ns, "level": level, "line": text}
    name = said["ev"]
    level = "error" if name in _ERRORS else "warning" if name in _WARNINGS else "info"
    fields = {key: value for key, value in said.items() if key not in ("ev", "source", "t_ns", "level")}
    return {"source": "firmware", "ev": name, "t_ns": t_ns, "level": level, **fields}


def listen(path: str, baud: int = BAUD, sleep: Callable[[float], object] = time.sleep) -> Iterator[Event]:
    """Give events for ever; nothing is written to the board.

    Both control lines stay as the operating system sets them on opening, and no board resets: to take back one before the other
    is the very pattern by which the usual circuit does.

    Args:
        path: the port.
        baud: its speed.
        sleep: waits so many seconds until the port is looked for again.

    Raises:
        OperatorError: the port cannot be opened the first time; later on it is waited for.
    """
    port = SerialBoard.open(path, baud)
    yield _port("open", path)
    while True:
        try:
            with port:
                for line in port.follow():
                    if line.strip():
                        yield event(line, time.time_ns())
        except OperatorError as problem:
            yield _port("lost", path, why=problem.message)
        port = yield from _again(path, baud, sleep)
        yield _port("open", path)


def _again(path: str, baud: int, sleep: Callable[[float], object]) -> Generator[Event, None, SerialBoard]:
    """Wait until the port can be opened, telling each other reason why not."""
    told = ""
    while True:
        sleep(RETRY_S)
        try:
            return SerialBoard.open(path, baud)
        except OperatorError as problem:
            if problem.message != told:
                told = problem.message
                yield _port("waiting", path, why=told)


def _port(name: str, path: str, **fields: str) -> Event:
    level = "info" if name == "open" else "warning"
    return {"source": "port", "ev": name, "t_ns": time.time_ns(), "level": level, "port": path, **fields}

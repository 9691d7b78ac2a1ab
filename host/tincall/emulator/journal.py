"""Where everything that happens on the board goes: into `board.log`, bounded, and to whoever listens.

An event is a JSON object with `ev` (what), `source` (`firmware`: a line the firmware printed; `board`: its hardware;
`emulator`: the runner) and `t_ns` (time of day). Lines of the firmware that are no JSON become events named `text`.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOG_BYTES = 1_000_000
# a line longer than this is cut: it is a fault of the firmware, and memory is not its to take
LINE_BYTES = 16384
# kept to say why the firmware ended
_LAST_LINES = 30

Event = dict[str, Any]
Listener = Callable[[Event], None]


class Journal:
    """Keeps and passes on events.

    Args:
        path: the log file; its predecessor is kept with `.1` appended.
        listeners: called with every event, in order.
    """

    def __init__(self, path: Path, *listeners: Listener) -> None:
        self._handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
        self.listeners = list(listeners)
        self.text: deque[str] = deque(maxlen=_LAST_LINES)
        self.last: dict[str, Event] = {}
        self._rest = b""

    def add(self, source: str, name: str, fields: Event) -> Event:
        """Note an event and pass it on; gives it whole."""
        event = {"source": source, "ev": name, "t_ns": time.time_ns(), **fields}
        line = json.dumps(event, default=str)
        self._handler.emit(logging.LogRecord("board", logging.INFO, "", 0, line, None, None))
        for listener in self.listeners:
            listener(event)
        return event

    def feed(self, data: bytes) -> None:
        """Take what the firmware printed, cut anywhere."""
        self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        if len(self._rest) > LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._line(line[:LINE_BYTES].decode("utf-8", "replace").rstrip("\r"))

    def flush(self) -> None:
        """Take a last line without an end as a line."""
        if self._rest:
            self.feed(b"\n")

    def close(self) -> None:
        """Close the file."""
        self._handler.close()

    def _line(self, line: str) -> None:
        if not line.strip():
            return
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if isinstance(said, dict) and isinstance(said.get("ev"), str):
            name = said.pop("ev")
            fields = {key: value for key, value in said.items() if key not in ("source", "t_ns")}
            self.last[name] = self.add("firmware", name, fields)
        else:
            self.text.append(line)
            self.add("firmware", "text", {"line": line})

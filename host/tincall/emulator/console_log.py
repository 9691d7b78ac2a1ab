"""Picks what belongs into a board's log out of what its console prints: not the talk of a host with the raw REPL.

That talk is the host's own, repeats whole files, and may be secret. What the firmware tells in JSON while it lasts is kept.
"""

from __future__ import annotations

import json

_RAW = b"raw REPL; CTRL-B to exit"
_FRIENDLY = b"MicroPython v"
# bytes of the protocol that are no text
_PROTOCOL = bytes(range(9))


class ConsoleLog:
    """A filter of lines."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_raw = False

    def begin(self, raw: bool) -> bytes:
        """A life begins.

        Args:
            raw: whether it begins in the raw REPL.

        Returns:
            What the last one had begun to say.
        """
        rest = b"" if self._is_raw else self._rest
        self._rest = b""
        self._is_raw = raw
        return rest + b"\n" if rest.strip() else b""

    def pick(self, data: bytes) -> bytes:
        """Give what of it, and of what came before, belongs into the log: whole lines."""
        *lines, self._rest = (self._rest + data.translate(None, _PROTOCOL)).split(b"\n")
        return b"".join(self._line(line) for line in lines)

    def _line(self, line: bytes) -> bytes:
        if _RAW in line:
            self._is_raw = True
            return b""
        if self._is_raw and line.startswith(_FRIENDLY):
            self._is_raw = False
        return line + b"\n" if not self._is_raw else _event(line)


def _event(line: bytes) -> bytes:
    """Give what of a line is an event of the firmware."""
    said = line[max(line.find(b"{"), 0) :]
    try:
        event = json.loads(said)
    except ValueError:
        return b""
    return said + b"\n" if isinstance(event, dict) and isinstance(event.get("ev"), str) else b""

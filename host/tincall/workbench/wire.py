"""A serial port that counts what goes over it, so that the time on a slower line can be computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Traffic:
    """What went over a port: bytes to the board and from it, and how often one waited for the other."""

    sent_bytes: int = 0
    received_bytes: int = 0
    turns: int = 0


class Wire:
    """The part of pyserial's port that mpremote uses.

    Args:
        port: an open `serial.Serial`, or whatever `serial_for_url` gives.
        traffic: is counted up.
    """

    def __init__(self, port: Any, traffic: Traffic) -> None:
        self.port = port
        self._traffic = traffic
        self._wrote = False

    def write(self, data: bytes) -> int:
        """Write all of it."""
        self._traffic.sent_bytes += len(data)
        self._wrote = True
        return int(self.port.write(data) or 0)

    def read(self, size: int = 1) -> bytes:
        """Read up to so many bytes, as long as the port's time-out."""
        data = bytes(self.port.read(size))
        if data:
            self._traffic.received_bytes += len(data)
            self._traffic.turns += self._wrote
            self._wrote = False
        return data

    def inWaiting(self) -> int:  # noqa: N802 - mpremote's name for it
        """Give how many bytes can be read at once."""
        return int(self.port.in_waiting)

"""The board's end of the cable: a pseudo-terminal that a host opens like any serial port, as often as it likes.

What the board writes while nobody reads is dropped when the terminal's buffer is full and stays full, as a chip drops it. The
host's end is kept open here too, so that a host that closes it hangs nothing up.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections.abc import Callable

_CHUNK_BYTES = 4096
# what waits for the host; a host that reads at all reads faster than a board writes
_WAITING_BYTES = 1 << 20
# a host that took nothing for so long is not there
_PATIENCE_S = 0.5
_BITS_PER_BYTE = 10
# what a slow line carries at once, in seconds
_BEAT_S = 0.005


class PtyPort:
    """A pseudo-terminal.

    Args:
        take: called with what the host wrote.
        baud: its speed; 0 for as fast as it goes.

    Attributes:
        device: path of the host's end.
    """

    def __init__(self, take: Callable[[bytes], None], baud: int = 0) -> None:
        self._take = take
        self._byte_s = _BITS_PER_BYTE / baud if baud else 0.0
        self._chunk = max(1, int(_BEAT_S / self._byte_s)) if baud else _CHUNK_BYTES
        self._loop = asyncio.get_running_loop()
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self.device = os.ttyname(self._theirs)
        self._waiting = bytearray()
        self._moved_s = 0.0
        self._is_writing = False
        self._is_open = True
        self._listen()

    def write(self, data: bytes) -> None:
        """Give the host what the board wrote."""
        if not self._is_open:
            return
        if not self._waiting:
            self._moved_s = self._loop.time()
        elif self._loop.time() - self._moved_s > _PATIENCE_S and self._is_writing:
            self._waiting.clear()
            self._moved_s = 0.0
        if len(self._waiting) < _WAITING_BYTES:
            self._waiting += data
        if not self._is_writing:
            self._send()

    def close(self) -> None:
        """Pull the cable: the host's reads and writes fail from now on, and its path is gone."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._ours)
            self._loop.remove_writer(self._ours)
            os.close(self._theirs)
            os.close(self._ours)

    def _listen(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._ours, self._read)

    def _read(self) -> None:
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._ours, self._chunk)
        if data and self._byte_s:
            self._loop.remove_reader(self._ours)
            self._loop.call_later(len(data) * self._byte_s, self._listen)
        if data:
            self._take(data)

    def _send(self) -> None:
        """Write what waits, as far as it goes."""
        self._is_writing = False
        if not self._is_open:
            return
        self._loop.remove_writer(self._ours)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            sent = os.write(self._ours, self._waiting[: self._chunk])
        if sent:
            self._moved_s = self._loop.time()
            del self._waiting[:sent]
        if self._waiting:
            self._is_writing = True
            if sent and self._byte_s:
                self._loop.call_later(sent * self._byte_s, self._send)
            else:
                self._loop.add_writer(self._ours, self._send)

"""What the host types, on its way to the interpreter: bytes into a pipe that outlasts its lives, Ctrl-C as a signal to code.

A chip looks at each byte as it comes in: Ctrl-C stops code that runs and is a byte like others when none does. Here the runner
looks. It learns a moment late that code began; so it then looks whether a Ctrl-C is still unread, which was meant for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import struct
import termios
from collections import deque
from collections.abc import Callable

_CTRL_C = 3
_WAITING_BYTES = 1 << 20
# a second signal before the first was looked at ends the unix port
_BETWEEN_SIGNALS_S = 0.1


class Keyboard:
    """The pipe and the rule about Ctrl-C.

    Args:
        interrupt: called to stop code that runs.

    Attributes:
        fd: the interpreter's end.
    """

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self.fd, self._ours = os.pipe()
        os.set_blocking(self._ours, False)
        self._waiting = bytearray()
        self._given = 0
        self._ctrl_c: deque[int] = deque(maxlen=16)
        self._is_running = False
        self._can_hear = False
        self._signalled_s = 0.0
        self._is_late = False
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Close the pipe."""
        self._loop.remove_writer(self._ours)
        os.close(self._ours)
        os.close(self.fd)

    def born(self) -> None:
        """A life begins: until it speaks it is deaf to signals."""
        self._is_running = self._can_hear = self._is_late = False

    def forget(self) -> None:
        """Lose what was typed and not read, as a chip does when it is reset."""
        self._waiting.clear()
        self._ctrl_c.clear()
        if unread := self._unread():
            os.read(self.fd, unread)

    def running(self, is_running: bool) -> None:
        """The console says that code runs, or that none does."""
        self._can_hear = True
        self._is_running = is_running
        self._is_late = self._is_late and is_running
        if not is_running:
            self._signalled_s = 0.0  # it was looked at
        if is_running and any(at >= self._given - self._unread() for at in self._ctrl_c):
            self._ctrl_c.clear()
            self._signal()

    def type(self, data: bytes) -> None:
        """Take what the host wrote."""
        if self._is_running and self._can_hear and _CTRL_C in data:
            # what came before it stays typed; on a chip it is also in the buffer
            data = data.replace(bytes((_CTRL_C,)), b"")
            self._signal()
        room = max(0, _WAITING_BYTES - len(self._waiting))
        for at, byte in enumerate(data[:room]):
            if byte == _CTRL_C:
                self._ctrl_c.append(self._given + len(self._waiting) + at)
        self._waiting += data[:room]
        self._push()

    def _push(self) -> None:
        self._loop.remove_writer(self._ours)
        with contextlib.suppress(BlockingIOError):
            while self._waiting:
                given = os.write(self._ours, self._waiting)
                self._given += given
                del self._waiting[:given]
        if self._waiting:
            self._loop.add_writer(self._ours, self._push)

    def _unread(self) -> int:
        answer = fcntl.ioctl(self.fd, termios.FIONREAD, b"\0\0\0\0")
        return int(struct.unpack("i", answer)[0])

    def _signal(self) -> None:
        left_s = self._signalled_s + _BETWEEN_SIGNALS_S - self._loop.time()
        if left_s <= 0:
            self._signalled_s = self._loop.time()
            self._interrupt()
        elif not self._is_late:
            self._is_late = True
            self._loop.call_later(left_s, self._signal_late)

    def _signal_late(self) -> None:
        if self._is_late:
            self._is_late = False
            self._signal()

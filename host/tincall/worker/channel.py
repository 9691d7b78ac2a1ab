"""One end of a SEQPACKET socket in an event loop: datagrams in by callback, datagrams out without ever waiting.

Both ends of the worker's two sockets use it, relay and simulated worker alike. Rules:

- Reading never starves the loop: at most `BATCH` datagrams per turn.
- Writing never waits: what the kernel does not take at once is refused, and the caller counts it.
- `drain` reads what the kernel already holds. AF_UNIX delivers at `send`, so after a message on one socket everything
  that the same peer sent before on the other can be drained: this is what makes counters exact.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

# datagrams read in one turn of the loop: 320 ms of audio, 0.1 ms of work
BATCH = 16
# what `drain` reads at most: more than any SO_SNDBUF of ours holds, so only a flood meets it
DRAIN_MOST = 4096


class Channel:
    """A non-blocking SEQPACKET socket with callbacks.

    Args:
        sock: connected SEQPACKET socket; owned by the channel from here.
        max_bytes: longest datagram; a longer one closes the channel.
        heard: gets every datagram, never empty.
        lost: told once, with a sentence, when the other end closed or broke the rules; not after `close`.
    """

    def __init__(
        self, sock: socket.socket, max_bytes: int, heard: Callable[[bytes], object], lost: Callable[[str], object]
    ) -> None:
        self.heard = heard
        self.lost = lost
        self._sock = sock
        self._recv = sock.recv
        self._send = sock.send
        self._room_bytes = max_bytes + 1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_reading = False
        self._is_open = True
        sock.setblocking(False)

    @property
    def is_open(self) -> bool:
        """Whether the other end can still be heard."""
        return self._is_open

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to listen in `loop`."""
        self._loop = loop
        loop.add_reader(self._sock.fileno(), self._read, BATCH)

    def send(self, datagram: bytes) -> bool:
        """Send one datagram if the kernel takes it at once.

        Returns:
            Whether it was taken; False: no room, or the other end is gone.
        """
        try:
            self._send(datagram)
        except OSError:
            # EAGAIN, EPIPE, ECONNRESET, EBADF after close: the reading side learns of a lost peer by itself
            return False
        return True

    def drain(self, most: int = DRAIN_MOST) -> bool:
        """Read what the kernel holds already; does nothing when called from within `heard` of this channel.

        Args:
            most: datagrams to read at most.

        Returns:
            Whether there was any.
        """
        return self._is_open and not self._is_reading and self._read(most) > 0

    def close(self) -> None:
        """Stop listening and close the socket; idempotent."""
        self._is_open = False
        if self._loop is not None and self._sock.fileno() >= 0 and not self._loop.is_closed():
            self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def _read(self, most: int) -> int:
        """Read up to `most` datagrams, and give how many there were."""
        self._is_reading = True
        try:
            for count in range(most):
                try:
                    datagram = self._recv(self._room_bytes)
                except (BlockingIOError, InterruptedError):
                    return count
                except ConnectionResetError:
                    # the peer closed with something unread; what it sent before is still to be read, then the end comes
                    continue
                if not datagram:
                    self._fail("the other end closed")
                elif len(datagram) == self._room_bytes:
                    self._fail(f"a datagram has more than {self._room_bytes - 1} bytes")
                else:
                    self.heard(datagram)
                if not self._is_open:
                    return count
            return most
        finally:
            self._is_reading = False

    def _fail(self, sentence: str) -> None:
        self.close()
        self.lost(sentence)

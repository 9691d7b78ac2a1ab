"""One end of the room pipe in an event loop: records in by callback, records out without ever waiting.

Worker and simulated room end use it alike. Messages are kept until the pipe takes them, within a bound; a frame that the
pipe does not take at once is dropped and counted, since a late one is worth nothing. Reading never starves the loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Mapping
from typing import Any

from callcore.errors import MessageError
from tincall.worker.room import RoomReader, pack_frame, pack_message

READ_BYTES = 16384
# what the kernel may hold: some 12 frames or 240 ms, and any message
PIPE_BYTES = 8192
# messages that wait for a room in the pipe: a whole call has fewer
PENDING_MAX_BYTES = 65536


class RoomPipe:
    """Both directions of one end.

    Args:
        read_fd: descriptor to read from; owned from here.
        write_fd: descriptor to write to; owned from here.
        us: who writes here, `room.FROM_WORKER` or `room.FROM_ROOM_END`.
        them: who writes at the other end.
        heard: gets every message, checked.
        frame: gets every frame.
        lost: told once, with a sentence, when the other end closed or broke the rules; not after `close`.

    Attributes:
        sent: frames that the pipe took.
        dropped: frames that it did not take.
        received: frames that came.
    """

    def __init__(
        self,
        read_fd: int,
        write_fd: int,
        us: str,
        them: str,
        heard: Callable[[dict[str, Any]], object],
        frame: Callable[[bytes], object],
        lost: Callable[[str], object],
    ) -> None:
        self.sent = self.dropped = self.received = 0
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._us = us
        self._reader = RoomReader(them)
        self._heard = heard
        self._frame = frame
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._pending = bytearray()
        self._is_open = True
        self._all_taken = asyncio.Event()
        self._all_taken.set()
        for fd in (read_fd, write_fd):
            os.set_blocking(fd, False)
        fcntl.fcntl(write_fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._loop.add_reader(read_fd, self._read)

    @property
    def is_open(self) -> bool:
        """Whether the other end can still be heard."""
        return self._is_open

    def say(self, message: Mapping[str, Any]) -> None:
        """Say a message; it is sent as soon as the pipe takes it.

        Raises:
            LocalError: this side may not say it.
        """
        record = pack_message(message, self._us)
        if not self._is_open:
            return
        was_empty = not self._pending
        self._pending += record
        if was_empty:
            self._flush()
        elif len(self._pending) > PENDING_MAX_BYTES:
            self._loop.call_soon(self._fail, "the other end takes no messages")

    def send(self, pcm: bytes) -> bool:
        """Send a frame if the pipe takes it at once; tells whether it did.

        Args:
            pcm: `room.FRAME_BYTES` bytes.
        """
        record = pack_frame(pcm)
        taken = False
        if self._is_open and not self._pending:
            try:
                # no longer than PIPE_BUF, so that it is written whole or not at all
                taken = os.write(self._write_fd, record) > 0
            except OSError:
                # EAGAIN, or EPIPE of which reading tells
                taken = False
        self.sent += taken
        self.dropped += not taken
        return taken

    def close(self) -> None:
        """Close both directions; what waits to be sent is lost. Idempotent."""
        if not self._is_open:
            return
        self._is_open = False
        self._all_taken.set()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._read_fd)
            self._loop.remove_writer(self._write_fd)
        os.close(self._read_fd)
        os.close(self._write_fd)

    async def flushed(self, patience_s: float) -> None:
        """Wait until everything said has been taken, or the other end is gone, or patience is over."""
        try:
            async with asyncio.timeout(patience_s):
                await self._all_taken.wait()
        except TimeoutError:
            return

    def _flush(self) -> None:
        try:
            count = os.write(self._write_fd, self._pending)
        except BlockingIOError:
            count = 0
        except OSError:
            # the other end is gone: reading tells so, and nothing can be said any more
            count = len(self._pending)
        del self._pending[:count]
        if self._pending:
            self._all_taken.clear()
            self._loop.add_writer(self._write_fd, self._flush)
        else:
            self._all_taken.set()
            self._loop.remove_writer(self._write_fd)

    def _read(self) -> None:
        try:
            data = os.read(self._read_fd, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        if not data:
            self._fail("the other end closed" + ("" if self._reader.is_between_records else " within a record"))
            return
        try:
            records = self._reader.feed(data)
        except MessageError as error:
            self._fail(error.detail)
            return
        for record in records:
            if not self._is_open:
                return
            if isinstance(record, bytes):
                self.received += 1
                self._frame(record)
            else:
                self._heard(record)

    def _fail(self, sentence: str) -> None:
        if self._is_open:
            self.close()
            self._lost(sentence)

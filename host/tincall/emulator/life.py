"""One life of the emulated board: from the start of its process to its end, with the watchdog that may cut it short."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from typing import Any

_CHUNK_BYTES = 65536
# what is still in the pipes after the process ended is read for at most this long
_DRAIN_S = 1.0


class Life:
    """Watches a board's process and the pipes to it, and ends both.

    Args:
        process: the process, its standard output a pipe.
        wires: our ends: microphone, speaker, pins, events; closed with the life.
        printed: called with what the firmware printed.
        played: called with bytes of the speaker's wire.
        hardware: called with each event of the board's hardware.

    Attributes:
        bitten: whether the watchdog ended it.
        seconds: how long it lasted, once it is over.
    """

    def __init__(
        self,
        process: Process,
        wires: tuple[int, int, int, int],
        printed: Callable[[bytes], None],
        played: Callable[[bytes], None],
        hardware: Callable[[dict[str, Any]], None],
    ) -> None:
        self._process = process
        self._microphone, self._speaker, self._pins, self._events = wires
        self._printed = printed
        self._played = played
        self._hardware = hardware
        self._rest = b""
        self._is_over = False
        self._watchdog_s = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._born_s = time.monotonic()
        self.bitten = False
        self.seconds = 0.0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._speaker, self._read, self._speaker, played)
        self._loop.add_reader(self._events, self._read, self._events, self._take_events)
        self._output = asyncio.create_task(self._copy_output())

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def is_locked(self) -> bool:
        """Tell whether the process waits for a lock; having one thread, it does so for ever. False where nobody can tell."""
        try:
            with open(f"/proc/{self.pid}/wchan") as file:
                return file.read().startswith("futex")
        except OSError:
            return False

    def drive(self, pin: int, level: int) -> None:
        """Put a level on a pin; nothing happens when the life is over or the board does not look at its pins."""
        if not self._is_over:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(self._pins, bytes((pin, level)))

    def interrupt(self) -> None:
        """Stop the code that runs, as Ctrl-C does."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Take its power away."""
        self._signal(signal.SIGKILL)

    async def wait(self, stop: asyncio.Event, terminate_s: float) -> int:
        """Wait for the end, or bring it about when `stop` is set or the wait is cancelled.

        Args:
            stop: set to switch the board off.
            terminate_s: how long it may take to end by itself then.

        Returns:
            Exit status, negative for a signal.
        """
        ended = asyncio.ensure_future(self._process.wait())
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            await self._end(ended, terminate_s)
        return ended.result()

    async def _end(self, ended: asyncio.Future[int], terminate_s: float) -> None:
        if not ended.done():
            self._signal(signal.SIGTERM)
            await asyncio.wait((ended,), timeout=terminate_s)
        if not ended.done():
            self._signal(signal.SIGKILL)
            await ended
        await asyncio.wait((self._output,), timeout=_DRAIN_S)
        self._output.cancel()
        self._bury()

    def _bury(self) -> None:
        self._read(self._events, self._take_events)
        self._read(self._speaker, self._played)
        self._is_over = True
        self.seconds = time.monotonic() - self._born_s
        if self._watchdog:
            self._watchdog.cancel()
        self._loop.remove_reader(self._speaker)
        self._loop.remove_reader(self._events)
        for fd in (self._microphone, self._speaker, self._pins, self._events):
            os.close(fd)

    def _signal(self, number: int) -> None:
        # not by the process object: it would ask for the status on its own, and whoever waits for that would hear of none
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    async def _copy_output(self) -> None:
        assert self._process.stdout is not None
        while data := await self._process.stdout.read(_CHUNK_BYTES):
            self._printed(data)

    def _read(self, fd: int, take: Callable[[bytes], None]) -> None:
        """Take what is in a pipe; at its end, look no more."""
        try:
            while data := os.read(fd, _CHUNK_BYTES):
                take(data)
        except BlockingIOError:
            return
        self._loop.remove_reader(fd)

    def _take_events(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            if event["ev"] == "wdt":
                self._watchdog_s = event["timeout_ms"] / 1000
            if event["ev"] in ("wdt", "wdt_feed"):
                self._wind_up()
            self._hardware(event)

    def _wind_up(self) -> None:
        if self._watchdog:
            self._watchdog.cancel()
        self._watchdog = self._loop.call_later(self._watchdog_s, self._bite)

    def _bite(self) -> None:
        self.bitten = True
        self._signal(signal.SIGKILL)

"""Runs the emulated board behind a pseudo-terminal: as a board on a cable, with its own file system and MicroPython's console.

It differs from `runner` in that nothing ends the board but its power: when the interpreter ends it is a soft reset, a reset or
a crash, and it starts again. Its firmware is what lies in its flash, an image file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

from tincall.emulator.child import (
    CAUSE_POWER_ON,
    CAUSE_RESET,
    CAUSE_SOFT_RESET,
    CAUSE_WATCHDOG,
    STATUS_RESET,
    STATUS_SOFT,
    STATUS_SOFT_RAW,
)
from tincall.emulator.console_log import ConsoleLog
from tincall.emulator.journal import Event, Listener
from tincall.emulator.keyboard import Keyboard
from tincall.emulator.life import Life
from tincall.emulator.pty_port import PtyPort
from tincall.emulator.runner import Options, Runner
from tincall.emulator.troubles import BLOCK_BYTES, Troubles
from tincall.errors import STATUS_USAGE, OperatorError
from tincall.plugs import Socket

TERMINATE_S = 2.0
_BETWEEN_LIVES_S = 0.1
# how long after a Ctrl-C it is looked whether the interpreter has come out of it
_LOOK_AFTER_S = 0.5


class PtyRunner(Runner):
    """One emulated board on a cable; `run` it once.

    Args:
        options: what to run; `pty` is set.
        listeners: called with every event.

    Raises:
        OperatorError: as `Runner`.
    """

    def __init__(self, options: Options, *listeners: Listener) -> None:
        if options.program.board == "cpython":
            raise OperatorError(
                "CPython cannot be a board on a cable", "Use --board unix or --board unix32.", STATUS_USAGE
            )
        super().__init__(options, *listeners)
        self._troubles = options.pty or Troubles()
        self._socket: Socket | None = None
        self._port: PtyPort | None = None
        self._keyboard: Keyboard | None = None
        self._start_as = "power"
        self._log = ConsoleLog()
        self._left = self._troubles.unplug_after_bytes  # bytes until the cable is pulled
        self._keeps_power = self._troubles.keeps_power
        self._is_powered = asyncio.Event()
        self._lost_power = False

    def status(self) -> dict[str, Any]:
        """Tell how the board is; `port` is its path, empty while it is unplugged."""
        return {**super().status(), "port": self._port.device if self._port else ""}

    def unplug(self, keeps_power: bool, after_bytes: int) -> None:
        """Pull the cable, once that many more bytes came from the host."""
        if self._port is None:
            raise OperatorError("the board is not plugged in", "Plug it in first.")
        self._keeps_power = keeps_power
        self._left = after_bytes
        if after_bytes <= 0:
            self._pull(self._port)

    def _pull(self, port: PtyPort) -> None:
        self._left = None
        port.close()
        self._port = None
        assert self._socket is not None
        self._socket.unplug()
        self._tell("unplugged", {"power": self._keeps_power})
        if not self._keeps_power:
            self._cut_power()

    def plug(self) -> None:
        """Put the cable in again; a board that had no power gets it."""
        if self._port is not None:
            raise OperatorError("the board is plugged in", "Unplug it first.")
        assert self._socket is not None
        self._port = PtyPort(self._typed, self._troubles.baud)
        self._socket.plug(self._port.device)
        self._tell("port", {"path": self._port.device, "link": str(self._socket.link)})
        self._is_powered.set()

    def _cut_power(self) -> None:
        """End the board at once, in the middle of whatever it does."""
        self._is_powered.clear()
        self._lost_power = True
        assert self._keyboard is not None
        self._keyboard.forget()
        if self._life is not None:
            self._life.kill()

    async def _live(self) -> None:
        with contextlib.ExitStack() as ends:
            self._make_image()
            self._socket = Socket(self._folder.path.name)
            ends.callback(self._socket.leave)
            self._keyboard = Keyboard(self._interrupt)
            ends.callback(self._keyboard.close)
            ends.callback(self._close_port)
            self.plug()
            if self._troubles.is_held:
                await self._stop.wait()
                return
            await self._live_on(self._keyboard)

    async def _live_on(self, keyboard: Keyboard) -> None:
        cause = CAUSE_POWER_ON
        while not self._stop.is_set():
            await self._power()
            if self._stop.is_set():
                return
            self._outcome.lives += 1
            self._lost_power = False
            super()._printed(self._log.begin(raw=self._start_as == "raw"))
            keyboard.born()
            life = self._life = await self._start(cause)
            if self._lost_power:  # while it was being started
                life.kill()
            status = await life.wait(self._stop, TERMINATE_S)
            self._settle()
            if self._stop.is_set():
                return
            cause = self._after(status, life.bitten)
            if cause not in (CAUSE_SOFT_RESET, CAUSE_POWER_ON):
                keyboard.forget()
                await asyncio.sleep(_BETWEEN_LIVES_S)

    async def _power(self) -> None:
        """Wait until there is power, or the end."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._is_powered, self._stop)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def _after(self, status: int, bitten: bool) -> int:
        """Say why the board starts again after a life, and how."""
        self._start_as = "power"
        if self._lost_power:
            return CAUSE_POWER_ON
        if status in (STATUS_SOFT, STATUS_SOFT_RAW):
            self._start_as = "raw" if status == STATUS_SOFT_RAW else "friendly"
            return CAUSE_SOFT_RESET
        if bitten or status == STATUS_RESET:
            self._tell("reset", {"cause": "watchdog" if bitten else "firmware"})
            return CAUSE_WATCHDOG if bitten else CAUSE_RESET
        self._tell("crash", {"status": status})
        return CAUSE_RESET

    def _make_image(self) -> None:
        size = self._troubles.flash_bytes
        if size % BLOCK_BYTES:
            raise OperatorError(f"a flash has no {size} bytes", f"Give a multiple of {BLOCK_BYTES:,}.", STATUS_USAGE)
        try:
            with open(os.open(self._folder.image, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(b"\xff" * size)
        except FileExistsError:
            pass  # the flash of its last life

    def _stdin(self) -> int:
        assert self._keyboard is not None
        return self._keyboard.fd

    def _more_environment(self) -> dict[str, str]:
        return {
            "TINCALL_IMAGE": str(self._folder.image),
            "TINCALL_START": self._start_as,
            "TINCALL_PRETEND": self._troubles.pretended(),
        }

    def _printed(self, data: bytes) -> None:
        super()._printed(self._log.pick(data))
        if self._port is not None:
            self._port.write(data.replace(b"\n", b"\r\n"))

    def _typed(self, data: bytes) -> None:
        """Take what the host wrote."""
        assert self._keyboard is not None
        if self._left is None:
            self._keyboard.type(data)
            return
        self._keyboard.type(data[: self._left])
        self._left -= len(data)
        if self._left <= 0 and self._port is not None:
            self._pull(self._port)

    def _interrupt(self) -> None:
        if self._life is not None:
            self._life.interrupt()
            asyncio.get_running_loop().call_later(_LOOK_AFTER_S, self._unlock, self._life)

    def _unlock(self, life: Life) -> None:
        """End a life that an interrupt has locked up: the unix port raises out of its signal handler, and where that comes
        while it allocates, the heap's lock is never given back. To the host it is a reset."""
        if life is self._life and life.is_locked:
            life.kill()

    def _hardware(self, event: Event) -> None:
        if event["ev"] == "console":
            assert self._keyboard is not None
            self._keyboard.running(event["running"])
            return
        super()._hardware(event)

    def _close_port(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None

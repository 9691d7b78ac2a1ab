"""An emulated board on a cable that runs beside a test, in a thread of its own."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import serial

from tincall.emulator.child import Program
from tincall.emulator.control import BoardControl
from tincall.emulator.runner import Options, Outcome, emulate
from tincall.emulator.troubles import Troubles
from tincall.errors import OperatorError

PATIENCE_S = 60.0


class Wired:
    """A running board on a cable.

    Args:
        folder: its folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcome = Outcome()

    @property
    def port(self) -> str:
        """Path of its port; empty while it is unplugged."""
        with BoardControl.wait(self.folder, PATIENCE_S) as control:
            return str(control.status()["port"])

    def open(self) -> serial.Serial:
        """Open the port as any program does."""
        return serial.Serial(self.port, timeout=PATIENCE_S)

    def mpremote(self, *words: str, status: int = 0) -> str:
        """Run the real mpremote on it; gives what it printed."""
        command = [sys.executable, "-m", "mpremote", "connect", self.port, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@contextmanager
def wired(
    folder: Path, troubles: Troubles | None = None, board: str = "unix", clock_s: int | None = None, **more: Any
) -> Iterator[Wired]:
    """Run a board on a cable inside the `with` block."""
    live = Wired(folder)
    options = Options(folder, Program(board, clock_s=clock_s), pty=troubles or Troubles(), handle_signals=False, **more)

    def run() -> None:
        live.outcome = emulate(options)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with BoardControl.wait(folder, PATIENCE_S):
            pass
        until_s = time.monotonic() + PATIENCE_S
        while not live.port and time.monotonic() < until_s:
            time.sleep(0.02)  # it answers a moment before it is plugged in
        yield live
    finally:
        try:
            with BoardControl(folder) as control:
                control.stop()
        except OperatorError:
            pass  # the test has switched it off
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def raw(port: serial.Serial) -> None:
    """Enter the raw REPL, whatever ran."""
    port.write(b"\r\x03\x01")
    assert port.read_until(b"raw REPL; CTRL-B to exit\r\n>").endswith(b">")


def execute(port: serial.Serial, code: bytes) -> tuple[bytes, bytes]:
    """Run code in the raw REPL; gives what it printed and its traceback."""
    port.write(code + b"\x04")
    assert port.read_until(b"OK").endswith(b"OK")
    said, trouble = port.read_until(b"\x04")[:-1], port.read_until(b"\x04")[:-1]
    assert port.read(1) == b">"
    return said, trouble

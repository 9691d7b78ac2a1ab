"""The board's process: which command starts it, in which environment, and what its exit status means."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from tincall import shipped
from tincall.emulator.folder import BoardFolder
from tincall.emulator.interpreters import find
from tincall.errors import STATUS_USAGE, OperatorError

FAKES = Path(__file__).resolve().parent / "fakes"
FIRMWARE = shipped.root() / "firmware"
BOARD = shipped.root() / "boards" / "EMULATED"

# the agreement with fakes/common/fake_power.py
STATUS_RESET = 75
STATUS_OUTSIDE_GONE = 76
CAUSE_POWER_ON = 1
CAUSE_RESET = 2
CAUSE_WATCHDOG = 3
CAUSE_SOFT_RESET = 5
# and with fakes/micropython/console.py
STATUS_SOFT = 77
STATUS_SOFT_RAW = 78

LAST_32_BIT_S = 0x7FFFFFFF - 86_400


@dataclass(frozen=True)
class Wires:
    """Numbers of the child's ends of the four pipes."""

    microphone: int
    speaker: int
    pins: int
    events: int

    def environment(self) -> dict[str, str]:
        """Give the variables by which the child finds them."""
        return {
            "TINCALL_MIC_FD": str(self.microphone),
            "TINCALL_SPK_FD": str(self.speaker),
            "TINCALL_PINS_FD": str(self.pins),
            "TINCALL_EVENTS_FD": str(self.events),
        }

    def all(self) -> tuple[int, int, int, int]:
        """Give all four."""
        return (self.microphone, self.speaker, self.pins, self.events)


@dataclass(frozen=True)
class Program:
    """What runs on the board.

    Args:
        board: `unix`, `unix32` or `cpython`.
        main: the firmware's `main.py`; its folder is searched for modules.
        heap: size of MicroPython's heap, such as `128k`; empty for the interpreter's own; not for CPython.
        clock_s: what the chip's calendar shows when power comes, seconds since 1970; None: the computer's; not for CPython.
    """

    board: str
    main: Path = FIRMWARE / "main.py"
    heap: str = ""
    clock_s: int | None = None

    def command(self, on_cable: bool = False) -> list[str]:
        """Give the command that starts it.

        Args:
            on_cable: whether it is a board on a cable, whose firmware lies in its flash.

        Raises:
            OperatorError: no firmware, no interpreter, or a heap for CPython.
        """
        main = FAKES / "micropython" / "power_up.py" if on_cable else self.main
        if not main.is_file():
            raise OperatorError(f"no firmware at {main}", "Name the main.py of a firmware.", STATUS_USAGE)
        if self.board == "unix32" and (self.clock_s or 0) > LAST_32_BIT_S:
            raise OperatorError("the clock of unix32 ends in January 2038", "Use --board unix.", STATUS_USAGE)
        interpreter = find(self.board)
        if self.board == "cpython":
            if self.clock_s is not None:
                raise OperatorError("CPython has no clock of its own", "Leave --clock away.", STATUS_USAGE)
            if self.heap:
                raise OperatorError("the heap of CPython cannot be set", "Leave --heap away.", STATUS_USAGE)
            return [*interpreter, "-I", "-u", "-B", str(FAKES / "cpython" / "boot.py"), str(self.main)]
        heap = ["-X", f"heapsize={self.heap}"] if self.heap else []
        return [*interpreter, *heap, str(main)]

    def environment(self, folder: BoardFolder, wires: Wires, cause: int) -> dict[str, str]:
        """Give the child's whole environment; nothing of the runner's reaches it but what is named here.

        Args:
            folder: the board's folder.
            wires: the child's ends.
            cause: why it starts, one of the `CAUSE_` numbers.
        """
        fakes = "cpython" if self.board == "cpython" else "micropython"
        path = os.pathsep.join(str(p) for p in (FAKES / fakes, FAKES / "common", BOARD, FIRMWARE))
        variables = {
            "PATH": os.defpath,
            "MICROPYPATH": path + os.pathsep + ".frozen",
            "TINCALL_PATH": path,
            "TINCALL_BOARD": str(folder.path),
            "TINCALL_UID": folder.uid(),
            "TINCALL_RESET_CAUSE": str(cause),
            **wires.environment(),
        }
        if self.clock_s is not None:
            # to libfaketime, which the launcher of tools/upy.py loads when it sees the first of them
            variables["FAKETIME_TIMESTAMP_FILE"] = str(folder.clock)
            variables["FAKETIME_NO_CACHE"] = "1"
            variables["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
        return variables


@dataclass(frozen=True)
class Buttons:
    """Where the buttons and the lamp of the board are: pin numbers and active levels, from its `board.json`."""

    pins: dict[str, int]
    active: int
    lamp: int
    lamp_active: int

    @classmethod
    def load(cls, path: Path = BOARD / "board.json") -> Buttons:
        """Read them."""
        data = json.loads(path.read_text())
        return cls(dict(data["buttons"]), data["button_active"], data["lamp"], data["lamp_active"])

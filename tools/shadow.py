"""Runs callcore on CPython and, in its shadow, each of its viper functions as machine code; counts that, and compares.

While a shadow lies on it, every viper function of callcore first runs on the emulated processors with the arguments as they
are, then as Python. What it returns and what all buffers hold afterwards must be the same, those of the module's globals
included. So a count belongs to code that did the right thing, and the counted path is the real one: whatever the Python around
calls, how often it does, with what arguments.
"""

import functools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from build import BuildError, compile_file
from mpyfile import MeasureError, read, viper_names
from rv32 import Rv32
from viper_machine import Machine
from xtensa import Xtensa

KINDS: tuple[type[Machine], ...] = (Rv32, Xtensa)
# functions that viper code calls, and that have nothing to do once their module is at work
IDLE = ("prepare_ulaw",)
ROOMS = ("callcore", "handset")


class Shadow:
    """Lies on callcore while it is a context; only what runs inside `counting` is counted.

    Args:
        folder: where compiled files may lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._machines: dict[str, list[Machine]] = {}
        self._patched: list[tuple[ModuleType, str, Any]] = []
        self._counts: dict[str, Counter[str]] = {}
        self._is_counting = False

    def __enter__(self) -> "Shadow":
        for module in _modules("callcore"):
            path = Path(module.__file__ or "")
            for name in viper_names(path):
                self._cover(module, getattr(module, name))
        return self

    def __exit__(self, *_: object) -> None:
        for module, name, original in self._patched:
            setattr(module, name, original)
        self._patched = []

    @contextmanager
    def counting(self) -> Iterator[dict[str, Counter[str]]]:
        """Count what runs inside: gives instructions by architecture and function, complete at the end."""
        self._counts = {kind.ARCH: Counter() for kind in KINDS}
        self._is_counting = True
        try:
            yield self._counts
        finally:
            self._is_counting = False

    def _cover(self, module: ModuleType, original: Callable[..., Any]) -> None:
        """Put a function that counts in the place of a viper function, wherever it was imported to."""

        @functools.wraps(original)
        def counted(*arguments: Any) -> Any:
            if not self._is_counting:
                return original(*arguments)
            # what it calls itself is counted within it
            self._is_counting = False
            try:
                return self._run(module, original, arguments)
            finally:
                self._is_counting = True

        for room in ROOMS:
            for other in _modules(room):
                for name, value in list(vars(other).items()):
                    if value is original:
                        self._patched.append((other, name, original))
                        setattr(other, name, counted)

    def _run(self, module: ModuleType, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        name = function.__name__
        said = {machine: machine.run(name, *arguments) for machine in self._of(module)}
        want = function(*arguments)
        label = f"{module.__name__.rpartition('.')[2]}.{name}"
        for machine, value in said.items():
            if isinstance(want, int) and value != want & 0xFFFFFFFF:
                raise MeasureError(f"{label} on {machine.ARCH} gives {value:#x} where its source gives {want:#x}")
            for buffer in machine.buffers():
                if machine.after(buffer) != bytes(memoryview(buffer).cast("B")):
                    raise MeasureError(f"{label} on {machine.ARCH} leaves other bytes than its source")
            self._counts[machine.ARCH][label] += machine.count
        return want

    def _of(self, module: ModuleType) -> list[Machine]:
        if module.__name__ not in self._machines:
            path = Path(module.__file__ or "")
            made = []
            for kind in KINDS:
                try:
                    mpy = compile_file(path, kind.ARCH, self._folder / "counted.mpy")
                except BuildError as error:
                    raise MeasureError(str(error)) from error
                made.append(kind(read(mpy, viper_names(path)), vars(module).__getitem__, IDLE))
            self._machines[module.__name__] = made
        return self._machines[module.__name__]


def _modules(room: str) -> list[ModuleType]:
    return [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == room]

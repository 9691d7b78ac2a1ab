"""Reads compiled firmware: the names and the machine code in a .mpy file (docs.micropython.org, "MicroPython .mpy files")."""

import re
from dataclasses import dataclass
from pathlib import Path

# kinds of code, and of constants
_VIPER = 2
_RUNTIME, _ENDED, _SIZED, _TUPLE = 0, (5, 6), range(5, 10), 10


class MeasureError(Exception):
    """The code cannot be measured; the text says why."""


@dataclass(frozen=True)
class Program:
    """The viper functions of one file.

    Args:
        functions: machine code by the function's name.
        names: the file's table of names, by which the code asks the runtime for globals; empty text for one that
            MicroPython has built in.
        table: at which of the file's constants the address of the runtime's table belongs.
    """

    functions: dict[str, bytes]
    names: list[str]
    table: int


class _Reader:
    """Reads the parts of a file from first to last."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def number(self) -> int:
        value = 0
        while True:
            byte = self.byte()
            value = value << 7 | byte & 127
            if not byte & 128:
                return value

    def take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def name(self) -> str:
        """Read a name; one of the built-in table is only a number."""
        size = self.number()
        return "" if size & 1 else self.take((size >> 1) + 1)[:-1].decode()

    def pass_object(self) -> int:
        """Pass over a constant and give its kind: text and bytes with a zero behind, numbers as text, tuples with members."""
        kind = self.byte()
        if kind == _TUPLE:
            for _ in range(self.number()):
                self.pass_object()
        elif kind in _SIZED:
            self.take(self.number() + (kind in _ENDED))
        return kind

    def blocks(self, found: list[bytes]) -> None:
        """Pass over a block of code and those inside it, and keep the machine code."""
        head = self.number()
        kind, code = head & 3, self.take(head >> 3)
        if kind == _VIPER:
            self.number()
            found.append(code)
        elif kind:
            raise MeasureError(f"machine code of kind {kind} is not expected here")
        if head & 4:
            for _ in range(self.number()):
                self.blocks(found)


def viper_names(source: Path) -> list[str]:
    """Name the viper functions of a file, in the order of the source."""
    return re.findall(r"@micropython\.viper\n\s*def (\w+)", source.read_text())


def read(mpy: bytes, functions: list[str]) -> Program:
    """Take a compiled file apart.

    Args:
        mpy: the file.
        functions: what its viper functions are called, in the order of the source.

    Raises:
        MeasureError: it has not as many, or machine code of another kind.
    """
    reader = _Reader(mpy)
    reader.take(4)
    count, constants = reader.number(), reader.number()
    names = [reader.name() for _ in range(count)]
    kinds = [reader.pass_object() for _ in range(constants)]
    found: list[bytes] = []
    reader.blocks(found)
    if len(found) != len(functions):
        raise MeasureError(f"{len(found)} functions of machine code, and {len(functions)} in the source")
    table = kinds.index(_RUNTIME) if _RUNTIME in kinds else 0
    return Program(dict(zip(functions, found, strict=True)), names, table)

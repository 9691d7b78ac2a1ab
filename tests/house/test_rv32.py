"""The RISC-V: every single instruction counted, and faults told with their place."""

from pathlib import Path

import build
import pytest
from mpyfile import MeasureError, Program, read, viper_names
from rv32 import Rv32
from unicorn import UC_HOOK_CODE

SOURCE = """
import micropython

@micropython.viper
def squares(n: int, out: object) -> int:
    p = ptr32(out)
    k = 0
    total = 0
    while k < n:
        if k & 1:
            total += k * k
        else:
            total -= k
        p[k] = total
        k += 1
    return total
"""


def test_counting_by_runs_is_counting_one_by_one(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text(SOURCE)
    machine = Rv32(read(build.compile_file(source, "rv32imc", tmp_path / "made.mpy"), viper_names(source)), int)
    steps: list[int] = []
    machine._uc.hook_add(UC_HOOK_CODE, lambda uc, at, size, _: steps.append(at), begin=0, end=0x40000)
    out = bytearray(400)
    said = machine.run("squares", 100, out)
    want, total = [], 0
    for k in range(100):
        total += k * k if k & 1 else -k
        want.append(total & 0xFFFFFFFF)
    assert said == want[-1]
    assert machine.after(out) == b"".join(word.to_bytes(4, "little") for word in want)
    assert machine.count == len(steps) > 100 * 10


def test_a_fault_is_told_with_its_place() -> None:
    # sw a0, 0(zero minus 4): a store beyond the memory
    machine = Rv32(Program({"bad": bytes.fromhex("232ea0fe8280")}, [], 0), int)
    with pytest.raises(MeasureError, match="faults at 0x0 of its function"):
        machine.run("bad")

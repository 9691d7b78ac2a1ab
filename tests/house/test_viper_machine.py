"""What both emulated processors owe to viper code: arguments, globals, calls, and an error for whatever else it asks."""

from array import array
from pathlib import Path
from typing import Any

import build
import pytest
from mpyfile import MeasureError, read, viper_names
from rv32 import Rv32
from viper_machine import Machine
from xtensa import Xtensa

SOURCE = """
import micropython

@micropython.viper
def add(a: int, b: int) -> int:
    return a + b

@micropython.viper
def same(first: object, second: object) -> int:
    ptr8(first)[0] = 7
    return int(ptr8(second)[0])

@micropython.viper
def of_table(k: int) -> int:
    return int(ptr16(table)[k]) + int(number)

@micropython.viper
def twice(a: int) -> int:
    return int(add(a, a)) + int(add(a, 1))

@micropython.viper
def prepared(a: int) -> int:
    prepare()
    return a

@micropython.viper
def attribute(x: object) -> object:
    return x.y

@micropython.viper
def borrowed(x: int) -> int:
    return int(abs(x))

@micropython.viper
def stranger(x: int) -> int:
    return int(somebody(x))

@micropython.viper
def spin(n: int) -> int:
    k = 0
    while k < n:
        k += 1
    return k
"""
GLOBALS: dict[str, Any] = {"table": array("H", [5, 60000]), "number": 3, "somebody": print}


@pytest.fixture(params=[Rv32, Xtensa], ids=lambda kind: kind.ARCH)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    source = tmp_path / "source.py"
    source.write_text(SOURCE)
    mpy = build.compile_file(source, request.param.ARCH, tmp_path / "made.mpy")
    made: Machine = request.param(read(mpy, viper_names(source)), GLOBALS.__getitem__, ("prepare",))
    return made


def test_numbers_wrap_at_32_bits(machine: Machine) -> None:
    assert machine.run("add", 3, 4) == 7
    assert machine.run("add", -3, 1) == 0xFFFFFFFE
    assert machine.run("add", 0x7FFFFFFF, 1) == 0x80000000


def test_a_buffer_given_twice_lies_at_one_place(machine: Machine) -> None:
    one, other = bytearray(4), bytearray(4)
    assert machine.run("same", one, one) == 7
    assert machine.run("same", one, other) == 0
    assert machine.after(one) == b"\x07\0\0\0" and machine.after(other) == bytes(4)
    assert one == bytes(4), "what is given stays as it is"


def test_globals_are_those_of_the_module(machine: Machine) -> None:
    assert machine.run("of_table", 1) == 60003
    assert GLOBALS["table"] in machine.buffers()


def test_a_function_of_the_same_file_is_run_and_counted(machine: Machine) -> None:
    assert machine.run("twice", 20) == 61
    took = machine.count
    machine.run("add", 20, 20)
    assert took > 2 * machine.count


def test_what_has_nothing_to_do_costs_nothing(machine: Machine) -> None:
    assert machine.run("prepared", 5) == 5


def test_what_is_not_known_is_refused(machine: Machine) -> None:
    with pytest.raises(MeasureError, match="of the runtime is not expected"):
        machine.run("attribute", 0)
    with pytest.raises(MeasureError, match="the call of somebody is not expected"):
        machine.run("stranger", -3)
    with pytest.raises(MeasureError, match="a global of MicroPython's own"):
        machine.run("borrowed", -3)
    # and it is as good as new
    assert machine.run("add", 1, 1) == 2


def test_a_loop_costs_the_same_each_time_round(machine: Machine) -> None:
    def cost(n: int) -> int:
        assert machine.run("spin", n) == n
        return machine.count

    once = cost(2) - cost(1)
    assert 3 <= once <= 12
    assert cost(102) - cost(2) == 100 * once


def test_too_much_data_is_told(machine: Machine) -> None:
    with pytest.raises(MeasureError, match="too much data"):
        machine.run("same", bytearray(5_000_000), bytearray(1))

"""The counting of instructions: the same each time, right about a known loop, and red when a budget is passed."""

import json
from pathlib import Path

import measure
import pytest

LOOP = """
import micropython

@micropython.viper
def spin(n: int) -> int:
    k = 0
    while k < n:
        k += 1
    return k
"""


@pytest.fixture(scope="module")
def found() -> dict:
    return measure.figures()


def test_every_budget_is_kept_and_the_page_tells_it(found: dict, checkout: Path) -> None:
    assert found["passed"] == []
    page = (checkout / "docs/figures.md").read_text()
    # the sizes move with every change of the firmware, and the page gives them of the day it was written
    counted = measure.table(found).partition("\n\n")[0]
    assert counted in page, "run tools/measure.py --write"


def test_a_loop_costs_the_same_each_time_round(tmp_path: Path) -> None:
    source = tmp_path / "spin.py"
    source.write_text(LOOP)
    [code] = measure.viper_functions(measure.compile_file(source, "rv32imc", tmp_path))
    assert measure.viper_names(source) == ["spin"]
    machine = measure.Machine(code, [])
    counts = [machine.call(n) for n in (0, 1, 2, 102)]
    once = counts[2] - counts[1]
    assert 3 <= once <= 12
    assert counts[3] - counts[2] == 100 * once


def test_what_does_not_compile_is_told(tmp_path: Path) -> None:
    source = tmp_path / "wrong.py"
    source.write_text("import micropython\n@micropython.viper\ndef f() -> int:\n    return 0x5a827999 + object()\n")
    with pytest.raises(measure.MeasureError, match="wrong.py for rv32imc"):
        measure.compile_file(source, "rv32imc", tmp_path)


def test_a_runtime_call_that_is_not_counted_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "calls.py"
    source.write_text("import micropython\n@micropython.viper\ndef f(x: object) -> object:\n    return x.y\n")
    [code] = measure.viper_functions(measure.compile_file(source, "rv32imc", tmp_path))
    with pytest.raises(measure.MeasureError, match="is not expected"):
        measure.Machine(code, []).call(0)


@pytest.mark.parametrize("what", ["G.722 encode", "size"])
def test_a_budget_that_is_passed_fails_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    monkeypatch.setattr(measure, "instructions", lambda folder: {name: 10 for name in measure.BUDGETS})
    monkeypatch.setattr(measure, "sizes", lambda folder: {"callcore/g722": 10})
    assert measure.main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] == []
    if what == "size":
        monkeypatch.setattr(measure, "SIZE_BUDGET", 9)
    else:
        monkeypatch.setitem(measure.BUDGETS, what, 9)
    assert measure.main([]) == 1
    assert f"{what} is beyond its budget" in capsys.readouterr().err

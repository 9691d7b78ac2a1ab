"""The shadow: what machine code does otherwise than its source is an error, and only what was asked for is counted."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from mpyfile import MeasureError
from shadow import Shadow

SOURCE = """
from callcore.compat import micropython, ptr8, ptr32

LAST = bytearray(4)

@micropython.viper
def add(buf: object, n: int) -> int:
    p = ptr8(buf)
    k = 0
    total = 0
    while k < n:
        total += int(p[k])
        k += 1
    ptr8(LAST)[0] = total & 255
    return total

@micropython.viper
def both(buf: object, n: int) -> int:
    return int(add(buf, n)) + int(add(buf, 2))

@micropython.viper
def too_wide(x: int) -> int:
    return (x * x) >> 16

@micropython.viper
def too_wide_inside(x: int, out: object) -> int:
    ptr8(out)[0] = ((x * x) >> 28) & 255
    return 0

def plain(buf):
    return add(buf, len(buf))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkout: Path) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(checkout / "firmware"))
    source = tmp_path / "shadowed.py"
    source.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("callcore.shadowed", source)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    monkeypatch.setitem(sys.modules, "callcore.shadowed", made)
    yield made


def test_what_python_calls_is_counted_on_both_processors(module: ModuleType, tmp_path: Path) -> None:
    with Shadow(tmp_path) as shadow:
        with shadow.counting() as counts:
            assert module.plain(bytearray(b"abcd")) == 394
        once = {arch: of["shadowed.add"] for arch, of in counts.items()}
        assert set(once) == {"rv32imc", "xtensawin"} and min(once.values()) > 30
        assert module.plain(bytearray(b"abcd")) == 394, "not counted"
        with shadow.counting() as counts:
            module.plain(bytearray(b"abcd"))
            module.plain(bytearray(b"dcba"))
        assert {arch: of["shadowed.add"] for arch, of in counts.items()} == {arch: 2 * n for arch, n in once.items()}


def test_what_machine_code_calls_is_counted_once(module: ModuleType, tmp_path: Path) -> None:
    with Shadow(tmp_path) as shadow, shadow.counting() as counts:
        assert module.both(bytearray(b"abcd"), 4) == 394 + 195
    assert all(list(of) == ["shadowed.both"] for of in counts.values())


def test_everything_is_put_back(module: ModuleType, tmp_path: Path) -> None:
    before = module.add
    with Shadow(tmp_path):
        assert module.add is not before
    assert module.add is before


def test_another_result_is_an_error(module: ModuleType, tmp_path: Path) -> None:
    with Shadow(tmp_path) as shadow, shadow.counting():
        assert module.too_wide(1000) == 15
        with pytest.raises(MeasureError, match="shadowed.too_wide on rv32imc gives 0x0 where its source gives 0x10000"):
            module.too_wide(65536)


def test_other_bytes_are_an_error(module: ModuleType, tmp_path: Path) -> None:
    out = bytearray(1)
    with Shadow(tmp_path) as shadow, shadow.counting():
        module.too_wide_inside(3, out)
        with pytest.raises(MeasureError, match="leaves other bytes"):
            module.too_wide_inside(65536, out)


def test_other_bytes_in_a_global_are_an_error(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (tmp_path / "shadowed.py").read_text()
    (tmp_path / "shadowed.py").write_text(text.replace("total & 255", "(total + 1) & 255"))
    with Shadow(tmp_path) as shadow, shadow.counting(), pytest.raises(MeasureError, match="leaves other bytes"):
        module.add(bytearray(b"ab"), 2)


def test_what_does_not_compile_is_told(module: ModuleType, tmp_path: Path) -> None:
    text = (tmp_path / "shadowed.py").read_text()
    (tmp_path / "shadowed.py").write_text(text.replace("total = 0", "total = 0x5a827999"))
    with Shadow(tmp_path) as shadow, shadow.counting(), pytest.raises(MeasureError, match="shadowed.py for rv32imc"):
        module.add(bytearray(b"ab"), 2)

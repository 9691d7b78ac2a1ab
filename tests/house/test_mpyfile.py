"""Taking compiled firmware apart: every file of ours, and clear words about what is not as expected."""

from pathlib import Path

import build
import mpyfile
import pytest

MIXED = """
import micropython

NUMBER = 12345678901234567890
WORDS = ("a", b"b", 1.5, (2, "c"))

class Thing:
    @micropython.viper
    def first(self, n: int) -> int:
        return n

def plain():
    return WORDS, "a text that is no name"

@micropython.viper
def second(table_of_ours: object) -> int:
    return int(ptr8(table_of_ours)[0]) + int(global_of_ours)
"""


def _read(text: str, folder: Path, arch: str = "rv32imc", names: list[str] | None = None) -> mpyfile.Program:
    source = folder / "mixed.py"
    source.write_text(text)
    return mpyfile.read(build.compile_file(source, arch, folder / "made.mpy"), names or mpyfile.viper_names(source))


@pytest.mark.parametrize("arch", ["rv32imc", "xtensawin"])
def test_functions_and_names_are_found_among_all_else(arch: str, tmp_path: Path) -> None:
    program = _read(MIXED, tmp_path, arch)
    assert list(program.functions) == ["first", "second"]
    assert all(len(code) > 20 for code in program.functions.values())
    assert {"global_of_ours", "plain", "WORDS"} <= set(program.names)


@pytest.mark.parametrize("arch", ["rv32imc", "xtensawin"])
def test_every_file_of_the_firmware_can_be_read(arch: str, tmp_path: Path) -> None:
    found = 0
    for source in build.sources():
        mpy = build.compile_file(source, arch, tmp_path / "made.mpy")
        found += len(mpyfile.read(mpy, mpyfile.viper_names(source)).functions)
    assert found >= 15


def test_more_machine_code_than_known_functions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(mpyfile.MeasureError, match="2 functions of machine code, and 1"):
        _read(MIXED, tmp_path, names=["first"])


def test_machine_code_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(mpyfile.MeasureError, match="kind 1"):
        _read("import micropython\n@micropython.native\ndef f():\n    return 1\n", tmp_path)

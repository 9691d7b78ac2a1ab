"""What boards are given to run is Python, fits on the line as it is, and needs nothing that stock interpreters lack."""

import ast

import pytest

from tincall.workbench import on_board

FILLED = {"TREE": ([],), "HASHES": ([],), "MAKE_FOLDERS": ([],), "REMOVE": ([],), "RENAME": ("a", "b")}
PROGRAMS = {name: text for name, text in vars(on_board).items() if name.isupper()}
# what every MicroPython on a chip has, and what is ours
MODULES = {
    "os",
    "sys",
    "json",
    "binascii",
    "hashlib",
    "deflate",
    "io",
    "machine",
    "vfs",
    "board",
    "handset",
    "handset.store",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_python_and_ascii(name: str) -> None:
    text = PROGRAMS[name] % FILLED[name] if name in FILLED else PROGRAMS[name]
    tree = ast.parse(text)
    assert text.isascii() and "\t" not in text
    used = {one.module for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    used |= {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    assert used <= MODULES


def test_no_program_tells_a_key() -> None:
    assert "key" not in "".join(PROGRAMS.values())

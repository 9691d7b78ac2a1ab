"""Rules of the house that can be counted: lengths, docstrings, a test file for each source file, names."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FILE_LINES = 400
FUNCTION_LINES = 60
# what a long file or function says in its first words when it is long for a reason
EXCUSE = "one thing"

Function = ast.FunctionDef | ast.AsyncFunctionDef

# source file -> why it has no test file of its own
WITHOUT_TEST: dict[str, str] = {
    "firmware/main.py": "starts the application; every end-to-end test runs it on the emulated board",
    "host/tincall/__main__.py": "starts the command line; tests of the programs go through it",
}
TESTS_OF = {"firmware/callcore": "core", "firmware/chips": "chips", "firmware/handset": "handset", "tools": "house"}


def _functions(tree: ast.AST) -> Iterator[tuple[Function, int]]:
    """Give every function with its length in lines, docstring not counted."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            doc = ast.get_docstring(node)
            yield node, (node.end_lineno or 0) - node.lineno + 1 - (doc.count("\n") + 1 if doc else 0)


def _first_words(node: Function, text: str) -> str:
    lines = text.splitlines()[node.lineno - 1 : node.lineno + 12]
    comments = " ".join(line.strip() for line in lines if line.strip().startswith("#"))
    return (ast.get_docstring(node) or "") + comments


def test_long_files_and_functions_say_why(checkout: Path, sources: list[Path]) -> None:
    unexplained = []
    for file in sources:
        text = (checkout / file).read_text()
        tree = ast.parse(text)
        if text.count("\n") > FILE_LINES and EXCUSE not in (ast.get_docstring(tree) or ""):
            unexplained.append(f"{file}: {text.count(chr(10))} lines")
        for node, lines in _functions(tree):
            if lines > FUNCTION_LINES and EXCUSE not in _first_words(node, text):
                unexplained.append(f"{file}:{node.lineno} {node.name}: {lines} lines")
    assert unexplained == [], f"take it apart, or say at its head why it is {EXCUSE!r}"


def test_nine_functions_in_ten_are_short(checkout: Path, sources: list[Path]) -> None:
    lengths = [lines for file in sources for _, lines in _functions(ast.parse((checkout / file).read_text()))]
    assert sum(1 for lines in lengths if lines < 30) >= 0.9 * len(lengths)


def _says_what_it_is_for(text: str) -> bool:
    # a manifest is read by the freezing tool, where a comment is the custom; an empty __init__ says enough
    return not text or text.startswith("# ") or bool(ast.get_docstring(ast.parse(text)))


def test_every_file_says_what_it_is_for(checkout: Path, files: list[Path]) -> None:
    python = [file for file in files if file.suffix == ".py"]
    assert [str(file) for file in python if not _says_what_it_is_for((checkout / file).read_text())] == []


def _is_mere_package(file: Path) -> bool:
    """Tell whether a file only makes its folder a package: a docstring and constants at most."""
    return file.name == "__init__.py" and all(
        isinstance(node, ast.Expr | ast.Assign) for node in ast.parse(file.read_text()).body
    )


def _possible_tests(file: Path) -> list[str]:
    room = next((tests for folder, tests in TESTS_OF.items() if file.is_relative_to(folder)), "")
    inside = file.relative_to("host/tincall").parts[:-1] if file.is_relative_to("host/tincall") else ()
    folder = f"tests/{room or '/'.join(inside[:1])}".rstrip("/")
    names = [file.stem, *(f"{part}_{file.stem}" for part in inside[1:])]
    below = ["", *(f"{part}/" for part in inside[1:])]
    # a package inside a room may have one test file for all of it
    names += inside[1:]
    return [f"{folder}/{part}test_{name.replace('-', '_')}.py" for name in names for part in below]


def test_every_source_file_has_its_test_file(checkout: Path, sources: list[Path]) -> None:
    missing = []
    for file in sources:
        exempt = str(file) in WITHOUT_TEST or file.stem.startswith("manifest") or file.parts[0] == "boards"
        if exempt or _is_mere_package(checkout / file):
            continue
        if not any((checkout / test).is_file() for test in _possible_tests(file)):
            missing.append(f"{file}: no {_possible_tests(file)[0]}")
    assert missing == []


def test_the_list_of_files_without_a_test_is_up_to_date(checkout: Path) -> None:
    gone = [file for file in WITHOUT_TEST if not (checkout / file).is_file()]
    tested = [file for file in WITHOUT_TEST if any((checkout / test).is_file() for test in _possible_tests(Path(file)))]
    assert (gone, tested) == ([], [])


def test_nothing_is_called_utils(files: list[Path]) -> None:
    assert [str(file) for file in files if file.stem in ("utils", "util", "helpers", "misc")] == []


@pytest.mark.parametrize("mark", ["TO" + "DO", "FIX" + "ME", "XX" + "X"])
def test_nothing_is_left_for_later(checkout: Path, sources: list[Path], mark: str) -> None:
    assert [str(file) for file in sources if mark in (checkout / file).read_text()] == []


def test_the_core_exists_once(files: list[Path]) -> None:
    homes = {parent for file in files for parent in file.parents if parent.name == "callcore"}
    assert homes == {Path("firmware/callcore")}


def test_each_decision_has_a_number_of_its_own(checkout: Path) -> None:
    pages = sorted((checkout / "docs/decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        assert page.read_text().startswith(f"# {int(page.name[:4])}. "), page.name

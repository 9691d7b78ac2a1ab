"""docs/storage.md against the code: ids and their tests, words and bounds, commands and links."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tincall.cli.main import COMMANDS
from tincall.relay import backlog, events, heartbeat
from tincall.relay.store import engine, faults, restoring
from tincall.settings import DataFolder

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/storage.md").read_text()
FLAT = " ".join(PAGE.split())
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows(title: str) -> list[list[str]]:
    """Give the cells of each row of a section's first table, without its head."""
    lines = [line for line in PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def functions(file: str) -> set[str]:
    """Give the names of the functions at the top of a test file, which is where tests are found."""
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("name", [f"T-{kind}-{number:02}" for kind in ("ST", "RS") for number in range(1, 9)])
def test_every_id_has_tests_that_exist(name: str) -> None:
    (cells,) = [cells for cells in rows("Tests by id") if cells[0] == f"`{name}`"]
    named = TEST.findall(cells[2])
    assert named, "no test is named"
    for file, test in named:
        assert test.startswith("test_") and test in functions(file), f"{file} has no {test}"


def test_no_row_names_a_test_in_another_form_and_what_is_open_says_what() -> None:
    assert "::" not in TEST.sub("", PAGE)
    for cells in rows("Tests by id"):
        if "*open" in cells[2]:
            assert len(cells[2].split("*open:*")[1].split("Shown:")[0].split()) >= 4, cells[0]


def test_every_fault_has_a_row_and_no_other() -> None:
    words = {value for value in vars(faults).values() if isinstance(value, str) and value.startswith("storage_")}
    assert {cells[0].strip("`") for cells in rows("When the database cannot be used")} == words


def test_every_file_of_the_folder_has_a_row() -> None:
    folder = DataFolder(Path())
    listed = re.findall(r"`([\w.*-]+)`", " ".join(cells[0] for cells in rows("The data folder")))
    ours = {str(place) for name, place in vars(folder).items() if name != "root"}
    assert ours == set(listed) - {"wechat-*"}


def test_its_numbers_are_those_of_the_code() -> None:
    assert f"tried again every {backlog.RETRY_S:.0f} seconds. Up to {backlog.KEPT_MAX:,} wait" in FLAT
    assert f"every {heartbeat.BEAT_S:.0f} seconds, by a clock that does not jump" in FLAT
    assert f"for more than {engine.BUSY_TIMEOUT_MS // 1000} s" in FLAT
    assert f"keeps the newest {events.KEPT_MAX} of each board" in FLAT
    kept = dict(
        re.findall(r"^_(ENTRIES|BYTES) = const\((\d+)\)$", (ROOT / "firmware/handset/outbox.py").read_text(), re.M)
    )
    assert f"up to {kept['ENTRIES']} entries of at most {int(kept['BYTES']):,} bytes together" in FLAT


def test_every_command_and_link_is_there() -> None:
    for command in re.findall(r"^    tincall (\w+)", PAGE, re.MULTILINE):
        assert command in COMMANDS
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / link).exists(), link


def test_the_decision_names_what_the_code_does() -> None:
    decision = next((ROOT / "docs/decisions").glob("0017-*.md")).read_text()
    for name in (restoring.PART, restoring.NEW, "before-restore-"):
        assert f"`{name}" in decision

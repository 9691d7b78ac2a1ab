"""docs/security.md against the code: every id has a row, every test that is named exists, states and bounds are the code's."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tincall.cli.web_patience import BODY_S, HEAD_S, PER_ADDRESS
from tincall.cli.web_server import HANDSHAKE_S
from tincall.relay import standing
from tincall.relay.second_board import WINDOW_S
from tincall.relay.verifier import CHALLENGE_S, TOKEN_S
from tincall.relay.web_guard import BODY_MAX_BYTES
from tincall.settings import LimitSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
FLAT = " ".join(PAGE.split())

IDENTITY = [f"T-ID-{number:02}" for number in range(1, 15)]
SURFACE = [f"T-AS-{number:02}" for number in (*range(1, 11), 14, 16, 17, 19, 20, 22)]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def section(title):
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title):
    """Give the cells of each row of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def functions(file):
    """Give the names of the functions at the top of a test file, which is where tests are found."""
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def by_id():
    found = {cells[0].strip("`"): cells[2] for cells in rows("Tests by id")}
    assert len(found) == len(rows("Tests by id")), "an id stands twice"
    return found


@pytest.mark.parametrize("name", [*IDENTITY, *SURFACE])
def test_every_id_has_a_test_that_exists(name):
    named = TEST.findall(by_id()[name])
    assert named, f"{name} names no test"
    for file, test in named:
        assert (ROOT / file).is_file(), file
        assert test.startswith("test_") and test in functions(file), f"{name}: {file} has no {test}"


def test_no_other_row_names_a_test_that_is_not_there():
    for file, test in TEST.findall(PAGE):
        assert (ROOT / file).is_file() and test in functions(file), f"{file}::{test}"
    assert "::" not in TEST.sub("", PAGE), "a test is named in another form than `tests/...py::test_...`"


def test_what_is_open_says_what():
    for name, shown in by_id().items():
        if "*open" in shown:
            why = shown.split("*open:*")[1].split("Shown:")[0]
            assert len(why.split()) >= 4, name


def test_every_threat_names_ids_that_have_rows():
    known = by_id()
    for cells in rows("Threats"):
        named = re.findall(r"T-[A-Z]{2}-\d\d", cells[-1])
        assert named and set(named) <= set(known), cells[0]
    assert [cells[0] for cells in rows("Threats")] == [f"A{number}" for number in range(1, 17)]


def test_states_are_those_of_the_table():
    told = {cells[0].strip("`"): cells for cells in rows("Who may come in")}
    assert set(told) == set(standing.NEXT)
    for state, cells in told.items():
        ways = {word for word in standing.OPERATORS_WORDS if standing.after(state, word, True) not in (None, state)}
        assert {word for word in standing.OPERATORS_WORDS if f"`{word}`" in cells[3]} == ways - (
            {standing.RESUME} if state in standing.WELCOME else set()
        ), state
        assert ("4403" in cells[2]) == (state not in standing.WELCOME)


def test_its_numbers_are_those_of_the_code():
    limits = LimitSettings()
    for text in (
        f"by address ({limits.attempts_per_minute_address} a minute)",
        f"an address ({limits.attempts_per_minute} a minute)",
        f"{CHALLENGE_S} s, one use, at most {limits.nonces:,}",
        f"bodies of at most {BODY_MAX_BYTES // 1024} KiB",
        f"waits {HANDSHAKE_S:g} s for a TLS handshake, {HEAD_S:g} s for a head and {BODY_S:g} s for a body",
        f"at most {PER_ADDRESS} connections of an address",
        {3600: "256 random bits; 1 hour"}[TOKEN_S],
        {86_400: "comes within a day"}[WINDOW_S],
    ):
        assert text in FLAT, text


def test_every_link_is_there():
    links = re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", PAGE)
    for target, place in links:
        text = PAGE if not target else (ROOT / "docs" / target).read_text()
        heads = {
            re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-")
            for head in re.findall(r"^#+ (.+)$", text, re.M)
        }
        assert not place or place in heads, (target, place)

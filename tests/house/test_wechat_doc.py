"""docs/wechat.md against the code: its numbers, files, links, settings, sentences, and what its diagrams let everybody say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcore import messages
from tincall.settings import Settings
from tincall.simulator import scenario
from tincall.wechat import facts, notify, payload, phone_leg, rooms, vocabulary, web
from tincall.wechat.adapter import RING_MOST_MS
from tincall.wechat.api import CALL_PATH
from tincall.wechat.phone_calls import LIFE_S
from tincall.wechat.room_plan import NATIVE
from tincall.wechat.vocabulary import Status
from tincall.worker import protocol, room

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/wechat.md").read_text()
FLAT = " ".join(PAGE.split())
DECISIONS = sorted((ROOT / "docs/decisions").glob("00*.md"))
PLACES = (ROOT, ROOT / "host", ROOT / "host/tincall", ROOT / "host/tincall/wechat")
SETTINGS = {
    name: set(field.annotation.model_fields) for name, field in Settings.model_fields.items() if name != "phones"
}

ARROW = re.compile(r"    +([A-Z])-?->>([A-Z]): (.+)")
# what may be said between two in the diagrams beside what their protocols have: what people and the platform do, in plain words
PLAIN = {"rings", "picks up", "hangs up", "over", "leaves the room", "callDevice"}


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}")[1].split("\n## ")[0]


def diagrams() -> list[str]:
    return re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)


# -- numbers -------------------------------------------------------------------------------------------------------------


def test_every_error_number_and_status_of_the_code_stands_in_the_page() -> None:
    there = set(re.findall(r"^\| `(-?\d+)` \|", section("Numbers"), re.MULTILINE))
    numbers = {str(number) for _, number in vocabulary.table()}
    assert there >= numbers | {str(int(one)) for one in (*Status, *vocabulary.Reason)}
    assert there == numbers | {str(int(one)) for one in (*Status, *vocabulary.Reason)} | {
        str(number) for number in notify.NUMBERS.values()
    }


def test_its_limits_are_those_of_the_code() -> None:
    patience, limits, wechat = phone_leg.Patience(), NATIVE, Settings.model_fields["wechat"].annotation()
    for text in (
        f"`push_wait_s` ({patience.push_ms // 1000} s)",
        f"`peer_wait_s` ({patience.peer_ms // 1000} s)",
        f"at most {RING_MOST_MS // 1000} s",
        f"that is at most {LIFE_S} s old",
        f"at most {facts.MAX_STATUSES} |",
        f"say `ready` within {limits.ready_s:g} s and be in the room within {limits.join_s:g} s",
        "a payload has at most 108 characters",
        "default of `base_url` is the real platform",
        {3: "three attempts"}[rooms.ATTEMPTS],
        f"`https://your.name{web.PATH}`",
    ):
        assert text in FLAT, text
    assert (wechat.push_wait_s, wechat.peer_wait_s) == (patience.push_ms / 1000, patience.peer_ms / 1000)
    assert wechat.base_url == "https://api.weixin.qq.com"


def test_the_longest_payload_is_as_the_page_says() -> None:
    longest = payload.CallToken("x" * payload.CALL_ID_MAX_CHARS, "out")
    assert len(payload.make(bytes(32), longest)) <= 108 < payload.TEXT_MAX_CHARS


def test_the_record_is_told_whole() -> None:
    code = (ROOT / "host/tincall/wechat/facts.py").read_text() + (ROOT / "host/tincall/wechat/phone_leg.py").read_text()
    written = set(re.findall(r'record\["(\w+)"\]|note_ms\("(\w+)"|"((?:talk|billed)_ms)":|setdefault\("(\w+)"', code))
    told = set(re.findall(r"^\| `(\w+)` \|", section("What a call's record says"), re.MULTILINE))
    assert told == {name for names in written for name in names if name}


# -- names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [ROOT / "docs/wechat.md", *DECISIONS], ids=lambda page: page.name)
def test_every_file_that_is_named_and_every_link_is_there(page: Path) -> None:
    text = page.read_text()
    named = set(re.findall(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|tsv|c|js|md|toml))`", text)) - {"tincall.toml"}
    missing = [name for name in named if not any((place / name).exists() for place in (*PLACES, ROOT / "firmware"))]
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [*missing, *(link for link in links if not (page.parent / link).exists())] == []


def test_every_place_of_the_page_that_it_links_to_is_there() -> None:
    heads = {
        re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in re.findall(r"^#+ (.+)$", PAGE, re.M)
    }
    assert {place for place in re.findall(r"\]\(#([^)]+)\)", PAGE)} <= heads


def test_every_setting_and_section_is_there() -> None:
    every = set().union(*SETTINGS.values())
    assert {name for name in re.findall(r"`([a-z_]+) = ", PAGE)} <= every
    assert set(re.findall(r"`\[(\w+)\]`", PAGE)) <= set(SETTINGS)
    for name in (
        "push_wait_s",
        "peer_wait_s",
        "ring_ms",
        "allotted_ms",
        "call_fields",
        "busy_reason",
        "room_end",
        "base_url",
    ):
        assert name in every and f"`{name}" in PAGE


@pytest.mark.parametrize("page", [ROOT / "docs/wechat.md", *DECISIONS[5:]], ids=lambda page: page.name)
def test_every_scenario_that_is_named_is_there(page: Path) -> None:
    named = re.findall(r"`((?:rings|encrypted)_\w+)`", page.read_text())
    assert set(named) <= set(scenario.names())


def test_every_fact_says_how_sure_it_is_and_where_it_is_used() -> None:
    table = section("What we rely on").split("| fact | how sure")[1].split("\n### ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:] if line]
    keys = set(re.findall(r"\b(?:W-[A-Z]+|FAQ|T|EZ|K)\b", section("What we rely on").split("| fact |")[0]))
    assert len(rows) > 40
    for fact, sure, source, used in rows:
        assert re.search(r"\[[CSIU]\]|verified", sure), fact
        assert set(re.findall(r"W-[A-Z]+", source)) <= keys, fact
        assert "`" in used or "(" in used or "nothing" in used, fact


# -- sentences -----------------------------------------------------------------------------------------------------------


def literals(tree: ast.AST) -> Iterator[str]:
    """Give each text of a program as a pattern, its fields matching anything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(re.escape(one.value) if isinstance(one, ast.Constant) else ".+" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 15:
            yield re.escape(node.value)


def test_every_sentence_that_is_quoted_is_one_that_our_programs_print() -> None:
    programs = [*(ROOT / "host/tincall/wechat").glob("*.py"), ROOT / "host/tincall/cli/relay.py"]
    patterns = {pattern for file in programs for pattern in literals(ast.parse(file.read_text()))}
    patterns |= {re.escape(found.sentence) for found in vocabulary.table().values()}
    said = re.compile("|".join(sorted(patterns, key=len, reverse=True)), re.DOTALL)
    steps = " ".join(section("From zero to the first real call").split())
    quoted = [one for one in re.findall(r'"([A-Za-z][^"]{14,}?)"', re.sub(r"`[^`]*`", "", steps))]
    assert len(quoted) > 20
    assert [
        one for one in quoted if not said.search(one) and not any(one in p.replace("\\", "") for p in patterns)
    ] == []


# -- diagrams ------------------------------------------------------------------------------------------------------------


def test_the_diagrams_are_well_formed() -> None:
    assert len(diagrams()) == 4
    for text in diagrams():
        lines = [line.strip() for line in text.splitlines()]
        assert lines[0] == "sequenceDiagram"
        known = {line.split()[1] for line in lines if line.startswith("participant ")}
        depth = 0
        for line in lines[1:]:
            word = line.split()[0]
            depth += (word in ("alt", "par", "loop")) - (word == "end")
            arrow, note = ARROW.fullmatch("    " + line), re.fullmatch(r"Note over ([A-Z])(?:,([A-Z]))?: .+", line)
            assert arrow or note or word in ("participant", "alt", "else", "par", "and", "end"), line
            assert {one for one in (arrow or note).groups()[:2] if one} <= known if arrow or note else True, line
            assert not re.search(r"[;#<]|.\bend\b|\bend\b.", line), f"{line}: Mermaid takes it for something else"
            assert depth >= 0
        assert depth == 0


def may_say(who: str, whom: str, said: str) -> bool:
    """Tell whether one party of a diagram may say this to another: by the tables of our protocols, else in plain words."""
    word = said.split()[0]
    if who + whom in ("BR", "RB"):
        sender = messages.FROM_BOARD if who == "B" else messages.FROM_RELAY
        return any(by & sender for by, _ in messages.MESSAGES[word])
    if who + whom in ("RW", "WR"):
        return (protocol.FROM_RELAY if who == "R" else protocol.FROM_WORKER) in protocol.MESSAGES[word][0]
    if who + whom in ("WE", "EW"):
        return (room.FROM_WORKER if who == "W" else room.FROM_ROOM_END) in room.MESSAGES[word][0]
    if who + whom == "RP":
        return said == f"POST {CALL_PATH}" or word == "errcode"
    if who + whom == "PR":
        return said in ("errcode 0", f"{notify.EVENT} {notify.ACTION}")
    if who + whom == "FR":
        route = said.removeprefix("POST /v1/mini")
        return f'"{route}"' in (ROOT / "host/tincall/wechat/mini.py").read_text()
    return said in PLAIN or said == "payload"


def test_everybody_in_the_diagrams_says_what_our_protocols_have() -> None:
    arrows = [match.groups() for text in diagrams() for match in ARROW.finditer(text)]
    assert len(arrows) > 60
    assert [one for one in arrows if not may_say(*one)] == []


def test_numbers_and_states_in_the_diagrams_are_those_of_the_code() -> None:
    text = "".join(diagrams())
    assert {int(number) for number in re.findall(r"status (\d+)", text)} <= set(Status)
    verdicts = {int(number) for number in re.findall(r"errcode (\d+)", text)}
    assert verdicts <= {notify.GO_ON, *notify.NUMBERS.values()}
    assert f"errcode 1 to {max(notify.NUMBERS.values())}" in text
    states = {state for pair in phone_leg.NEXT.items() for state in (pair[0][0], pair[1])}
    named = set(re.findall(r"state (\w+)", text))
    assert named <= states and named >= states - {"idle"}
    assert "callDevice" in (ROOT / "host/miniprogram/lib/calls.js").read_text()

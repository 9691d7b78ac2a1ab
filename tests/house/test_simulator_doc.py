"""docs/simulator.md against the code: every scenario, remark, control, option and key of a phone is there, and no others."""

import re
from pathlib import Path

from tincall.simulator import scenario
from tincall.simulator.faults import Fault
from tincall.simulator.impair import FrameProfile
from tincall.simulator.phone import PhoneScript
from tincall.simulator.pusher import PushPlan
from tincall.simulator.scenario import AppState, DevicePart, Expectation, Scenario, TimeTable, UserEntry

ROOT = Path(__file__).parents[2]
SIMULATOR = ROOT / "host" / "tincall" / "simulator"
TEXT = (ROOT / "docs" / "simulator.md").read_text()


def section(title):
    return TEXT.split(f"\n## {title}")[1].split("\n## ")[0]


def rows(title):
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section(title).splitlines()
        if line.startswith("| `")
    ]


def words(text):
    return set(re.findall(r"[a-z_]+", text))


def test_every_scenario_is_listed_with_its_cause():
    listed = {row[0].strip("`"): row[1:] for row in rows("Scenarios") if row[0].strip("`") in scenario.names()}
    assert sorted(listed) == scenario.names()
    for name, (about, cause) in listed.items():
        one = scenario.load(name)
        assert about == one.about
        assert cause == (" ".join(map(str, one.expect.cause)) or "-")


def test_every_key_of_a_scenario_is_named():
    keys = words(" ".join(" ".join(row) for row in rows("Scenarios")))
    for model in (Scenario, TimeTable, AppState, PushPlan, UserEntry, FrameProfile, DevicePart, Expectation):
        assert set(model.model_fields) <= keys, model


def test_every_remark_is_explained():
    code = "".join(path.read_text() for path in SIMULATOR.glob("*.py"))
    assert {row[0].strip("`") for row in rows("Remarks")} == set(re.findall(r'\.remark\(\s*"([a-z_]+)"', code))


def test_every_key_of_a_phone_is_explained():
    assert [row[0].strip("`") for row in rows("Phones")] == list(PhoneScript.model_fields)


def test_every_control_is_there_and_a_fault_is_whole():
    code = (SIMULATOR / "web_control.py").read_text()
    there = {f"{verb.upper()} /sim{path}" for verb, path in re.findall(r'(post|get)\("(/[a-z/]+)"\)', code)}
    assert {row[0].strip("`") for row in rows("Controls")} == there
    fields = next(row for row in rows("Controls") if "faults" in row[0])[1]
    assert set(Fault.model_fields) == words(fields)


def test_every_option_of_the_command_is_there():
    code = (ROOT / "host" / "tincall" / "cli" / "simulate.py").read_text()
    told = set(re.findall(r"`(--[a-z-]+)", TEXT.split("\n## ")[0]))
    assert told - {"--json"} == set(re.findall(r'"(--[a-z-]+)"', code))

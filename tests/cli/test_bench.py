"""`tincall bench voice`: a table or JSON, a picture and a page when asked, and a status that says whether all is reached."""

import pytest
from commands import document, tincall

from tincall.measure import voice_bench

ROW = {
    "condition": "none",
    "words": "nothing lost",
    "codec": "PCMA",
    "band": "nb",
    "pesq": 4.44,
    "pesq_worst": 4.3,
    "stoi": 0.996,
    "concealed_pct": 0.0,
    "buffer_ms": 62.0,
    "worst_gap_ms": 0,
    "sent_share": 1.0,
    "targets": [{"figure": "pesq", "bound": 4.2, "ok": True, "distance": 0.0}],
}


def report(missed: bool) -> dict:
    phone = {**ROW, "ear": "phone"}
    if missed:
        phone["targets"] = [{"figure": "pesq", "bound": 4.5, "ok": False, "distance": 0.06}]
    return {"board": "unix", "pairs": 12, "missed": int(missed), "rows": [{**ROW, "ear": "board"}, phone]}


@pytest.fixture
def given(monkeypatch):
    """Let the benchmark give a report of the test's own."""
    plans = []

    def measure(plan, step):
        plans.append(plan)
        step("PCMA, nothing lost")
        return given.report

    given.report = report(missed=False)
    given.plans = plans
    monkeypatch.setattr(voice_bench, "run", measure)
    return given


def test_all_reached_is_status_0_and_said(given):
    found = tincall("bench", "voice")
    assert found.exit_code == 0, found.output
    assert "nothing lost" in found.stdout and "4.44 | 4.44" in found.stdout and "reached (PESQ ≥ 4.2)" in found.stdout


def test_a_missed_target_is_status_1_with_its_distance(given):
    given.report = report(missed=True)
    found = tincall("bench", "voice")
    assert found.exit_code == 1
    assert "phone: PESQ misses 4.5 by 0.06" in found.stdout and "1 of the targets were missed" in found.stderr
    told = document(tincall("bench", "voice", "--json"))
    assert told["missed"] == 1 and told["error"]["status"] == 1 and len(told["rows"]) == 2


def test_picture_and_page_are_written(given, tmp_path):
    chart, page = tmp_path / "voice.svg", tmp_path / "voice.md"
    assert tincall("bench", "voice", "--chart", chart, "--page", page, "--json").exit_code == 0
    assert chart.read_text().startswith("<svg") and "![Scores over bad paths](voice.svg)" in page.read_text()


def test_conditions_are_chosen_by_name(given):
    assert tincall("bench", "voice", "--only", "wifi", "--only", "none", "--board", "unix32").exit_code == 0
    assert [condition.name for condition in given.plans[0].conditions] == ["none", "wifi"]
    assert given.plans[0].board == "unix32"


@pytest.mark.parametrize("wrong", [("--only", "rain"), ("--board", "cpython"), ("--board", "toaster")])
def test_wrong_words_are_status_2(given, wrong):
    found = tincall("bench", "voice", *wrong)
    assert found.exit_code == 2 and wrong[1] in found.stderr and not given.plans


def test_it_measures_for_real(tmp_path):
    told = document(tincall("bench", "voice", "--quick", "--only", "none", "--json"))
    assert told["pairs"] == 2 and told["missed"] == 0
    assert {row["ear"] for row in told["rows"]} == {"board", "phone"}
    assert all(row["pesq"] > 3 for row in told["rows"] if row["codec"] in ("PCMA", "G722"))

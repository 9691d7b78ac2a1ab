"""The figures of the board: every budget is kept, the page tells the counts, and a budget that is passed makes it red."""

import json
import subprocess
import sys
from pathlib import Path

import frames
import measure
import pytest

SMALL = {"callcore/g722.mpy": 10, "handset/voice.mpy": 20, "handset/reset.mpy": 7}


# paced: the heap is measured in a call in real time; together, since they look at one measurement
@pytest.fixture(scope="session")
def found(checkout: Path) -> dict:
    done = subprocess.run(
        [sys.executable, checkout / "tools/measure.py", "--json"], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    figures = json.loads(done.stdout)
    assert done.returncode == (1 if figures["passed"] else 0)
    return figures


@pytest.mark.paced
@pytest.mark.xdist_group("measured")
def test_every_budget_is_kept(found: dict) -> None:
    assert found["passed"] == []


@pytest.mark.paced
@pytest.mark.xdist_group("measured")
def test_the_page_tells_the_counts(found: dict, checkout: Path) -> None:
    # the sizes move with every change of the firmware, and the page gives them of the day it was written
    assert measure.counted(found["instructions"]) in (checkout / "docs/figures.md").read_text(), (
        "run tools/measure.py --write"
    )


@pytest.mark.paced
@pytest.mark.xdist_group("measured")
def test_everything_is_counted_on_both_chips(found: dict) -> None:
    assert list(found["instructions"]) == list(frames.ROWS)
    for counts in found["instructions"].values():
        assert set(counts) == {"rv32imc", "xtensawin"}
        # the two are alike enough that one without the other would show
        assert 0.8 < counts["xtensawin"] / counts["rv32imc"] < 1.25
    assert found["heap_per_frame"] == {"unix, G722": 0, "unix32, G722": 0}
    assert found["bytes_total"] == sum(found["bytes"].values())
    assert found["bytes_once"] == sum(found["bytes"][name] for name in measure.ONCE)


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> dict:
    counts = {name: {"rv32imc": 10, "xtensawin": 10} for name in frames.ROWS}
    per_frame = {"unix, G722": 0}
    monkeypatch.setattr(measure, "instructions", lambda: counts)
    monkeypatch.setattr(measure, "sizes", lambda: SMALL)
    monkeypatch.setattr(measure.heap, "per_frame", lambda: per_frame)
    return {"counts": counts, "per_frame": per_frame}


@pytest.mark.parametrize(
    "what",
    [
        "G.722 encode (xtensawin)",
        "heap per frame (unix, G722)",
        "size",
        "size without G.722",
    ],
)
def test_a_budget_that_is_passed_fails_and_is_named(
    faked: dict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    assert measure.main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] == []
    if what == "size":
        monkeypatch.setattr(measure, "SIZE_HELD", 36)
    elif what == "size without G.722":
        monkeypatch.setattr(measure, "SIZE_HELD_NARROW", 26)
    elif what.startswith("heap"):
        faked["per_frame"]["unix, G722"] = 16
    else:
        faked["counts"]["G.722 encode"]["xtensawin"] = 420_001
    assert measure.main([]) == 1
    assert capsys.readouterr().err == f"measure: {what} is beyond its budget\n"


def test_the_page_is_written_below_its_mark(faked: dict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "figures.md"
    page.write_text(f"# Head\n\n{measure.MARK}\n\nold\n")
    monkeypatch.setattr(measure, "FIGURES", page)
    assert measure.main(["--write"]) == 0
    text = page.read_text()
    assert text.startswith(f"# Head\n\n{measure.MARK}\n\n| 20 ms of sound |") and "old" not in text
    assert "| G.722 encode | 10 | 400,000 | 10 | 420,000 |" in text
    assert "| unix, G722 | 0 | 0 |" in text and "| callcore and handset together | 37 | 86,016 |" in text


def test_a_budget_that_is_not_reached_is_said(
    faked: dict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "SIZE_BUDGET", 36)
    monkeypatch.setattr(measure, "SIZE_BUDGET_NARROW", 26)
    assert measure.main([]) == 0
    told = capsys.readouterr().out
    assert f"| callcore and handset together | 37 | 36; not reached, held at {measure.SIZE_HELD:,} |" in told
    assert f"| the same without G.722 | 27 | 26; not reached, held at {measure.SIZE_HELD_NARROW:,} |" in told


def test_what_cannot_be_measured_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise measure.MeasureError("no")

    monkeypatch.setattr(measure, "instructions", fail)
    assert measure.main([]) == 1
    assert capsys.readouterr().err == "measure: no\n"

"""The rows of the table: each budget of the design is there, and one that is passed is named."""

import frames
import pytest

# of the design's page on figures to reach: instructions by row and architecture
DESIGN = {
    ("G.722 encode", "rv32imc"): 400_000,
    ("G.722 encode", "xtensawin"): 420_000,
    ("G.722 decode", "rv32imc"): 380_000,
    ("G.722 decode", "xtensawin"): 400_000,
    ("A-law encode", "rv32imc"): 11_000,
    ("A-law core path, up and down", "rv32imc"): 35_000,
    (frames.WHOLE, "rv32imc"): 110_000,
}


def test_the_budgets_are_those_of_the_design() -> None:
    budgets = {(name, arch): most for name, row in frames.ROWS.items() for arch, most in (row.budgets or {}).items()}
    assert budgets == DESIGN


@pytest.mark.parametrize(("name", "arch"), DESIGN)
def test_a_budget_that_is_passed_is_named(name: str, arch: str) -> None:
    found = {row: {"rv32imc": 10, "xtensawin": 10} for row in frames.ROWS}
    assert frames.passed(found) == []
    found[name][arch] = DESIGN[name, arch]
    assert frames.passed(found) == []
    found[name][arch] += 1
    assert frames.passed(found) == [f"{name} ({arch})"]


def test_noise_and_voice_are_whole_samples_and_the_same_each_time() -> None:
    assert frames.noise(320) == frames.noise(320) and len(frames.noise(320)) == 640
    assert frames.voice(320) == frames.voice(320) and len(frames.voice(320)) == 640

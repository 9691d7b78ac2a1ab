"""The voice benchmark: the same figures on each run, a row for each ear, and targets held against what was measured."""

from dataclasses import replace

import pytest

from tincall.measure import voice_bench
from tincall.measure.voice_conditions import CONDITIONS, Target

CHOSEN = tuple(condition for condition in CONDITIONS if condition.name in ("none", "loss20"))


@pytest.fixture(scope="module")
def plan():
    return replace(voice_bench.quick(voice_bench.Plan(conditions=CHOSEN)), clips=("numbers.wav",))


@pytest.fixture(scope="module")
def report(plan):
    return voice_bench.run(plan, lambda words: None)


def test_full_plan_has_talks_enough():
    assert len(list(voice_bench.Plan().pairs())) >= 10


def test_each_condition_and_codec_has_a_row_for_each_ear(plan, report):
    expected = [(c.name, codec, ear) for c, codec in plan.rows() for ear in voice_bench.EARS]
    assert [(row["condition"], row["codec"], row["ear"]) for row in report["rows"]] == expected
    assert {row["codec"] for row in report["rows"] if row["condition"] == "loss20"} == {"PCMA", "G722"}


def test_a_good_path_is_good_and_a_bad_one_worse(report):
    scores = {(row["condition"], row["codec"], row["ear"]): row for row in report["rows"]}
    for codec in ("PCMA", "G722"):
        for ear in voice_bench.EARS:
            good, bad = scores["none", codec, ear], scores["loss20", codec, ear]
            assert good["pesq"] > 4.0 and good["stoi"] > 0.98 and good["concealed_pct"] == 0
            assert bad["pesq"] < good["pesq"] - 1 and 10 < bad["concealed_pct"] < 30


def test_it_gives_the_same_each_time(plan, report):
    assert voice_bench.run(plan, lambda words: None) == report


def test_targets_that_are_missed_are_counted_with_their_distance(plan):
    hard = replace(CHOSEN[0], targets={"PCMA": (Target("pesq", 4.9), Target("buffer_ms", 500))})
    found = voice_bench.run(replace(plan, conditions=(hard,)), lambda words: None)
    assert found["missed"] == len(voice_bench.EARS)
    row = found["rows"][0]
    assert row["targets"] == [
        {"figure": "pesq", "bound": 4.9, "ok": False, "distance": pytest.approx(4.9 - row["pesq"])},
        {"figure": "buffer_ms", "bound": 500, "ok": True, "distance": 0.0},
    ]

"""The conditions of benchmarked calls: each by a name of its own, with a seed of its own for each way."""

import pytest

from tincall.measure import call_bench, call_conditions
from tincall.measure.call_conditions import CONDITIONS, CallCondition
from tincall.simulator.impair import FramePath

BY_NAME = {condition.name: condition for condition in CONDITIONS}


def test_names_are_unique_and_the_quick_ones_are_there():
    assert len(BY_NAME) == len(CONDITIONS) and set(call_conditions.QUICK) <= set(BY_NAME)


def test_only_an_untouched_chain_is_clean():
    clean = {name for name, condition in BY_NAME.items() if condition.is_clean}
    assert clean == {"clean", "clean-g711", "save-bytes"}


def test_the_seed_reaches_both_kinds_of_faults_and_ways_differ():
    assert BY_NAME["wifi"].lines(7).seed == 7 and BY_NAME["wifi"].lines(7).stall_ms == (60, 150)
    assert BY_NAME["wifi"].packets(7) is None
    up, down = BY_NAME["loss5"].packets(7)
    assert up.loss == down.loss == 0.05 and up.seed != down.seed


def test_packets_are_lost_each_by_itself_at_the_share_asked_for():
    up, _ = CallCondition("half", "", loss=0.5).packets(1)
    path = FramePath(up, 0)
    for number in range(2000):
        path.put(bytes([number & 255]), 0)
        path.due(0)
    assert path.lost / 2000 == pytest.approx(0.5, abs=0.04)


def test_by_the_default_seed_a_call_loses_what_its_condition_says():
    for profile, lost in zip(BY_NAME["loss5"].packets(call_conditions.SEED), (38, 34), strict=True):
        path = FramePath(profile, 0)
        for _ in range(715):
            path.put(b"packet", 0)
            path.due(0)
        assert path.lost == lost


def test_targets_are_about_figures_that_are_measured():
    ways = {"pesq", "concealed_pct", "mouth_to_ear_ms", "playout_ms"}
    for condition in CONDITIONS:
        assert {target.figure for target in (*condition.up, *condition.down)} <= ways
        assert {target.figure for target in condition.both} <= {"mb_per_min"}
    assert call_bench.WAYS == ("up", "down")

"""What is tried: every figure of the project's table of voice is held, and a distance says how far one is from it."""

import pytest

from tincall.measure.voice_conditions import CONDITIONS, MAIN, Target


def test_names_are_unique_and_every_target_is_about_a_main_codec():
    names = [condition.name for condition in CONDITIONS]
    assert len(set(names)) == len(names)
    for condition in CONDITIONS:
        assert not condition.targets or set(condition.targets) == set(MAIN), condition.name


def test_the_figures_to_reach():
    bounds = {
        (condition.name, codec): [(target.figure, target.bound) for target in targets]
        for condition in CONDITIONS
        for codec, targets in condition.targets.items()
    }
    assert bounds["loss10", "PCMA"] == [("pesq", 2.6)] and bounds["loss10", "G722"] == [("pesq", 1.8)]
    assert bounds["jitter", "PCMA"] == [("pesq", 4.0), ("concealed_pct", 0.2), ("buffer_ms", 85)]
    assert bounds["wifi", "G722"] == [("concealed_pct", 0.5), ("buffer_ms", 160)]


@pytest.mark.parametrize(("figure", "measured", "distance"), [("pesq", 3.9, 0.1), ("buffer_ms", 3.9, -0.1)])
def test_distance_is_positive_when_a_figure_is_missed(figure, measured, distance):
    assert Target(figure, 4.0).distance(measured) == pytest.approx(distance)

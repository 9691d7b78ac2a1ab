"""The steps of a journey: what became of them last counts."""

import pytest

from tincall.errors import OperatorError
from tincall.workbench.journey import DONE, FAILED, MADE, OPEN, Journey


def test_it_is_done_when_every_step_is():
    shown = []
    journey = Journey(shown.append)
    journey.add("one", DONE, "there")
    assert journey.is_done and not journey.has_changed
    journey.add("two", OPEN, "not yet")
    assert not journey.is_done
    journey.add("two", MADE, "now")
    assert journey.is_done and journey.has_changed
    assert [step.line for step in shown] == [
        "✓ one         there (was so)",
        "· two         not yet",
        "✓ two         now",
    ]
    assert journey.document() == [
        {"name": "one", "state": "done", "said": "there"},
        {"name": "two", "state": "made", "said": "now"},
    ]


def test_a_step_fails_with_its_block_and_other_errors_are_not_its_own():
    journey = Journey()
    with pytest.raises(OperatorError), journey.at("one"):
        raise OperatorError("it broke", "mend it")
    assert [(step.name, step.state, step.said) for step in journey.steps] == [("one", FAILED, "it broke")]
    with pytest.raises(ZeroDivisionError), journey.at("two"):
        print(1 / 0)
    assert len(journey.steps) == 1 and not journey.is_done

"""The fault plan: in order, so many times, after so many."""

import pytest
from pydantic import ValidationError

from tincall.simulator import faults as faults_file
from tincall.simulator.faults import Fault, FaultPlan


def taken(plan, api, count):
    return [fault.number if (fault := plan.take(api)) else None for _ in range(count)]


def test_faults_happen_in_order_and_end():
    plan = FaultPlan()
    plan.add(Fault(api="/a", number=-1, times=2, after=1))
    plan.add(Fault(api="/a", number=9))
    plan.add(Fault(api="/b", number=5))
    assert taken(plan, "/a", 6) == [None, -1, -1, 9, None, None]
    assert [fault.api for fault in plan.left()] == ["/b"]
    assert taken(plan, "/b", 2) == [5, None]


def test_a_plan_does_not_change_what_it_was_given():
    plan, fault = FaultPlan(), Fault(api="/a", number=1, times=3, after=1)
    plan.add(fault)
    taken(plan, "/a", 2)
    assert (fault.times, fault.after) == (3, 1)


def test_a_plan_is_bounded_and_can_be_forgotten(monkeypatch):
    monkeypatch.setattr(faults_file, "FAULTS_MAX", 1)
    plan = FaultPlan()
    plan.add(Fault(api="/a"))
    with pytest.raises(ValueError, match="1 faults"):
        plan.add(Fault(api="/a"))
    plan.clear()
    assert plan.left() == []


@pytest.mark.parametrize("wrong", [{"api": "a"}, {"api": "/a", "times": 0}, {"api": "/a", "kind": "x"}, {"number": 1}])
def test_a_fault_is_checked(wrong):
    with pytest.raises(ValidationError):
        Fault(**wrong)

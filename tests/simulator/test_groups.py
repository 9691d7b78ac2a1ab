"""Device groups: each rule with its number."""

import pytest

from tincall.simulator import groups as groups_file
from tincall.simulator.groups import Groups
from tincall.simulator.numbers import Refused


@pytest.fixture
def home():
    groups = Groups()
    return groups, groups.create("wx1", ("m1", "m2"), "m1", "home")


def numbers(answers):
    return [answer["errcode"] for answer in answers]


def refusal(number, function, *arguments):
    with pytest.raises(Refused) as caught:
        function(*arguments)
    assert caught.value.number == number


def test_making_one_wants_a_model_and_a_name(home):
    groups, _ = home
    refusal(9800003, groups.create, "wx1", ("m1",), "m9", "home")
    refusal(9800012, groups.create, "wx1", ("m1",), "m1", "")
    refusal(9800012, groups.create, "wx1", ("m1",), "m1", "家" * 11)
    groups.create("wx1", ("m1",), "m1", "x" * 32)


def test_devices_come_and_go(home):
    groups, group_id = home
    a, b = ("m1", "a"), ("m1", "b")
    assert numbers(groups.add("wx1", group_id, [a, b, ("m2", "c"), a], False)) == [0, 0, 9800014, 9800015]
    assert [one["sn"] for one in groups.info("wx1", group_id)["device_list"]] == ["a", "b"]
    assert numbers(groups.remove("wx1", group_id, [a, a])) == [0, 9800017]


def test_a_device_is_in_one_group(home):
    groups, group_id = home
    other = groups.create("wx1", ("m1",), "m1", "office")
    groups.add("wx1", group_id, [("m1", "a")], False)
    assert numbers(groups.add("wx1", other, [("m1", "a")], False)) == [9800018]
    assert numbers(groups.add("wx1", other, [("m1", "a")], True)) == [0]
    assert groups.info("wx1", group_id)["device_list"] == []


def test_a_group_is_full_at_fifty(home):
    groups, group_id = home
    devices = [("m1", f"sn{number}") for number in range(51)]
    assert numbers(groups.add("wx1", group_id, devices, False)) == [0] * 50 + [9800016]


def test_groups_are_the_apps_own_and_bounded(home, monkeypatch):
    groups, group_id = home
    for verb in (groups.info, lambda *a: groups.add(*a, [], False), lambda *a: groups.remove(*a, [])):
        refusal(9800013, verb, "wx2", group_id)
        refusal(9800013, verb, "wx1", "none")
    monkeypatch.setattr(groups_file, "GROUPS_MAX", 1)
    refusal(-1, groups.create, "wx1", ("m1",), "m1", "more")

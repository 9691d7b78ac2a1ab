"""`tincall devices`: what is enrolled, for people and for programs, hostile names included."""

import pytest
from commands import document, tincall
from rich.console import Console

from tincall.cli import devices as subject
from tincall.cli.client import Client


def post(data, **device):
    with Client(data) as client:
        client.post("/v1/devices", device)


def test_devices_are_listed_for_programs_and_people(shared_relay):
    post(shared_relay, sn="DE-1", name="Front [red]door[/red]")
    found = document(tincall("devices", "--data", shared_relay, "--json"))["devices"]
    (device,) = [one for one in found if one["sn"] == "DE-1"]
    assert (device["state"], device["link"], "key" in device) == ("new", None, False)
    shown = tincall("devices", "--data", shared_relay).stdout
    assert "DE-1" in shown
    assert "serial number" in shown


def test_a_device_is_forgotten_once(shared_relay):
    post(shared_relay, sn="DE-2")
    result = tincall("devices", "--forget", "DE-2", "--data", shared_relay, "--json")
    assert document(result) == {"forgotten": "DE-2"}
    again = tincall("devices", "--forget", "DE-2", "--data", shared_relay)
    assert again.exit_code == 1
    assert "No device DE-2" in again.stderr


def test_a_device_is_switched_off_and_on_for_programs_and_people(shared_relay):
    post(shared_relay, sn="DE-3")
    once = document(tincall("devices", "suspend", "DE-3", "--data", shared_relay, "--json"))
    assert once == {"sn": "DE-3", "before": "new", "state": "suspended", "changed": True}
    again = tincall("devices", "suspend", "DE-3", "--data", shared_relay)
    assert (again.exit_code, "it was so before" in again.stdout) == (0, True)
    assert "tincall devices resume DE-3" in again.stdout
    assert document(tincall("devices", "--json", "resume", "DE-3", "--data", shared_relay))["state"] == "new"
    resumed = {"sn": "DE-3", "before": "suspended", "state": "active", "changed": True}
    assert "tries again within the hour" in subject._told(resumed), "refused boards wait for that long"
    assert "for good" in tincall("devices", "revoke", "DE-3", "--data", shared_relay).stdout
    late = tincall("devices", "resume", "DE-3", "--data", shared_relay)
    assert late.exit_code == 1
    assert "for good" in late.stderr and "--forget DE-3" in late.stderr


def test_one_device_is_shown(shared_relay):
    post(shared_relay, sn="DE-4", name="Front [red]door[/red]")
    found = document(tincall("devices", "show", "DE-4", "--data", shared_relay, "--json"))
    assert (found["device"]["sn"], found["standing"]["state"], found["standing"]["second_board"]) == (
        "DE-4",
        "new",
        None,
    )
    shown = tincall("devices", "show", "DE-4", "--data", shared_relay).stdout
    assert "DE-4 (Front [red]door[/red]) was never verified." in shown
    missing = tincall("devices", "show", "DE-5", "--data", shared_relay)
    assert (missing.exit_code, "No device DE-5" in missing.stderr) == (1, True)


def test_a_key_is_changed_for_programs_and_people(shared_relay):
    post(shared_relay, sn="DE-7")
    once = document(tincall("devices", "rotate", "DE-7", "--data", shared_relay, "--json"))
    assert (once["sn"], once["kv"], once["linked"], once["changed"]) == ("DE-7", 1, False, True)
    again = tincall("devices", "rotate", "DE-7", "--data", shared_relay)
    assert "when it connects" in again.stdout and "it will be the same" in again.stdout
    shown = tincall("devices", "show", "DE-7", "--data", shared_relay).stdout
    assert "Its key is number 1, since" in shown and "number 2 waits since" in shown
    found = document(tincall("devices", "--data", shared_relay, "--json"))["devices"]
    (device,) = [one for one in found if one["sn"] == "DE-7"]
    assert (device["kv"], device["next_key_s"]) == (1, once["next_key_s"])
    assert "next_key" not in device


def test_every_boards_key_is_changed_but_those_of_revoked_ones(shared_relay):
    post(shared_relay, sn="DE-8")
    post(shared_relay, sn="RO-1")
    tincall("devices", "revoke", "RO-1", "--data", shared_relay)
    done = document(tincall("devices", "rotate", "--all", "--data", shared_relay, "--json"))["rotations"]
    numbers = [one["sn"] for one in done]
    assert "DE-8" in numbers and "RO-1" not in numbers
    assert "boards get a new key" in tincall("devices", "rotate", "--all", "--data", shared_relay).stdout
    refused = tincall("devices", "rotate", "RO-1", "--data", shared_relay)
    assert (refused.exit_code, "for good" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["happy", "DE-1"],
        ["suspend"],
        ["DE-1"],
        ["suspend", "DE-1", "--forget", "DE-1"],
        ["show"],
        ["suspend", "A", "B"],
        ["rotate"],
        ["rotate", "A", "--all"],
        ["suspend", "--all"],
        ["--all"],
        ["rotate", "--all", "--forget", "A"],
    ],
)
def test_what_is_no_usage_is_told(arguments, tmp_path):
    assert tincall("devices", *arguments, "--data", tmp_path).exit_code == 2


def test_a_second_board_is_shown_with_the_way_out(capsys):
    second = {
        "sn": "DE-6", "why": "counter_rollback", "uid": "ff", "counter": 7, "address": "192.0.2.9", "firmware": "1.0",
        "epoch": 3, "times": 2, "seen_s": 1_790_000_000,
    }  # fmt: skip
    standing = {
        "claim": None, "sn": "DE-6", "state": "conflict", "kv": 1, "key_s": 1_790_000_000, "next_key_s": 0, "uid": "aa",
        "cert_until_s": 0,
        "counter": 9, "epoch": 4, "linked": False, "address": "",
        "second_board": second,
    }  # fmt: skip
    crash = {"kind": "crash", "text": "KeyError: 'x'", "at_s": 0, "received_ms": 1_790_000_000_000}
    subject._show_one(Console(soft_wrap=True), {"device": {"name": "Gate"}, "standing": standing, "events": [crash]})
    shown = capsys.readouterr().out
    assert "KeyError: 'x'" in shown
    for words in ("two boards use its serial number", "192.0.2.9", "an older or copied memory", "chip ff", "chip aa"):
        assert words in shown
    assert "tincall devices resume DE-6" in shown and "tincall devices --forget DE-6" in shown


@pytest.mark.parametrize("number", ["../calls", ".", "a/b", "%2e", "ü", "x" * 129])
def test_a_number_cannot_climb_out_of_its_path(shared_relay, number):
    result = tincall("devices", "--forget", number, "--data", shared_relay)
    assert (result.exit_code, f"{number!r} is no serial number" in result.stderr) == (2, True)


def test_a_revoked_board_waits_for_no_key(shared_relay):
    def told():
        shown = tincall("devices", "--data", shared_relay).stdout
        return next(line for line in shown.splitlines() if "DE-9" in line)

    with Client(shared_relay) as client:
        client.post("/v1/devices", {"sn": "DE-9"})
        client.post("/v1/devices/DE-9/rotate", {})
        assert "new one waits" in told()
        client.post("/v1/devices/DE-9/revoke", {})
        assert "new one waits" not in told()
        client.delete("/v1/devices/DE-9")


def test_nothing_enrolled_says_what_to_do(monkeypatch):
    class Empty:
        def __init__(self, data):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def get(self, path):
            return {"devices": []}

    monkeypatch.setattr("tincall.cli.devices.Client", Empty)
    assert "tincall enrol" in tincall("devices").stdout

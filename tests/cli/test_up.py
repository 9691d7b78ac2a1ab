"""`tincall up` before there is a board: wrong usage, a relay that runs or does not, and this computer's address."""

import ipaddress
import json

import pytest
from commands import document, tincall

from tincall.cli import up
from tincall.cli.client import READY_FILE
from tincall.errors import OperatorError
from tincall.settings import DataFolder


@pytest.mark.parametrize(
    "words", [("--emulated", "--port", "/dev/ttyX"), ("ESP32S3_INMP441_MAX98357A", "--emulated"), ("--sn", "not one")]
)
def test_wrong_usage_ends_with_two_and_makes_nothing(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert tincall("up", *words).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_none_is_told_and_no_relay_is_started(tmp_path, monkeypatch, shared_relay):
    monkeypatch.chdir(tmp_path)
    done = tincall("up", "EMULATED", "--port", "/dev/none", "--data", shared_relay, "--json")
    assert done.exit_code == 1
    found = document(done)
    assert [(step["name"], step["state"]) for step in found["steps"]] == [("relay", "done"), ("install", "failed")]
    assert "/dev/none" in found["error"]["message"] and found["error"]["hint"]


def test_a_board_that_nobody_knows_is_wrong_usage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = tincall("up", "NONESUCH", "--data", tmp_path / "data", "--json")
    assert (done.exit_code, document(done)["steps"]) == (2, [])
    assert not (tmp_path / "data").exists()


def test_what_a_killed_relay_left_is_no_relay(tmp_path, shared_relay):
    assert tincall("init", "--data", tmp_path / "data").exit_code == 0
    folder = DataFolder(tmp_path / "data")
    assert not up._runs(folder)
    (tmp_path / "data" / READY_FILE).write_text(json.dumps({"web_port": 1, "device_port": 1}))
    assert not up._runs(folder)
    assert up._runs(DataFolder(shared_relay))


def test_this_computers_address_is_one_that_others_can_use():
    try:
        address = ipaddress.ip_address(up.own_address())
    except OperatorError as none:
        assert none.hint
    else:
        assert not address.is_unspecified

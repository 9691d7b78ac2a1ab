"""`tincall claim`: the code is shown once, the ticket is no secret, what goes wrong leaves nothing half."""

import json
import subprocess

import pytest
from commands import document, tincall

from tincall.cli import claim as subject
from tincall.cli import devices
from tincall.relay import claim_code, claimer


def claimed(data, sn, *more):
    return tincall("claim", "--data", data, "--sn", sn, "--json", *more)


def listed(data):
    return {device["sn"]: device for device in document(tincall("devices", "--data", data, "--json"))["devices"]}


def test_the_code_is_shown_and_the_ticket_holds_all_but_it(shared_relay, tmp_path):
    file = tmp_path / "ticket.json"
    told = document(claimed(shared_relay, "CL-1", "--file", file, "--model", "door-2", "--name", "Back door"))
    code = told.pop("code")
    assert len(claim_code.read(code)) == 16
    ticket = json.loads(file.read_text())
    assert told.pop("expires_s") - told["time"] == 24 * 3600
    assert ticket == told
    ready = json.loads((shared_relay / "ready.json").read_text())
    assert (ticket["host"], ticket["port"], ticket["name"]) == ("127.0.0.1", ready["device_port"], "127.0.0.1")
    assert ticket["ca"] == (shared_relay / "ca.pem").read_text()
    assert (ticket["sn"], ticket["model_id"]) == ("CL-1", "door-2")
    device = listed(shared_relay)["CL-1"]
    assert (device["state"], device["name"], device["model_id"]) == ("new", "Back door", "door-2")
    found = subprocess.run(["grep", "-rlF", code, shared_relay], capture_output=True, text=True, check=False)
    assert found.stdout == "", "the relay keeps it sealed only"


def test_a_person_sees_the_code_and_what_to_do(shared_relay, tmp_path):
    result = tincall("claim", "--data", shared_relay, "--sn", "CL-2", "--file", tmp_path / "t.json")
    code = next(line.strip() for line in result.stdout.splitlines() if line.count("-") == 6)
    assert claim_code.read(code)
    assert f"tincall emulate --folder FOLDER --claim {tmp_path / 't.json'}" in result.stdout
    again = tincall("claim", "--data", shared_relay, "--sn", "CL-2", "--hours", "1", "--file", tmp_path / "u.json")
    assert again.exit_code == 0 and code not in again.stdout and "from before are worth nothing" in again.stdout


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        (("--sn", "no number"), 2, "no serial number"),
        (("--sn", "CL-3", "--host", "elsewhere.example"), 2, "not for elsewhere.example"),
        (("--sn", "CL-3", "--hours", "0"), 2, "hours"),
        (("--sn", "CL-3", "--hours", "721"), 2, "hours"),
        (("--sn", "CL-3", "--file", "/"), 2, "there already"),
        (("--sn", "CL-3", "--model", "m/1", "--json"), 1, "model_id"),
        (("--sn", "CL-3"), 2, "no use without its ticket"),
        (("--sn", "CL-3", "--file", "/proc/ticket.json"), 1, "cannot be written"),
    ],
)
def test_what_cannot_be_is_told_and_enrols_nothing(shared_relay, more, status, said):
    result = tincall("claim", "--data", shared_relay, *more)
    assert result.exit_code == status and said in " ".join(result.stderr.split())
    assert "CL-3" not in listed(shared_relay)


def test_how_a_claim_stands_is_shown_with_its_device(shared_relay):
    claimed(shared_relay, "CL-5")
    assert "was not used yet" in tincall("devices", "show", "CL-5", "--data", shared_relay).stdout
    stands = document(tincall("devices", "show", "CL-5", "--data", shared_relay, "--json"))["standing"]
    assert stands["claim"]["uid"] == "" and stands["claim"]["expires_s"] > 1_700_000_000
    assert "Chip aa has claimed its key" in devices._claim({"uid": "aa", "expires_s": 1_790_000_000}, 1_780_000_000)
    late = devices._claim({"uid": "", "expires_s": 1_790_000_000}, 1_790_000_000)
    assert "ended" in late and "tincall claim" in late


def test_a_ticket_that_cannot_be_written_shows_no_code(shared_relay, tmp_path):
    result = claimed(shared_relay, "CL-4", "--file", tmp_path / "none" / "ticket.json")
    assert result.exit_code == 1 and "cannot be written" in result.stderr
    assert result.stdout.count("code") == 0 and "CL-4" not in listed(shared_relay)


def test_a_claim_that_is_refused_leaves_no_file_and_the_one_before_as_it_was(shared_relay, tmp_path):
    claimed(shared_relay, "CL-6")
    before = document(tincall("devices", "show", "CL-6", "--data", shared_relay, "--json"))["standing"]
    assert claimed(shared_relay, "CL-6", "--file", tmp_path / "t.json", "--model", "other").exit_code == 1
    assert claimed(shared_relay, "CL-6", "--file", tmp_path / "none" / "t.json").exit_code == 1
    assert list(tmp_path.iterdir()) == []
    assert document(tincall("devices", "show", "CL-6", "--data", shared_relay, "--json"))["standing"] == before


def test_the_longest_time_is_the_relays():
    assert subject.HOURS_MAX == claimer.HOURS_MAX

"""`tincall provision` on a board on a cable, with a real relay: what it does, shows, and never shows."""

import json
import re
import time
from pathlib import Path

import pytest
from commands import document, tincall
from provisioned import provisioned, standing, states
from support.ready_boards import ready
from support.wired import PATIENCE_S, wired

from tincall.cli import provision as command
from tincall.cli.client import Client
from tincall.errors import OperatorError
from tincall.settings import DataFolder

STEPS = ["firmware", "flash", "enrolled", "identity", "WiFi", "verified", "setup page"]


def linked(data, sn):
    """Wait until a board has a link."""
    until_s = time.monotonic() + PATIENCE_S
    with Client(data) as client:
        while client.get(f"/v1/devices/{sn}")["link"] is None:
            assert time.monotonic() < until_s
            time.sleep(0.1)


def test_a_bare_board_is_given_everything_and_a_second_time_nothing(shared_relay, tmp_path):
    with wired(ready(tmp_path / "b")) as live:
        status, found = provisioned(shared_relay, live, "P-FRESH", "--check")
        assert (status, found["done"], found["changed"]) == (1, False, False)
        assert [step for step, state in states(found).items() if state == "open"] == [
            "enrolled",
            "identity",
            "verified",
            "setup page",
        ]
        with pytest.raises(OperatorError, match="P-FRESH"):
            standing(shared_relay, "P-FRESH")

        status, found = provisioned(shared_relay, live, "P-FRESH", "--name", "Door")
        assert (status, list(states(found))) == (0, STEPS)
        assert states(found)["verified"] == "made" and found["verified"]["verify_ms"] > 0
        assert found["phone"]["phones"] == ["alice"]
        known = tincall("provision", "--data", shared_relay, "--port", live.port, "--check", "--json")
        assert (known.exit_code, document(known)["sn"]) == (0, "P-FRESH")  # it has its number
        before = standing(shared_relay, "P-FRESH")
        assert (before["state"], before["uid"]) == ("active", found["uid"])
        linked(shared_relay, "P-FRESH")  # the firmware runs again

        status, again = provisioned(shared_relay, live, "P-FRESH")
        assert (status, again["changed"], set(states(again).values())) == (0, False, {"done"})
        assert len(found["setup_password"]) == 10 and again["setup_password"] == found["setup_password"]
        assert provisioned(shared_relay, live, "P-FRESH", "--check")[0] == 0
        assert standing(shared_relay, "P-FRESH")["kv"] == before["kv"]
        with Client(shared_relay) as client:
            assert client.get("/v1/devices/P-FRESH")["name"] == "Door"
    log = (tmp_path / "b" / "board.log").read_text()
    assert not re.search(r'"key": "[0-9a-f]{64}', log)


def key_of(folder):
    """Give the key that lies in an emulated board's non-volatile storage."""
    nvs = json.loads((folder / "nvs.json").read_text())
    return re.search(rb'"key": "([0-9a-f]{64})"', bytes.fromhex(nvs["tincall"]["identity"][1]))[1].decode()


def test_the_key_is_in_no_output_and_in_no_log(shared_relay, tmp_path):
    with wired(ready(tmp_path / "b")) as live:
        done = tincall("provision", "--data", shared_relay, "--port", live.port, "--sn", "P-QUIET")
        assert done.exit_code == 0
    key = key_of(tmp_path / "b")
    assert key not in done.output + (tmp_path / "b" / "board.log").read_text()
    assert all(key.encode() not in path.read_bytes() for path in Path(shared_relay).iterdir() if path.is_file())


def test_what_is_wrong_at_the_relay_is_told_before_a_board_is_interrupted(shared_relay, tmp_path):
    assert tincall("init", "--data", tmp_path / "still").exit_code == 0
    for data, more, status, says in (
        (tmp_path / "still", (), 1, "no relay"),
        (tmp_path / "none", (), 2, "tincall init"),
        (shared_relay, ("--host", "relay.example"), 2, "relay.example"),
    ):
        done = tincall("provision", "--data", data, "--port", "/dev/none", "--sn", "P-NO", *more)
        assert done.exit_code == status and says in done.stderr
    done = tincall("provision", "--data", shared_relay, "--port", "/dev/none", "--sn", "P-NO")
    assert done.exit_code == 1 and "/dev/none" in done.stderr
    assert tincall("provision", "--data", shared_relay, "--port", "/dev/none", "--sn", "P NO").exit_code == 2


def test_where_there_is_a_mini_program_a_code_is_made_until_somebody_has_come(mini_relay):
    with Client(mini_relay) as client:
        client.post("/v1/devices", {"sn": "P-MINI", "model_id": "tincall", "name": ""})
        found = command.phone_side(client, DataFolder(mini_relay), "P-MINI")
    assert found["invite"] and found["contacts"] == 0


def test_a_code_is_drawn_on_a_terminal_alone(capsys):
    from rich.console import Console

    command.draw("ABCD-EFGH", Console(force_terminal=False))
    assert capsys.readouterr().out == ""
    command.draw("ABCD-EFGH", Console(force_terminal=True))
    assert "█" in capsys.readouterr().out or "▄" in capsys.readouterr().out

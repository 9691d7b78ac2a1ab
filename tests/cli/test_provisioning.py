"""The steps on a board on a cable, with a real relay: cut anywhere and taken again, and each thing that can be wrong."""

import json
import random

import pytest
from commands import tincall
from provisioned import provisioned, standing, states
from support.ready_boards import ready
from support.wired import wired

from tincall.cli.client import Client
from tincall.emulator.troubles import Troubles
from tincall.errors import OperatorError
from tincall.workbench import facts, provision
from tincall.workbench.serial_board import SerialBoard


def cut_and_again(data, folder, sn, after):
    """Pull the cable after so many bytes; the second run has to bring everything about."""
    ready(folder)
    with wired(folder, Troubles(unplug_after_bytes=after)) as live:
        status, found = provisioned(data, live, sn)
        assert status == 1 and found["error"]["hint"]
    with wired(folder) as live:
        status, found = provisioned(data, live, sn)
        assert status == 0, found.get("error")
        assert provisioned(data, live, sn, "--check")[0] == 0
    assert standing(data, sn)["uid"] == found["uid"]


@pytest.fixture(scope="module")
def whole_bytes(shared_relay, tmp_path_factory):
    """Count the bytes that go to a board that is provisioned without a cut."""
    with wired(ready(tmp_path_factory.mktemp("whole") / "b")) as live:
        return provisioned(shared_relay, live, "P-WHOLE")[1]["wire"]["sent"]


def test_a_cut_anywhere_is_mended_by_running_it_again(shared_relay, tmp_path, whole_bytes):
    for part in (0.05, 0.45, 0.6, 0.7, 0.9):
        after = int(whole_bytes * part)
        cut_and_again(shared_relay, tmp_path / str(after), f"P-CUT-{after}", after)


@pytest.mark.long
def test_cuts_at_random_bytes_are_mended(shared_relay, tmp_path, whole_bytes):
    chance = random.Random(6)
    for number in range(50):
        cut_and_again(shared_relay, tmp_path / str(number), f"P-LONG-{number}", chance.randrange(1, whole_bytes - 40))


def test_what_an_ended_run_left_at_the_relay_is_taken_up(shared_relay, tmp_path, monkeypatch):
    def interrupted(board, fields):
        raise KeyboardInterrupt

    with wired(ready(tmp_path / "b")) as live, Client(shared_relay) as client:
        with monkeypatch.context() as broken:
            broken.setattr(provision, "write_identity", interrupted)
            assert tincall("provision", "--data", shared_relay, "--port", live.port, "--sn", "P-LEFT").exit_code == 130
        with pytest.raises(OperatorError):
            client.get("/v1/devices/P-LEFT")  # taken back
        # and when it was not even granted that
        client.post("/v1/devices", {"sn": "P-LEFT", "model_id": "m-7", "name": "Gate"})
        status, found = provisioned(shared_relay, live, "P-LEFT")
        assert (status, states(found)["enrolled"]) == (0, "made")
        kept = client.get("/v1/devices/P-LEFT")
        assert (kept["name"], kept["model_id"]) == ("Gate", "m-7")


def test_a_key_that_the_relay_does_not_know_is_replaced_if_nobody_used_its_own(shared_relay, tmp_path):
    with wired(ready(tmp_path / "b")) as live, Client(shared_relay) as client:
        assert provisioned(shared_relay, live, "P-STALE")[0] == 0
        client.delete("/v1/devices/P-STALE")
        client.post("/v1/devices", {"sn": "P-STALE", "model_id": "tincall", "name": ""})  # number 1, as the board's
        status, found = provisioned(shared_relay, live, "P-STALE")
        assert status == 0, found.get("error")
        assert (states(found)["enrolled"], found["verified"]["kv"]) == ("made", 1)


def test_another_boards_number_and_another_number_for_a_board_are_refused(shared_relay, tmp_path):
    with wired(ready(tmp_path / "a")) as live:
        assert provisioned(shared_relay, live, "P-TAKEN")[0] == 0
        status, found = provisioned(shared_relay, live, "P-ELSE")
        assert (status, states(found)["enrolled"]) == (1, "failed") and "--again" in found["error"]["hint"]
    with wired(ready(tmp_path / "b")) as live:
        status, found = provisioned(shared_relay, live, "P-TAKEN", "--again")
        assert status == 1 and "another board" in found["error"]["message"]
    assert standing(shared_relay, "P-TAKEN")["state"] == "active"


def test_a_board_that_lost_its_key_gets_one_when_the_operator_says_so(shared_relay, tmp_path):
    with wired(ready(tmp_path / "b")) as live:
        assert provisioned(shared_relay, live, "P-LOST")[0] == 0
    (tmp_path / "b" / "nvs.json").unlink()
    uid = (tmp_path / "b" / "uid").read_text()
    again = ready(tmp_path / "c")
    (again / "uid").write_text(uid)
    with wired(again) as live:
        status, found = provisioned(shared_relay, live, "P-LOST")
        assert status == 1 and "--again" in found["error"]["hint"]
        assert provisioned(shared_relay, live, "P-LOST", "--again")[0] == 0


def world(folder, **networks):
    heard = [{"ssid": ssid, "key": key, "rssi": -50} for ssid, key in networks.items()]
    (folder / "wifi.json").write_text(json.dumps({"networks": heard, "join_ms": 0}))


def test_a_wifi_is_tried_before_the_old_one_is_given_up(shared_relay, tmp_path):
    folder, secret = ready(tmp_path / "b"), tmp_path / "key"
    world(folder, home="password-1", shop="password-2")
    secret.touch(0o600)
    secret.write_text("password-2\n")
    with wired(folder) as live:
        status, found = provisioned(shared_relay, live, "P-WIFI")
        assert (status, found["error"]["status"]) == (2, 2) and "--wifi SSID" in found["error"]["hint"]
        status, found = provisioned(shared_relay, live, "P-WIFI", "--wifi", "home", typed="password-wrong\n")
        assert (status, states(found)["verified"]) == (1, "failed") and "password" in found["error"]["message"]
        assert "password-wrong" not in json.dumps(found)
        status, found = provisioned(shared_relay, live, "P-WIFI", "--wifi", "home", typed="password-1\n")
        assert (status, found["verified"]["ssid"]) == (0, "home")
        status, found = provisioned(shared_relay, live, "P-WIFI", "--wifi", "shop", typed="password-3\n")
        assert (status, states(found)["WiFi"]) == (1, "failed") and "in home" in found["error"]["message"]
        status, found = provisioned(shared_relay, live, "P-WIFI", "--wifi", "shop", "--wifi-key-file", secret)
        assert (status, found["verified"]["ssid"]) == (0, "shop")
        assert provisioned(shared_relay, live, "P-WIFI", "--check")[1]["steps"][4]["said"] == "shop, home"
        secret.chmod(0o644)
        assert provisioned(shared_relay, live, "P-WIFI", "--wifi", "shop", "--wifi-key-file", secret)[0] == 2


def test_a_clock_far_ahead_is_told_with_its_date(shared_relay, tmp_path):
    with wired(ready(tmp_path / "b"), clock_s=4_000_000_000) as live:
        status, found = provisioned(shared_relay, live, "P-CLOCK")
    assert status == 1 and "2096-10" in found["error"]["hint"]


def test_a_board_without_firmware_or_with_fat_is_refused_and_nothing_is_enrolled(shared_relay, tmp_path, monkeypatch):
    with wired(tmp_path / "bare") as live:
        status, found = provisioned(shared_relay, live, "P-BARE")
        assert status == 1 and "tincall install" in found["error"]["hint"]
    asked = SerialBoard.facts
    with wired(ready(tmp_path / "fat")) as live:
        monkeypatch.setattr(
            SerialBoard, "facts", lambda self: facts.Facts(**{**asked(self).__dict__, "file_system": "fat"})
        )
        status, found = provisioned(shared_relay, live, "P-BARE")
        assert status == 1 and "tincall flash EMULATED" in found["error"]["hint"]
    with pytest.raises(OperatorError):
        standing(shared_relay, "P-BARE")


def test_a_relay_that_moved_is_written_to_the_board(shared_relay, tmp_path):
    with wired(ready(tmp_path / "b")) as live:
        assert provisioned(shared_relay, live, "P-MOVE")[0] == 0
        with SerialBoard.open(live.port) as board:
            provision.write_identity(board, {"port": 9})
            board.restart()
        status, found = provisioned(shared_relay, live, "P-MOVE", "--check")
        assert (status, states(found)["identity"]) == (1, "open")
        status, found = provisioned(shared_relay, live, "P-MOVE")
        assert (status, states(found)["enrolled"], states(found)["identity"]) == (0, "done", "made")

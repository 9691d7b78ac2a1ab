"""`tincall doctor` on a board on a cable, with a real relay: all is well, then one thing after the other is made wrong."""

import datetime
import json
import re

import numpy as np
import pytest
from commands import document, tincall
from provisioned import provisioned
from support.ready_boards import ready
from support.wired import wired

from tincall import plugs, wav
from tincall.cli import doctor as command
from tincall.emulator.control import BoardControl
from tincall.relay import authority
from tincall.workbench import ports, provision
from tincall.workbench.doctor import BoardDoctor
from tincall.workbench.findings import Round
from tincall.workbench.serial_board import SerialBoard

FORGET = """
from handset import places,wlan
from handset.store import Store
import board
Store(places.open_places(board)).forget(wlan.NETWORKS)
"""
SOUNDS = ("microphone", "speaker", "loop-back")


@pytest.fixture(scope="module")
def live(shared_relay, tmp_path_factory):
    """A board in a room, provisioned; its identity is put back after each test."""
    with wired(ready(tmp_path_factory.mktemp("doctor") / "b"), room_db=20.0) as running:
        assert provisioned(shared_relay, running, "DOC-1")[0] == 0
        yield running


@pytest.fixture
def board(live):
    with SerialBoard.open(live.port) as opened:
        before = provision.standing(opened).identity
        yield opened
        provision.write_identity(opened, {name: before[name] for name in ("host", "port", "name")})


def looked(board, *sounds):
    """Walk the checks of an open board, those of sound only as far as they are named."""
    walk = Round(lambda group, name: None, lambda result: None)
    checks = BoardDoctor(board.path, lambda: board).checks()
    walk.walk("board", [one for one in checks if one.name not in SOUNDS or one.name in sounds])
    return {one.name: one.finding for one in walk.results}


def wrong(found):
    return [(name, one.said) for name, one in found.items() if one.state == "wrong"]


def test_all_of_it_on_an_emulated_board_and_no_key_is_told(shared_relay, live):
    done = tincall("doctor", "--data", shared_relay, "--port", live.port, "--json")
    found = document(done)
    assert done.exit_code == 0 and found["ok"] and found["cause"] == "", found
    states = {(one["group"], one["name"]): one["state"] for one in found["checks"]}
    # what other tests have done to boards of this relay is `refusals`
    odd = {name: state for (_, name), state in states.items() if state != "ok" and name != "refusals"}
    assert odd == {"names": "note", "memory for TLS": "not tried", "mini program": "note"}
    assert [group for group in dict.fromkeys(group for group, _ in states)] == ["relay", "board", "platform"]
    figures = {one["name"]: one["figures"] for one in found["checks"]}
    assert figures["loop-back"]["rise_db"] > 30 and figures["verification"]["verify_ms"] > 0
    nvs = json.loads((live.folder / "nvs.json").read_text())
    key = re.search(rb'"key": "([0-9a-f]{64})"', bytes.fromhex(nvs["tincall"]["identity"][1]))[1].decode()
    assert key not in done.output + (live.folder / "board.log").read_text()


def test_a_wrong_host_a_wrong_port_a_wrong_name_and_a_wrong_ca_are_each_named(board):
    host = provision.standing(board).identity
    for change, name, says in (
        ({"host": "name.invalid"}, "way to the relay", "does not resolve"),
        ({"port": 1}, "way to the relay", "nothing listens"),
        ({"name": "relay.example"}, "TLS", "another name"),
    ):
        provision.write_identity(board, change)
        ((cause, said),) = wrong(looked(board))
        assert cause == name and says in said
        provision.write_identity(board, {name: host[name] for name in ("host", "port", "name")})
    ca = board.run("from handset import identity,places\nimport board\nfrom handset.store import Store\n"
                   "print(json.dumps(identity.read(Store(places.open_places(board)))['ca']))")  # fmt: skip
    now = datetime.datetime.now(datetime.UTC)
    provision.write_identity(board, {"ca": authority.new_ca(now, now)[1].decode()})
    ((cause, said),) = wrong(looked(board))
    assert cause == "TLS" and "not signed by our trust anchor" in said
    provision.write_identity(board, {"ca": json.loads(ca)})
    assert wrong(looked(board)) == []


def test_a_damaged_copy_is_mended_and_told(board):
    board.run("with open('identity.bin','wb') as f:f.write(b'rot')")
    found = looked(board)
    assert found["records"].state == "note" and "identity" in found["records"].said and wrong(found) == []


def test_a_missing_file_is_named(board):
    board.run("import os\nos.rename('/lib/handset/tones.mpy','/tones')")
    ((cause, said),) = wrong(looked(board))
    assert cause == "firmware" and "/lib/handset/tones.mpy" in said
    board.run("os.rename('/tones','/lib/handset/tones.mpy')")


def test_a_wrong_password_and_a_weak_signal_are_named(live, board):
    world = {"networks": [{"ssid": "home", "key": "right password", "rssi": -80}]}
    (live.folder / "wifi.json").write_text(json.dumps(world))
    try:
        provision.write_network(board, "home", "wrong password")
        ((cause, said),) = wrong(looked(board))
        assert cause == "WiFi" and "does not take our password" in said and "wrong password" not in said
        provision.write_network(board, "home", "right password")
        found = looked(board)
        assert wrong(found) == [] and found["signal"].state == "note" and "-80 dBm" in found["signal"].said
        assert "It joined home" in found["WiFi"].said
    finally:
        (live.folder / "wifi.json").unlink()
        board.run(FORGET)


def test_a_microphone_that_clips_is_told(live, board, tmp_path):
    clip = tmp_path / "loud.wav"
    wav.save(clip, np.tile(np.array([32767] * 8 + [-32768] * 8, dtype="<i2"), 2000), 16000)
    with BoardControl(live.folder) as control:
        control.play(clip)
    ((cause, said),) = wrong(looked(board, "microphone"))
    assert cause == "microphone" and "clips" in said


def test_a_silent_microphone_is_told(tmp_path):
    with wired(ready(tmp_path / "b")) as silent, SerialBoard.open(silent.port) as board:
        found = looked(board, *SOUNDS)
        assert [name for name, _ in wrong(found)] == ["identity", "microphone"]
        assert "nothing but zeros" in found["microphone"].said and "--room" in found["microphone"].todo
        assert found["speaker"].state == "ok" and found["loop-back"].state == "not tried"


def test_the_first_wrong_one_is_named_and_the_status_is_1(tmp_path, monkeypatch):
    monkeypatch.setattr(plugs, "plugged", list)
    monkeypatch.setattr(ports, "ports", list)
    assert tincall("init", "--data", tmp_path / "d").exit_code == 0
    done = tincall("doctor", "--data", tmp_path / "d")
    assert done.exit_code == 1
    assert "Begin with relay, running." in done.stdout and "no board is plugged in" in done.stdout.lower()
    assert done.stdout.index("Relay") < done.stdout.index("Board") < done.stdout.index("Platform")
    found = document(tincall("doctor", "--data", tmp_path / "d", "--json"))
    assert found["cause"] == "relay: running" and not found["ok"]


def test_a_port_that_is_not_there_is_wrong_and_wrong_usage_is_2(tmp_path):
    done = tincall("doctor", "--data", tmp_path / "none", "--port", "/dev/none", "--json")
    assert done.exit_code == 1 and document(done)["cause"] == "board: port"
    asked = tincall("doctor", "--ask", "--data", tmp_path / "none")
    assert asked.exit_code == 2 and "terminal" in asked.stderr
    assert command.MARKS.keys() == {"ok", "note", "wrong", "not tried"}

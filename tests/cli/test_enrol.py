"""`tincall enrol`: the board's record is what its firmware reads, the key goes nowhere else, failures leave nothing."""

import json
import subprocess
import sys

import pytest
from commands import document, tincall

from callcore import record
from tincall.cli import enrol
from tincall.cli.client import Client
from tincall.emulator.folder import BoardFolder
from tincall.errors import OperatorError
from tincall.settings import DataFolder

FIELDS = {
    "sn": "SN-1", "model_id": "m", "kv": 1, "key": "ab" * 32, "host": "127.0.0.1", "port": 8443, "name": "127.0.0.1",
    "ca": "-----BEGIN CERTIFICATE-----\n",
}  # fmt: skip

# what the board does with the record: the firmware's own files, in a process of their own since the host imports none of them
READER = """
import sys
sys.path.insert(0, "firmware")
from handset import identity
from handset.store import Store
store = Store(sys.argv[1])
who = identity.load(store)
counter = identity.Counter(store, who.store_key).draw()
print(who.sn, who.model_id, who.kv, who.host, who.port, who.name, len(who.anchor), counter)
"""


def read(flash):
    done = subprocess.run([sys.executable, "-c", READER, flash], capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr


def enrolled(data, sn, board, *more):
    return tincall("enrol", "--data", data, "--sn", sn, "--board", board, "--json", *more)


def listed(data):
    return {device["sn"]: device for device in document(tincall("devices", "--data", data, "--json"))["devices"]}


def test_a_board_is_enrolled_and_its_firmware_reads_who_it_is(shared_relay, tmp_path):
    board = tmp_path / "board"
    result = enrolled(shared_relay, "EN-1", board, "--model", "door-2", "--name", "Front door")
    told = document(result)
    assert (told["sn"], told["name"], told["host"]) == ("EN-1", "Front door", "127.0.0.1")
    ready = json.loads((shared_relay / "ready.json").read_text())
    ca = (shared_relay / "ca.pem").read_bytes()
    assert read(board / "flash") == f"EN-1 door-2 1 127.0.0.1 {ready['device_port']} 127.0.0.1 {len(ca)} 1"
    assert listed(shared_relay)["EN-1"]["state"] == "new"
    body = record.unpack((board / "flash" / "identity.a").read_bytes(), enrol.IDENTITY_KIND, b"")[1]
    key = json.loads(body)["key"]
    assert key not in result.stdout + result.stderr
    assert ((board / "flash" / "identity.a").stat().st_mode & 0o077) == 0


def test_a_number_is_enrolled_once_and_the_board_keeps_its_identity(shared_relay, tmp_path):
    enrolled(shared_relay, "EN-2", tmp_path / "one")
    before = (tmp_path / "one" / "flash" / "identity.a").read_bytes()
    for board in ("one", "two"):
        result = enrolled(shared_relay, "EN-2", tmp_path / board)
        assert result.exit_code == 1
        assert "already enrolled" in result.stderr
    assert (tmp_path / "one" / "flash" / "identity.a").read_bytes() == before
    assert list((tmp_path / "two" / "flash").iterdir()) == []


def test_a_board_takes_a_new_identity_with_a_counter_of_its_own(shared_relay, tmp_path):
    enrolled(shared_relay, "EN-3", tmp_path)
    assert read(tmp_path / "flash").startswith("EN-3")
    assert read(tmp_path / "flash").endswith(" 65"), "the counter goes on"
    enrolled(shared_relay, "EN-4", tmp_path)
    assert read(tmp_path / "flash").startswith("EN-4")
    assert (tmp_path / "flash" / "identity.b").exists()


def test_a_record_that_cannot_be_written_takes_the_enrolment_back(shared_relay, tmp_path, monkeypatch):
    def full(flash, fields):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(enrol, "write_identity", full)
    result = enrolled(shared_relay, "EN-5", tmp_path)
    assert result.exit_code == 1
    assert "No space left" in result.stderr
    assert "EN-5" not in listed(shared_relay)


def test_a_running_board_is_left_alone(shared_relay, tmp_path):
    folder = BoardFolder(tmp_path)
    folder.take()
    result = enrolled(shared_relay, "EN-6", tmp_path)
    folder.release()
    assert result.exit_code == 1
    assert "runs in" in result.stderr
    assert "EN-6" not in listed(shared_relay)


def test_a_host_that_the_certificate_is_not_for_is_refused(shared_relay, tmp_path):
    result = enrolled(shared_relay, "EN-7", tmp_path, "--host", "elsewhere.local")
    assert result.exit_code == 2
    assert "not for elsewhere.local" in result.stderr
    assert "EN-7" not in listed(shared_relay)
    assert document(enrolled(shared_relay, "EN-7", tmp_path, "--host", "localhost"))["host"] == "localhost"


@pytest.mark.parametrize("sn", ["", "a b", "a" * 129])
def test_bad_numbers_are_refused_by_the_relay_too(shared_relay, sn):
    with Client(shared_relay) as client, pytest.raises(OperatorError, match="sn:"):
        client.post("/v1/devices", {"sn": sn})


def test_without_a_running_relay_an_open_port_is_asked_for(tmp_path, monkeypatch):
    data = tmp_path / "data"
    tincall("init", "--data", data, "--host", "box.local")
    assert enrol.address(DataFolder(data)) == {"host": "box.local", "port": 8443}
    monkeypatch.setenv("TINCALL__DEVICE__PORT", "0")
    with pytest.raises(OperatorError, match="not known"):
        enrol.address(DataFolder(data))


def test_writing_alternates_between_the_slots_and_keeps_the_newest(tmp_path):
    for number in range(1, 6):
        enrol.write_identity(tmp_path, FIELDS | {"sn": f"SN-{number}"})
        assert read(tmp_path).startswith(f"SN-{number} ")
    assert {path.name for path in tmp_path.iterdir()} >= {"identity.a", "identity.b"}


def test_a_damaged_copy_does_not_stand_in_the_way(tmp_path):
    enrol.write_identity(tmp_path, FIELDS)
    (tmp_path / "identity.b").write_bytes(b"torn")
    enrol.write_identity(tmp_path, FIELDS | {"sn": "SN-2"})
    assert read(tmp_path).startswith("SN-2 ")


def test_a_later_firmwares_record_is_left_alone(tmp_path):
    enrol.write_identity(tmp_path, FIELDS)
    blob = bytearray((tmp_path / "identity.a").read_bytes())
    blob[4], blob[5] = record.FORMAT + 1, (record.FORMAT + 1) ^ 0xFF
    (tmp_path / "identity.a").write_bytes(blob)
    with pytest.raises(OperatorError, match="later firmware"):
        enrol.write_identity(tmp_path, FIELDS)
    assert (tmp_path / "identity.a").read_bytes() == blob


@pytest.mark.parametrize("sn", ["a b", "", "x" * 129, "tür"])
def test_what_is_no_serial_number_is_told_before_anything_is_made(tmp_path, sn):
    result = tincall("enrol", "--data", tmp_path / "data", "--sn", sn, "--board", tmp_path / "board")
    assert result.exit_code == 2
    assert "no serial number" in result.stderr and "0-9 A-Z" in result.stderr
    assert list(tmp_path.iterdir()) == []

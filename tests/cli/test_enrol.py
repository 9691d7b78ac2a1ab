"""`tincall enrol`: the board's record is what its firmware reads, the key goes nowhere else, failures leave nothing."""

import json
import subprocess
import sys

import pytest
from commands import document, tincall

from callcore import record
from tincall.cli import enrol
from tincall.cli.client import Client
from tincall.emulator import shelf
from tincall.emulator.child import BOARD, FAKES, FIRMWARE
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
sys.path[:0] = sys.argv[1:]
import board
from handset import identity
from handset.marks import Marks
from handset.places import open_places
from handset.store import Store
store = Store(open_places(board))
who = identity.load(store)
counter = Marks(store).draw()
print(who.sn, who.model_id, who.kv, who.host, who.port, who.name, len(who.anchor), counter)
"""


def read(folder):
    """Give what the board's own code finds in its folder; the board mends what it finds damaged."""
    paths = [str(path) for path in (FIRMWARE, BOARD, FAKES / "common", FAKES / "cpython")]
    done = subprocess.run(
        [sys.executable, "-c", READER, *paths],
        cwd=folder / "flash", env={"TINCALL_BOARD": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or done.stderr


def blobs(folder):
    """Give both copies of the identity as they lie there: of the chip's storage and of the file system."""
    nvs = json.loads((folder / "nvs.json").read_text())
    return bytes.fromhex(nvs["tincall"]["identity"][1]), (folder / "flash" / "identity.bin").read_bytes()


def enrolled(data, sn, board, *more):
    return tincall("enrol", "--data", data, "--sn", sn, "--board", board, "--json", *more)


def listed(data):
    return {device["sn"]: device for device in document(tincall("devices", "--data", data, "--json"))["devices"]}


def test_a_board_is_enrolled_and_its_firmware_reads_who_it_is(shared_relay, tmp_path):
    board = tmp_path / "board"
    result = enrolled(shared_relay, "EN-1", board, "--model", "door-2", "--name", "Front door")
    told = document(result)
    assert (told["sn"], told["name"], told["host"]) == ("EN-1", "Front door", "127.0.0.1")
    for name in ("nvs.json", "flash/identity.bin"):
        assert ((board / name).stat().st_mode & 0o077) == 0
    ready = json.loads((shared_relay / "ready.json").read_text())
    ca = (shared_relay / "ca.pem").read_bytes()
    assert read(board) == f"EN-1 door-2 1 127.0.0.1 {ready['device_port']} 127.0.0.1 {len(ca)} 1"
    assert listed(shared_relay)["EN-1"]["state"] == "new"
    key = json.loads(record.unpack(blobs(board)[0], enrol.IDENTITY[1])[1])["key"]
    assert key not in result.stdout + result.stderr


def test_a_board_gets_a_certificate_and_its_private_key_is_nowhere_else(shared_relay, tmp_path):
    result = enrolled(shared_relay, "EN-M", tmp_path, "--profile", "mtls")
    assert document(result)["profile"] == "mtls" == listed(shared_relay)["EN-M"]["profile"]
    fields = json.loads(record.unpack(blobs(tmp_path)[0], enrol.IDENTITY[1])[1])
    assert fields["cert"].startswith("MII") and len(bytes.fromhex(fields["key"])) == 32
    assert fields["key"] not in result.stdout + result.stderr
    assert read(tmp_path).startswith("EN-M")
    database = b"".join(path.read_bytes() for path in shared_relay.glob("tincall.db*"))
    assert bytes.fromhex(fields["key"]) not in database


def test_what_would_not_fit_with_the_next_certificate_is_not_enrolled(shared_relay, tmp_path):
    short, long = ({**FIELDS, "time": 1, "cert": "M" * 660, "host": "h" * n, "name": "h" * n} for n in (100, 253))
    enrol._check_room(short)
    with pytest.raises(OperatorError, match="no room"):
        enrol._check_room({**long, "sn": "Z" * 128, "cert": "M" * 800})
    fullest = {**short, "ca": "-" * 1300 + "\n" * 100, "next": {name: short[name] for name in ("kv", "key", "cert")}}
    enrol.write_identity(BoardFolder(tmp_path), fullest)
    assert read(tmp_path).startswith("SN-1")


def test_a_number_is_enrolled_once_and_the_board_keeps_its_identity(shared_relay, tmp_path):
    enrolled(shared_relay, "EN-2", tmp_path / "one")
    before = blobs(tmp_path / "one")
    for board in ("one", "two"):
        result = enrolled(shared_relay, "EN-2", tmp_path / board)
        assert result.exit_code == 1
        assert "already enrolled" in result.stderr
    assert blobs(tmp_path / "one") == before
    assert list((tmp_path / "two" / "flash").iterdir()) == []


def test_a_board_takes_a_new_identity_and_counts_on(shared_relay, tmp_path):
    enrolled(shared_relay, "EN-3", tmp_path)
    assert read(tmp_path).startswith("EN-3")
    assert read(tmp_path).endswith(" 65"), "the counter goes on"
    enrolled(shared_relay, "EN-4", tmp_path)
    told = read(tmp_path)
    assert told.startswith("EN-4") and told.endswith(" 129"), "the counter belongs to the board"


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


def test_a_board_is_given_another_identity_as_often_as_one_likes(tmp_path):
    folder = BoardFolder(tmp_path)
    for number in range(1, 6):
        enrol.write_identity(folder, FIELDS | {"sn": f"SN-{number}"})
        assert read(tmp_path).startswith(f"SN-{number} ")
        one, two = blobs(tmp_path)
        assert one == two


@pytest.mark.parametrize("damaged", ["nvs.json", "flash/identity.bin"])
def test_a_damaged_copy_does_not_stand_in_the_way(tmp_path, damaged):
    folder = BoardFolder(tmp_path)
    enrol.write_identity(folder, FIELDS)
    spoil(tmp_path / damaged)
    assert read(tmp_path).startswith("SN-1 ")
    spoil(tmp_path / damaged)
    enrol.write_identity(folder, FIELDS | {"sn": "SN-2"})
    assert read(tmp_path).startswith("SN-2 ")


def spoil(path):
    """Flip a byte in the middle of a record."""
    data = bytearray(path.read_bytes())
    at = 100 if path.suffix == ".bin" else data.index(b"identity") + 200
    data[at] = ord("0") if data[at] != ord("0") else ord("1")
    path.write_bytes(data)


def test_a_count_that_no_copy_tells_any_more_goes_with_the_old_identity(tmp_path):
    folder = BoardFolder(tmp_path)
    enrol.write_identity(folder, FIELDS)
    assert read(tmp_path).endswith(" 1")
    shelf.save(folder, "marks", 3, b"of another kind")
    assert "not of kind 2" in read(tmp_path)
    enrol.write_identity(folder, FIELDS)
    assert read(tmp_path).endswith(" 1")


@pytest.mark.parametrize("place", [0, 1])
def test_a_later_firmwares_record_is_left_alone(tmp_path, place):
    folder = BoardFolder(tmp_path)
    enrol.write_identity(folder, FIELDS)
    blob = bytearray(blobs(tmp_path)[place])
    blob[4], blob[5] = record.FORMAT + 1, (record.FORMAT + 1) ^ 0xFF
    if place:
        (tmp_path / "flash" / "identity.bin").write_bytes(blob)
    else:
        (tmp_path / "nvs.json").write_text(json.dumps({"tincall": {"identity": ["blob", blob.hex()]}}))
    before = blobs(tmp_path)
    with pytest.raises(OperatorError, match="later firmware"):
        enrol.write_identity(folder, FIELDS)
    assert blobs(tmp_path) == before


@pytest.mark.parametrize("sn", ["a b", "", "x" * 129, "tür"])
def test_what_is_no_serial_number_is_told_before_anything_is_made(tmp_path, sn):
    result = tincall("enrol", "--data", tmp_path / "data", "--sn", sn, "--board", tmp_path / "board")
    assert result.exit_code == 2
    assert "no serial number" in result.stderr and "0-9 A-Z" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["not a host!", "-a.example", "a..example", "https://pool.ntp.org"])
def test_a_time_server_that_cannot_be_one_is_told_before_anything_is_made(tmp_path, name):
    result = enrolled(tmp_path / "nowhere", "EN-20", tmp_path / "board", f"--sntp={name}")
    assert (result.exit_code, "neither a host name" in result.stderr) == (2, True), result.stderr
    assert not (tmp_path / "board").exists()

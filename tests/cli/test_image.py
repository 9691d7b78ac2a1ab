"""`tincall image`: what the board finds in it, the key nowhere else, and lists that may be broken off at any moment."""

import csv
import json

import pytest
from commands import document, tincall
from support import esp_files
from support.wired import PATIENCE_S, wired

from callcore import record
from tincall.cli.enrol import IDENTITY
from tincall.emulator.control import BoardControl
from tincall.emulator.troubles import FLASH_BYTES
from tincall.workbench import batch, firmware, flash_image

CHIP = "ESP32S3_INMP441_MAX98357A"


@pytest.fixture
def chip(tmp_path):
    """Name a board with a chip, and the MicroPython file on it."""
    file = tmp_path / "micropython.bin"
    file.write_bytes(esp_files.firmware("esp32s3"))
    return CHIP, "--interpreter", file


def listed(data):
    return {device["sn"]: device for device in document(tincall("devices", "--data", data, "--json"))["devices"]}


def fields(blob):
    """Read an identity's record."""
    return json.loads(record.unpack(blob, IDENTITY[1])[1])


def identity_in(file):
    """Give the identity's fields, from the path where a chip's firmware looks."""
    return fields(flash_image.contents(file.read_bytes(), FLASH_BYTES)["/store/identity.bin"])


@pytest.fixture
def small(monkeypatch):
    """Let there be hardly any firmware, for tests that make many images."""
    monkeypatch.setattr(firmware, "files", lambda arch, board: {"/main.py": b"print()"})


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_an_image_without_identity_holds_the_firmware_and_needs_no_relay(chip, tmp_path):
    told = document(tincall("image", *chip, "--out", tmp_path / "a.img", "--json"))
    assert (told["offset"], told["partition_bytes"], told["sn"]) == (0x200000, 0x200000, None)
    held = flash_image.contents((tmp_path / "a.img").read_bytes(), told["partition_bytes"])
    marker = json.loads(held.pop("/lib/tincall.json"))
    assert held == firmware.files("xtensawin", CHIP) and marker["board"] == CHIP
    shown = tincall("image", *chip, "--out", tmp_path / "b.img").stdout
    assert "0x200000" in shown and f"tincall flash {CHIP}" in shown


def test_an_image_that_cannot_be_written_takes_the_enrolment_back(chip, shared_relay, tmp_path):
    result = tincall("image", *chip, "--out", tmp_path / "no" / "a.img", "--sn", "IM-2", "--data", shared_relay)
    assert result.exit_code == 1 and "cannot be written" in result.stderr and "not enrolled" in result.stderr
    assert "IM-2" not in listed(shared_relay)


def test_an_image_of_a_board_with_a_certificate(chip, shared_relay, tmp_path):
    out = tmp_path / "a.img"
    arguments = ("--out", out, "--sn", "IM-M", "--profile", "mtls", "--data", shared_relay)
    assert tincall("image", *chip, *arguments).exit_code == 0
    assert identity_in(out)["cert"].startswith("MII") and listed(shared_relay)["IM-M"]["profile"] == "mtls"


def test_a_list_is_made_once_and_reported_without_keys(chip, shared_relay, tmp_path):
    boards = write(tmp_path / "list.csv", "sn, name,model", "LI-1,Front door,door-2", "LI-2,=2+2,")
    arguments = ("image", *chip, "--csv", boards, "--out", tmp_path / "out", "--data", shared_relay)
    told = document(tincall(*arguments, "--json"))
    assert (told["rows"], told["made"], told["done_before"], told["failed"]) == (2, 2, 0, [])
    found = listed(shared_relay)
    assert (found["LI-1"]["name"], found["LI-1"]["model_id"]) == ("Front door", "door-2")
    keys = [identity_in(tmp_path / f"out/{sn}.img")["key"] for sn in ("LI-1", "LI-2")]
    assert keys[0] != keys[1]
    for file in (tmp_path / "out").iterdir():
        assert file.stat().st_mode & 0o077 == 0
        assert file.suffix == ".img" or not any(key in file.read_text() for key in keys)
    rows = list(csv.DictReader((tmp_path / "out/report.csv").read_text().splitlines()))
    assert [(row["sn"], row["state"], row["file"]) for row in rows] == [
        ("LI-1", "done", "LI-1.img"),
        ("LI-2", "done", "LI-2.img"),
    ]
    assert rows[1]["name"] == "'=2+2", "no formula for a program for tables"

    before = (tmp_path / "out/LI-1.img").read_bytes()
    write(boards, "sn", "LI-1", "LI-2", "LI-3")
    told = document(tincall(*arguments, "--json"))
    assert (told["made"], told["done_before"]) == (1, 2)
    assert (tmp_path / "out/LI-1.img").read_bytes() == before


@pytest.mark.parametrize("moment", ["begin", "save", "_put"])
def test_a_list_that_was_broken_off_is_taken_up_again(chip, shared_relay, tmp_path, monkeypatch, small, moment):
    """At each step of the second row the run dies as Ctrl-C and a power cut let it die."""
    sns = [f"BR-{moment}-{number}" for number in (1, 2, 3)]
    boards = write(tmp_path / "list.csv", "sn", *sns)
    arguments = ("image", *chip, "--csv", boards, "--out", tmp_path / "out", "--data", shared_relay)
    real = getattr(batch.Ledger, moment)

    def dies(self, row, *more):
        sn = row.row.sn if isinstance(row, batch.Entry) else row.sn
        is_second = sn == sns[1] and (moment != "_put" or row.state == "done")
        if is_second and moment != "begin":
            raise KeyboardInterrupt
        found = real(self, row, *more)
        if is_second:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(batch.Ledger, moment, dies)
    assert tincall(*arguments).exit_code != 0
    monkeypatch.setattr(batch.Ledger, moment, real)
    first = (tmp_path / f"out/{sns[0]}.img").read_bytes()
    told = document(tincall(*arguments, "--json"))
    assert (told["made"], told["done_before"], told["failed"]) == (2, 1, [])
    assert (tmp_path / f"out/{sns[0]}.img").read_bytes() == first
    for sn in sns:
        assert identity_in(tmp_path / f"out/{sn}.img")["sn"] == sn and sn in listed(shared_relay)


def test_a_number_that_somebody_else_enrolled_is_left_alone(chip, shared_relay, tmp_path, small):
    tincall("enrol", "--sn", "LI-9", "--board", tmp_path / "board", "--data", shared_relay)
    boards = write(tmp_path / "list.csv", "sn", "LI-9", "LI-10")
    arguments = ("image", *chip, "--csv", boards, "--out", tmp_path / "out", "--data", shared_relay, "--json")
    for made in (1, 0):
        result = tincall(*arguments)
        told = document(result)
        assert result.exit_code == 1 and told["made"] == made and [one["sn"] for one in told["failed"]] == ["LI-9"]
    assert not (tmp_path / "out/LI-9.img").exists()
    tincall("devices", "--forget", "LI-9", "--data", shared_relay)
    assert document(tincall(*arguments))["made"] == 1, "once it is free it is made"


def test_two_ways_at_once_are_refused(chip, tmp_path):
    boards = write(tmp_path / "list.csv", "sn", "A")
    result = tincall("image", *chip, "--csv", boards, "--sn", "B", "--out", tmp_path / "out")
    assert result.exit_code == 2 and "two ways" in result.stderr


def test_without_the_interpreters_file_nobody_knows_where_files_go(tmp_path):
    result = tincall("image", CHIP, "--out", tmp_path / "a.img")
    assert result.exit_code == 2 and "--interpreter" in result.stderr and "ESP32_GENERIC_S3" in result.stderr


def test_a_larger_flash_has_more_room_for_files(chip, tmp_path):
    told = document(tincall("image", *chip, "--flash-mib", "16", "--out", tmp_path / "a.img", "--json"))
    assert (told["offset"], told["partition_bytes"]) == (0x200000, 14 << 20)
    (tmp_path / "other.bin").write_bytes(esp_files.firmware("esp32c3"))
    result = tincall("image", CHIP, "--interpreter", tmp_path / "other.bin", "--out", tmp_path / "a.img")
    assert result.exit_code == 2 and "is for esp32c3" in result.stderr


def test_a_board_on_a_cable_boots_from_its_image_and_proves_itself_to_the_relay(shared_relay, tmp_path):
    out = tmp_path / "board" / "flash.img"
    out.parent.mkdir()
    result = tincall("image", "EMULATED", "--out", out, "--sn", "IM-7", "--data", shared_relay, "--json")
    assert out.stat().st_size == document(result)["partition_bytes"] and out.stat().st_mode & 0o077 == 0
    held = flash_image.contents(out.read_bytes(), FLASH_BYTES)
    record_file = firmware.store("EMULATED").rstrip("/") + "/identity.bin"
    assert fields(held[record_file])["key"] not in result.stdout + result.stderr
    with wired(out.parent) as live, BoardControl.wait(live.folder, PATIENCE_S) as control:
        events = control.events(PATIENCE_S)
        if "online" not in control.status()["last"]:
            next(event for event in events if event["ev"] == "online")
        assert listed(shared_relay)["IM-7"]["link"] is not None
        again = document(tincall("install", "EMULATED", "--port", live.port, "--json"))
        assert (again["copied"], again["removed"]) == ([], []), "it is what an install would have made"
    copy = json.loads((out.parent / "nvs.json").read_text())["tincall"]["identity"][1]
    assert fields(bytes.fromhex(copy)) == fields(held[record_file]), "it made its second copy"

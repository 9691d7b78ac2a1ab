"""Records of an emulated board from outside: both places, the newest wins, and what cannot be read is told."""

import json

import pytest

from callcore import record
from tincall.emulator import shelf
from tincall.emulator.child import BOARD
from tincall.emulator.folder import BoardFolder
from tincall.errors import OperatorError


@pytest.fixture
def folder(tmp_path):
    found = BoardFolder(tmp_path)
    found.flash.mkdir()
    return found


def blobs(folder):
    nvs = json.loads((folder.path / "nvs.json").read_text())["tincall"].get("thing", ["", ""])[1]
    file = folder.flash / "thing.bin"
    return bytes.fromhex(nvs), file.read_bytes() if file.exists() else b""


def test_both_places_hold_what_was_saved_and_the_next_one_is_newer(folder):
    assert shelf.load(folder, "thing", 7) is None
    for n in range(1, 4):
        shelf.save(folder, "thing", 7, b"%d" % n)
        assert shelf.load(folder, "thing", 7) == (n, b"%d" % n)
        assert blobs(folder) == (record.pack(7, n, b"%d" % n),) * 2


def test_the_newest_sound_copy_wins_wherever_it_is(folder):
    shelf.save(folder, "thing", 7, b"first")
    (folder.flash / "thing.bin").write_bytes(record.pack(7, 5, b"fifth"))
    assert shelf.load(folder, "thing", 7) == (5, b"fifth")
    (folder.flash / "thing.bin").write_bytes(b"torn")
    assert shelf.load(folder, "thing", 7) == (1, b"first")
    (folder.path / "nvs.json").write_text('{"tincall": {"thing": ["i32", 5]}}')
    assert shelf.load(folder, "thing", 7) is None


def test_other_records_stay(folder):
    shelf.save(folder, "thing", 7, b"first")
    shelf.save(folder, "other", 8, b"second")
    shelf.forget(folder, "thing")
    shelf.forget(folder, "thing")
    assert blobs(folder) == (b"", b"")
    assert shelf.load(folder, "thing", 7) is None and shelf.load(folder, "other", 8) == (1, b"second")


def test_storage_that_is_no_json_is_told_and_left_alone(folder):
    (folder.path / "nvs.json").write_text("{")
    with pytest.raises(OperatorError, match="no JSON"):
        shelf.save(folder, "thing", 7, b"x")
    assert (folder.path / "nvs.json").read_text() == "{"


def test_its_name_space_is_the_boards():
    scope = {}
    exec((BOARD / "board.py").read_text(), scope)
    assert scope["NVS"] == shelf.NAMESPACE

"""Runs on a board: both places keep blobs alike, names and lengths at their bounds, and FAT is refused."""

import os

import board
from esp32 import NVS

from callcore import record
from callcore.compat import MICROPYTHON
from callcore.errors import StoreError
from handset import places
from handset.places import Folder, Nvs, open_places

LONGEST = "fifteen-letters"


def both():
    return Folder("."), Nvs("places")


def error_of(act):
    try:
        act()
    except OSError as error:
        return error
    raise AssertionError("no error")


def test_what_was_written_is_read_by_another_object():
    for blob in (b"", b"x", bytes(range(256)) * 15 + bytes(160)):
        for place in both():
            place.write("thing", blob)
        assert [place.read("thing") for place in both()] == [blob, blob]


def test_what_is_not_there_is_nothing_and_may_be_removed():
    for place in both():
        assert place.read("nothing") == b""
        place.remove("nothing")
        place.write("nothing", b"x")
        place.remove("nothing")
        place.remove("nothing")
    assert [place.read("nothing") for place in both()] == [b"", b""]


def test_a_shorter_blob_leaves_nothing_of_the_longer():
    for place in both():
        place.write("thing", b"x" * 1000)
        place.write("thing", b"y")
        assert place.read("thing") == b"y"


def test_names_have_fifteen_characters_at_most():
    for place in both():
        place.write(LONGEST, b"x")
        assert place.read(LONGEST) == b"x"
    assert error_of(lambda: Nvs("places").write(LONGEST + "s", b"x"))
    assert error_of(lambda: Nvs("a" * 16).read("thing"))


def test_what_was_removed_or_written_is_committed():
    """What another object of the chip's storage sees is what is left after a reset."""
    place = Nvs("places")
    place.write("thing", b"kept")
    buf = bytearray(8)
    assert NVS("places").get_blob("thing", buf) == 4
    place.remove("thing")
    assert Nvs("places").read("thing") == b""


def test_a_blob_longer_than_any_record_is_an_error_or_told_as_too_long():
    NVS_blob = NVS("places")
    NVS_blob.set_blob("long", bytes(record.MAX_BYTES + 1))
    NVS_blob.commit()
    assert error_of(lambda: Nvs("places").read("long"))
    Folder(".").write("long", bytes(record.MAX_BYTES + 100))
    assert len(Folder(".").read("long")) == record.MAX_BYTES + 1


def test_what_is_of_another_type_is_an_error():
    nvs = NVS("places")
    nvs.set_i32("number", 7)
    nvs.commit()
    assert error_of(lambda: Nvs("places").read("number"))


def test_a_folder_that_is_not_there_is_empty_and_cannot_be_written():
    place = Folder("no/such")
    assert place.read("thing") == b""
    assert error_of(lambda: place.write("thing", b"x"))
    assert place.where % "thing" == "no/such/thing.bin" and Folder("/").where % "thing" == "/thing.bin"


def test_a_board_has_both_the_chips_own_first():
    found = open_places(board)
    assert [type(place) for place in found] == [Nvs, Folder]
    assert [place.where % "x" for place in found] == ["NVS tincall/x", "./x.bin"]


class Disk:
    """A block device in memory."""

    def __init__(self):
        self._memory = bytearray(64 * 512)

    def readblocks(self, block, buf, off=0):
        at = block * 512 + off
        buf[:] = self._memory[at : at + len(buf)]

    def writeblocks(self, block, buf, off=0):
        at = block * 512 + off
        self._memory[at : at + len(buf)] = buf

    def ioctl(self, op, arg):
        return {4: 64, 5: 512}.get(op, 0)


class Board:
    NVS = "tincall"


def refusal(path):
    Board.FLASH = path
    try:
        open_places(Board)
    except StoreError as error:
        assert error.reason == "storage" and path in error.detail and "littlefs" in error.detail
        return error.detail
    return ""


def test_a_fat_file_system_is_refused_wherever_it_is_mounted():
    if not MICROPYTHON:
        return  # CPython cannot mount one
    import vfs

    for kind, refused in ((vfs.VfsFat, True), (vfs.VfsLfs2, False)):
        disk = Disk()
        kind.mkfs(disk)
        vfs.mount(kind(disk), "/flash")
        here = os.getcwd()
        try:
            assert bool(refusal("/flash")) == refused
            assert bool(refusal("/flash/deeper")) == refused
            assert not refusal("/fla") and not refusal("/") and not refusal(".")
            os.chdir("/flash")
            assert bool(refusal(".")) == refused
        finally:
            os.chdir(here)
            vfs.umount("/flash")
    assert places.file_system("/flash") not in ("<VfsFat>", "<VfsLfs2>")


def test_a_folder_is_made_when_it_is_not_there():
    Board.FLASH = "made/deeper"
    open_places(Board)
    assert "made" not in os.listdir(".")
    Board.FLASH = "made"
    for _ in range(2):
        open_places(Board)
        assert "made" in os.listdir(".")
    os.rmdir("made")


def test_a_file_is_there_or_it_is_not_or_nobody_can_tell():
    with open("there", "w") as file:
        file.write("x")
    assert places.has_file("there") and places.has_file("./there")
    assert not places.has_file("not-there") and not places.has_file("nowhere/there")
    os.remove("there")


def test_the_file_system_under_a_folder_is_named():
    if not MICROPYTHON:
        assert places.file_system("/") == ""
        return
    import vfs

    assert places.file_system(".") not in ("<VfsFat>", "<VfsLfs2>")
    disk = Disk()
    vfs.VfsLfs2.mkfs(disk)
    vfs.mount(vfs.VfsLfs2(disk), "/flash")
    try:
        assert places.file_system("/flash") == places.file_system("/flash/store") == "<VfsLfs2>"
        assert places.file_system("/other") != "<VfsLfs2>"
    finally:
        vfs.umount("/flash")

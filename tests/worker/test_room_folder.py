"""Folders of room ends: private, and gone when their holders are, also when those were killed."""

import os
import stat
import subprocess
import sys

import pytest

from callcore.errors import LocalError
from tincall.worker.room_folder import RoomFolder, default_place


def test_a_folder_is_new_and_private_and_removed_with_what_is_in_it(tmp_path):
    folder = RoomFolder(tmp_path / "rooms")
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    (folder.path / "sub").mkdir()
    (folder.path / "sub/file").write_text("x")
    folder.remove()
    folder.remove()
    assert list((tmp_path / "rooms").iterdir()) == []


def test_one_that_is_held_stays_and_one_that_nobody_holds_goes(tmp_path):
    held = RoomFolder(tmp_path)
    left = tmp_path / "room-left"
    left.mkdir()
    (left / "file").write_text("x")
    (tmp_path / "something-else").mkdir()
    newer = RoomFolder(tmp_path)
    assert held.path.is_dir() and not left.exists() and (tmp_path / "something-else").is_dir()
    held.remove()
    newer.remove()


def test_the_lock_outlives_its_maker_in_who_inherited_it(tmp_path):
    maker = (
        "import subprocess, sys, os, pathlib\n"
        "from tincall.worker.room_folder import RoomFolder\n"
        f"folder = RoomFolder(pathlib.Path({str(tmp_path)!r}))\n"
        "child = subprocess.Popen(['cat'], pass_fds=[folder.lock_fd], stdin=0)\n"
        "print(folder.path, flush=True)\n"
        "os._exit(9)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", maker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    path = process.stdout.readline().strip()
    assert process.wait(10) == 9
    RoomFolder(tmp_path).remove()
    assert os.path.isdir(path), "swept away under a room end that still runs"
    process.stdin.close()
    # the end of its output is all but the end of the child that inherited the lock
    assert process.stdout.read() == ""
    process.stdout.close()
    for _ in range(1000):
        RoomFolder(tmp_path).remove()
        if not os.path.isdir(path):
            return
    raise AssertionError("never swept away")


def test_a_place_that_others_may_write_to_is_refused(tmp_path):
    place = tmp_path / "rooms"
    place.mkdir()
    place.chmod(0o777)
    with pytest.raises(LocalError, match="others may write"):
        RoomFolder(place)


def test_a_place_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "rooms").symlink_to(tmp_path)
    with pytest.raises(LocalError, match="no folder for a room end"):
        RoomFolder(tmp_path / "rooms")


def test_a_folder_that_is_a_link_is_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (tmp_path / "rooms").mkdir(mode=0o700)
    (tmp_path / "rooms/room-link").symlink_to(precious)
    RoomFolder(tmp_path / "rooms").remove()
    assert (precious / "file").exists()


def test_the_default_place_is_the_users_own():
    assert default_place().name.endswith(str(os.getuid()))

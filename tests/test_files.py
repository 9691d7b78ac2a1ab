"""Small files: whole or not at all, for their owner from the first moment on, and on the disk when it is said."""

import os
import stat

import pytest

from tincall import files


def test_a_file_is_replaced_whole_and_is_its_owners(tmp_path):
    path = tmp_path / "key"
    assert files.write(path, b"one") == path
    assert files.write(path, b"two").read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.write(tmp_path / "open", b"", 0o644).stat().st_mode) == 0o644 & ~os.umask(os.umask(0))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["key", "open"]


def test_what_a_power_cut_left_is_no_hindrance_and_no_part_of_it(tmp_path):
    (tmp_path / "key.part").write_bytes(b"left behind, and longer")
    assert files.write(tmp_path / "key", b"new").read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = files.write(tmp_path / "key", b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write(path, b"new")
    assert path.read_bytes() == b"old"


def test_content_is_on_the_disk_before_its_name_and_the_name_before_it_is_said(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        done.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    def named(*names):
        done.append("named")
        replace(*names)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", named)
    files.write(tmp_path / "key", b"new")
    assert done == [str(tmp_path / "key.part"), "named", str(tmp_path)]

"""Faults of the store: each has its word, its place and its way out, and none shows a statement or a value."""

import errno
import os
import sqlite3

import pytest
from support import small_disk

from tincall.relay.store import faults


def met(code):
    error = sqlite3.OperationalError("what the driver says")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (sqlite3.SQLITE_FULL, faults.FULL),
        (sqlite3.SQLITE_READONLY, faults.READ_ONLY),
        (sqlite3.SQLITE_READONLY_DIRECTORY, faults.READ_ONLY),
        (sqlite3.SQLITE_CORRUPT, faults.DAMAGED),
        (sqlite3.SQLITE_NOTADB, faults.DAMAGED),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, faults.BUSY),
        (sqlite3.SQLITE_LOCKED, faults.BUSY),
        (sqlite3.SQLITE_IOERR_FSYNC, faults.FAILED),
        (sqlite3.SQLITE_CANTOPEN, faults.FAILED),
    ],
)
def test_every_fault_of_the_driver_has_a_word_and_a_way_out(tmp_path, code, reason):
    fault = faults.of_driver(tmp_path / "tincall.db", met(code))
    assert fault.reason == reason
    assert str(tmp_path / "tincall.db") in fault.message and reason in fault.message
    assert fault.hint.endswith(".")


def test_an_error_without_a_code_is_a_fault_all_the_same(tmp_path):
    assert faults.of_driver(tmp_path / "x.db", ValueError("odd")).reason == faults.FAILED


def test_an_input_output_error_on_a_full_disk_is_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(faults, "has_room", lambda folder: False)
    assert faults.of_driver(tmp_path / "x.db", met(sqlite3.SQLITE_IOERR_SHMSIZE)).reason == faults.FULL


@pytest.mark.parametrize(
    ("number", "reason", "says"),
    [
        (errno.ENOSPC, faults.FULL, "Make room"),
        (errno.EROFS, faults.READ_ONLY, "mounted read-only"),
        (errno.EACCES, faults.READ_ONLY, "tincall init"),
        (errno.ENOENT, faults.FAILED, "tincall init"),
        (errno.EMFILE, faults.FAILED, "tincall init"),
    ],
)
def test_every_fault_of_the_system_has_a_word_and_a_way_out(tmp_path, number, reason, says):
    fault = faults.of_system(tmp_path / "tincall.db", OSError(number, os.strerror(number)))
    assert (fault.reason, fault.status) == (reason, 2)
    assert says in fault.hint


def test_what_is_to_be_made_and_cannot_be_is_named(tmp_path):
    fault = faults.cannot_write(tmp_path / "b", OSError(errno.ENOSPC, "No space left on device"))
    assert (fault.reason, fault.status) == (faults.FULL, 1) and "Make room" in fault.hint
    fault = faults.cannot_write(tmp_path / "b", OSError(errno.ENOENT, "No such file or directory"))
    assert fault.reason == faults.FAILED and str(tmp_path / "b") in fault.message


def test_damage_leads_to_the_backup(tmp_path):
    fault = faults.damaged(tmp_path / "tincall.db", ["page 3 is never used", "more"])
    assert "page 3" in fault.message and "more" not in fault.message
    assert f"tincall restore FILE --data {tmp_path} --replace" in fault.hint


def test_room_on_a_disk(tmp_path):
    assert faults.has_room(tmp_path)
    assert faults.has_room(tmp_path / "not" / "there"), "what cannot be told is not a full disk"
    with small_disk.mounted(tmp_path / "small") as disk:
        ballast = small_disk.fill(disk)
        assert not faults.has_room(disk)
        ballast.unlink()
        assert faults.has_room(disk)

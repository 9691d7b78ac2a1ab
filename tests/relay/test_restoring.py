"""Restores: checked before anything is touched, the old kept aside, and old or new after a kill at any step."""

import os
import shutil
import sqlite3

import data_folder
import old_schema
import pytest
from relay_store import run
from support import small_disk

from tincall.clock import ManualClock
from tincall.errors import OperatorError
from tincall.relay.store import archive, backup, faults, restoring
from tincall.relay.store.engine import Database, hold
from tincall.relay.store.faults import StoreFault
from tincall.settings import DataFolder

NOW_S = 1_790_000_000
KEYS = ["ca-key.pem", "server-key.pem", "kek.bin", "operator.token"]


@pytest.fixture
def source(tmp_path):
    """A folder with two boards."""
    return data_folder.make(tmp_path / "source", "SN-1", "SN-2")


@pytest.fixture
def whole(source, tmp_path):
    """Its backup with keys."""
    return backup.make(source, tmp_path / "whole.tar", [], True, NOW_S).path


@pytest.fixture
def bare(source, tmp_path):
    """Its backup without keys."""
    return backup.make(source, tmp_path / "bare.tar", [], False, NOW_S).path


def restore(path, folder, replace=False, reached=lambda step: None):
    return restoring.restore(path, folder, replace, ManualClock(), reached)


def content(folder):
    """Give every file of a folder but the lock and what an open database leaves."""
    passing = (".lock", "-wal", "-shm")
    return {
        str(one.relative_to(folder.root)): one.read_bytes()
        for one in folder.root.rglob("*")
        if one.is_file() and not one.name.endswith(passing)
    }


def refused(path, folder, match, replace=True):
    before = content(folder) if folder.root.exists() else {}
    with pytest.raises(OperatorError, match=match) as caught:
        restore(path, folder, replace)
    assert (content(folder) if folder.root.exists() else {}) == before
    return caught.value


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_is_made_of_a_whole_backup(source, whole, tmp_path, is_there):
    folder = DataFolder(tmp_path / "new")
    if is_there:
        folder.root.mkdir()
    done = restore(whole, folder)
    assert (done.kept, done.missing, done.aside) == ([], [], None)
    assert data_folder.holds(folder) == data_folder.of("SN-1", "SN-2")
    for name in [*KEYS, "ca.pem", "server.pem", "tincall.toml"]:
        assert (folder.root / name).read_bytes() == (source.root / name).read_bytes()
        assert (folder.root / name).stat().st_mode == (source.root / name).stat().st_mode
    made = {one.name for one in folder.root.iterdir()}
    assert made == {one.name for one in source.root.iterdir()} - {"tincall.db-wal", "tincall.db-shm"}


def test_a_folder_of_a_bare_backup_says_what_is_missing(bare, source, tmp_path):
    folder = DataFolder(tmp_path / "new")
    done = restore(bare, folder)
    assert (done.kept, done.missing) == ([], KEYS)
    for name in KEYS:
        shutil.copy(source.root / name, folder.root)
    assert data_folder.holds(folder) == data_folder.of("SN-1", "SN-2")


@pytest.mark.parametrize("kind", ["whole", "bare"])
def test_a_backup_takes_the_place_of_what_was_and_keeps_it_aside(source, kind, tmp_path, request):
    path = request.getfixturevalue(kind)
    run(data_folder._fill(source, ("SN-3",)))
    done = restore(path, source, replace=True)
    assert data_folder.holds(source) == data_folder.of("SN-1", "SN-2")
    assert done.missing == []
    assert done.kept == ([] if kind == "whole" else KEYS)
    assert done.aside.stat().st_mode & 0o777 == 0o700
    again = DataFolder(tmp_path / "again")
    shutil.copytree(source.root, again.root)
    for one in done.aside.iterdir():
        shutil.copy(one, again.root)
    assert data_folder.holds(again) == data_folder.of("SN-1", "SN-2", "SN-3")


def test_the_old_log_does_not_get_into_the_new_database(source, whole, tmp_path):
    database = Database.open(source.database)

    async def leave_a_log():
        await database.run(lambda c: c.exec_driver_sql("UPDATE devices SET name = 'changed'"))

    run(leave_a_log())
    dead = DataFolder(tmp_path / "dead")
    shutil.copytree(source.root, dead.root)  # as a relay that was killed leaves it
    run(database.close())
    assert (dead.root / "tincall.db-wal").stat().st_size > 0
    done = restore(whole, dead, replace=True)
    assert (done.aside / "tincall.db-wal").exists()
    connection = sqlite3.connect(dead.database)
    assert connection.execute("SELECT DISTINCT name FROM devices ORDER BY name").fetchall() == [("SN-1",), ("SN-2",)]
    connection.close()
    aside = sqlite3.connect(done.aside / "tincall.db")
    assert aside.execute("SELECT DISTINCT name FROM devices").fetchall() == [("changed",)]
    aside.close()


def test_a_damaged_database_is_replaced(source, whole):
    garbage = b"garbage" * 1000
    source.database.write_bytes(garbage)
    done = restore(whole, source, replace=True)
    assert (done.aside / "tincall.db").read_bytes() == garbage
    assert data_folder.holds(source) == data_folder.of("SN-1", "SN-2")


def test_a_folder_that_is_in_use_or_not_empty_is_refused(source, whole):
    assert "--replace" in refused(whole, source, "is not empty", replace=False).hint
    lock = hold(source.database)

    refused(whole, source, "Another process uses")
    os.close(lock)


def test_a_place_that_cannot_be_a_folder_is_told(whole, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OperatorError, match="cannot be written"):
        restore(whole, DataFolder(tmp_path / "file" / "data"))


def test_keys_that_do_not_open_the_boards_keys_are_refused(bare, tmp_path):
    other = data_folder.make(tmp_path / "other", "SN-9")
    refused(bare, other, r"kek\.bin")


def test_a_certificate_stays_with_its_key(source, bare):
    server = source.server.read_bytes(), source.server_key.read_bytes()
    source.server.unlink()
    source.server_key.unlink()
    data_folder.init.make(source, ["new.local"])
    renewed = source.server.read_bytes(), source.server_key.read_bytes()
    restore(bare, source, replace=True)
    assert (source.server.read_bytes(), source.server_key.read_bytes()) == renewed != server


def test_what_is_not_sound_is_refused_before_anything_is_touched(source, whole, tmp_path):
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    refused(whole, source, "damaged")
    refused(tmp_path / "none", source, "cannot be read")
    fresh = DataFolder(tmp_path / "fresh")
    refused(whole, fresh, "damaged", replace=False)
    assert not fresh.root.exists()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [("UPDATE alembic_version SET version_num = '9999'", faults.NEWER), ("noise", faults.DAMAGED)],
)
def test_a_backup_whose_database_cannot_be_used_is_refused(source, tmp_path, statement, reason):
    copy = tmp_path / "copy.db"
    shutil.copy(source.database, copy)
    if statement == "noise":
        copy.write_bytes(copy.read_bytes()[:-4096] + b"\xa5" * 4096)
    else:
        connection = sqlite3.connect(copy)
        connection.execute(statement)
        connection.commit()
        connection.close()
    path = tmp_path / "forged.tar"
    archive.write(path, archive.Contents("9999", "9.9", NOW_S), {"tincall.db": copy})
    error = refused(path, source, "backup's database cannot be used")
    assert isinstance(error, StoreFault) and error.reason == reason
    archive.write(tmp_path / "empty.tar", archive.Contents("0004", "0", NOW_S), {"ca.pem": source.ca})
    refused(tmp_path / "empty.tar", source, "holds no database")


def test_an_older_backup_is_brought_forward(source, tmp_path):
    old_schema.at_revision(tmp_path / "old.db", "0001").dispose()
    archive.write(tmp_path / "old.tar", archive.Contents("0001", "0", NOW_S), {"tincall.db": tmp_path / "old.db"})
    restore(tmp_path / "old.tar", source, replace=True)
    assert data_folder.holds(source) == data_folder.of()
    assert not list(source.root.glob("*.bak"))


def test_no_room_is_told_and_nothing_is_touched(whole, tmp_path):
    with small_disk.mounted(tmp_path / "disk") as disk:
        folder = DataFolder(disk / "data")
        restore(whole, folder)
        ballast = small_disk.fill(disk)
        error = refused(whole, folder, "No space left|storage_full")
        assert error.reason == faults.FULL
        ballast.unlink()
        assert not (folder.root / restoring.PART).exists()
        assert data_folder.holds(folder) == data_folder.of("SN-1", "SN-2")


def test_nothing_is_to_finish_where_nothing_was_begun(source):
    assert restoring.finish(source) is False


@pytest.mark.parametrize("kind", ["whole", "bare"])
def test_a_kill_at_any_step_leaves_the_old_or_the_new(source, kind, tmp_path, request):
    path = request.getfixturevalue(kind)
    run(data_folder._fill(source, ("SN-3",)))
    old, new = data_folder.of("SN-1", "SN-2", "SN-3"), data_folder.of("SN-1", "SN-2")
    found = []
    number = 0
    while True:
        folder = DataFolder(tmp_path / f"killed{number}")
        shutil.copytree(source.root, folder.root)
        if not data_folder.killed_at(number, lambda reached, f=folder: restore(path, f, True, reached)):
            break
        decided = (folder.root / restoring.NEW).exists()
        # the first thing a relay or `tincall init` does; it is killed as well, at each of its own steps
        steps = 0
        while decided and data_folder.killed_at(0, lambda reached, f=folder: _finish(f, reached)):
            steps += 1
            assert steps < 40
        assert restoring.finish(folder) is (folder.root / restoring.NEW).exists()
        found.append(data_folder.holds(folder))
        assert found[-1] == (new if decided else old)
        data_folder.init.make(folder, [])
        restore(path, folder, True)
        assert data_folder.holds(folder) == new
        assert not (folder.root / restoring.PART).exists() and not (folder.root / restoring.NEW).exists()
        number += 1
    assert found.count(old) == 1 and found.count(new) >= 5, number


def _finish(folder, reached):
    lock = hold(folder.database)
    restoring.finish_held(folder, reached)

    os.close(lock)

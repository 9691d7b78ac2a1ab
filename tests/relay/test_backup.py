"""Backups: whole while the relay works, without keys unless asked for, and nothing half after a kill at any step."""

import errno
import sqlite3
import tarfile
from pathlib import Path

import data_folder
import pytest
from relay_store import run
from support import small_disk

from tincall.clock import ManualClock
from tincall.errors import OperatorError
from tincall.relay.cdr import Records
from tincall.relay.store import archive, backup, faults
from tincall.relay.store.engine import Database, known_schemas
from tincall.relay.store.faults import StoreFault

KEYS = ["ca-key.pem", "server-key.pem", "kek.bin", "operator.token"]
OPEN = ["tincall.db", "tincall.toml", "ca.pem", "server.pem"]
NOW_S = 1_790_000_000


@pytest.fixture
def folder(tmp_path):
    return data_folder.make(tmp_path / "data", "SN-1", "SN-2")


def names(path):
    with tarfile.open(path) as tar:
        return tar.getnames()[1:]


def test_without_keys_it_shows_none_and_says_so(folder, tmp_path):
    made = backup.make(folder, tmp_path / "b", [], False, NOW_S)
    assert names(made.path) == list(made.contents.files) == OPEN
    assert made.contents.missing == KEYS
    assert (made.contents.schema, made.contents.made_s) == (known_schemas()[-1], NOW_S)
    assert (made.path.stat().st_mode & 0o777, made.path.stat().st_size) == (0o600, made.size_bytes)
    data = made.path.read_bytes()
    for secret in (folder.root / name for name in KEYS):
        assert secret.read_bytes().strip() not in data
    assert b"SN-1".ljust(32, b".") not in data


def test_with_keys_it_has_all_but_what_lies_elsewhere(folder, tmp_path):
    (folder.root / "app.secret").write_text("s")
    made = backup.make(folder, tmp_path / "b", ["app.secret", "none.secret", "/etc/push.key", "sub/x"], True, NOW_S)
    assert names(made.path) == [*OPEN, *KEYS, "app.secret"]
    assert made.contents.missing == ["none.secret", "/etc/push.key", "sub/x"]


def test_it_is_made_while_the_relay_writes(folder, tmp_path):
    async def go():
        database = Database.open(folder.database)
        records = Records(database, ManualClock())
        await records.opened("c-live", "SN-1", "alice", "out")
        backup.make(folder, tmp_path / "b", [], False, NOW_S)
        await records.ended("c-live", 16, "device", 1)
        await database.close()

    run(go())
    out = tmp_path / "out"
    out.mkdir()
    archive.read(tmp_path / "b", out)
    database = Database.open(out / "tincall.db")
    rows = run(Records(database, ManualClock()).list())
    run(database.close())
    assert {row["call_id"]: row["state"] for row in rows}["c-live"] == "dialling"


def test_a_backup_is_never_written_over(folder, tmp_path):
    (tmp_path / "b").write_text("older")
    with pytest.raises(OperatorError, match="is there") as caught:
        backup.make(folder, tmp_path / "b", [], False, NOW_S)
    assert caught.value.status == 2
    assert (tmp_path / "b").read_text() == "older"


def test_a_folder_between_old_and_new_is_not_backed_up(folder, tmp_path):
    (folder.root / "restore.new").mkdir()
    with pytest.raises(OperatorError, match="was interrupted"):
        backup.make(folder, tmp_path / "b", [], False, NOW_S)
    assert not list(tmp_path.glob("b*"))


@pytest.mark.parametrize("name", OPEN)
def test_what_is_missing_is_named(folder, tmp_path, name):
    (folder.root / name).unlink()
    with pytest.raises(OperatorError, match=name.replace(".", r"\.")):
        backup.make(folder, tmp_path / "b", [], False, NOW_S)
    assert not list(tmp_path.glob("b*"))


def test_a_place_that_is_not_there_is_named(folder, tmp_path):
    with pytest.raises(OperatorError, match="cannot be"):
        backup.make(folder, tmp_path / "no" / "b", [], False, NOW_S)


def test_a_place_where_nothing_can_be_removed_is_named(folder, tmp_path, monkeypatch):
    def read_only(path, missing_ok=False):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    (tmp_path / "file").touch()
    with pytest.raises(StoreFault, match="b cannot be written: Not a directory"):
        backup.make(folder, tmp_path / "file" / "b", [], False, NOW_S)
    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(StoreFault, match="b cannot be written: Read-only") as caught:
        backup.make(folder, tmp_path / "b", [], False, NOW_S)
    assert caught.value.reason == faults.READ_ONLY


def test_a_database_of_something_else_or_of_a_newer_version_is_refused(folder, tmp_path):
    for statement, match in (
        ("UPDATE alembic_version SET version_num = '9999'", "newer Tincall .schema 9999"),
        ("DROP TABLE alembic_version", "something else"),
    ):
        run(_change(folder, statement))
        with pytest.raises(OperatorError, match=match):
            backup.make(folder, tmp_path / "b", [], False, NOW_S)
        assert not list(tmp_path.glob("b*"))


async def _change(folder, statement):
    connection = sqlite3.connect(folder.database)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_no_room_is_told_and_nothing_is_left(folder, tmp_path):
    with small_disk.mounted(tmp_path / "disk") as disk:
        ballast = small_disk.fill(disk)
        with pytest.raises(StoreFault) as caught:
            backup.make(folder, disk / "b", [], False, NOW_S)
        assert caught.value.reason == faults.FULL
        assert (
            caught.value.message.startswith(f"{disk / 'b'} cannot be written") and "another place" in caught.value.hint
        )
        ballast.unlink()
        assert list(disk.iterdir()) == []
        backup.make(folder, disk / "b", [], False, NOW_S)


def test_a_kill_at_any_step_leaves_no_backup_or_a_whole_one_and_the_next_is_made(folder, tmp_path):
    for number in range(10):
        target = tmp_path / f"b{number}"
        if not data_folder.killed_at(
            number, lambda reached, to=target: backup.make(folder, to, [], True, NOW_S, reached)
        ):
            break
        if target.exists():
            archive.read(target, None)
        else:
            backup.make(folder, target, [], True, NOW_S)
        assert data_folder.holds(folder) == data_folder.of("SN-1", "SN-2")
        assert {one.name for one in tmp_path.glob(f"b{number}.*")} <= {f"b{number}.db.part"}
    assert number == len(backup.STEPS)

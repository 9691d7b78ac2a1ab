"""A copy of a database is one moment of it, whole, checked, and nobody else's to read."""

import random
import sqlite3
import threading

import pytest
from support import small_disk

from tincall.errors import OperatorError
from tincall.relay.store import copying, faults
from tincall.relay.store.faults import StoreFault


def writer(path):
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.db"
    connection = writer(path)
    connection.execute("CREATE TABLE pairs (side TEXT, number INTEGER)")
    yield path
    connection.close()


def rows(path):
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT side, number FROM pairs ORDER BY number, side").fetchall()
    connection.close()
    return found


def test_copies_made_while_somebody_writes_are_each_one_moment(source, tmp_path):
    stop, written = threading.Event(), []

    def write():
        connection = writer(source)
        number = 0
        while not stop.is_set():
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO pairs VALUES ('a', ?)", (number,))
            connection.execute("INSERT INTO pairs VALUES ('b', ?)", (number,))
            connection.execute("COMMIT")
            written.append(number)
            number += 1
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        sizes = []
        for _ in range(20):
            before = len(written)
            copying.copy(source, tmp_path / "copy.db")
            found = rows(tmp_path / "copy.db")
            assert found == [(side, n) for n in range(len(found) // 2) for side in "ab"]
            assert len(found) // 2 >= before, "what was acknowledged before the copy began is in it"
            sizes.append(len(found))
    finally:
        stop.set()
        thread.join()
    assert sizes[0] < sizes[-1], "the writer was not held up"


def test_what_is_in_the_log_only_is_copied_and_the_copy_is_one_private_file(source, tmp_path):
    connection = writer(source)
    connection.execute("INSERT INTO pairs VALUES ('a', 1)")
    before = source.read_bytes()
    (tmp_path / "out").mkdir()
    copying.copy(source, tmp_path / "out" / "copy.db")
    connection.close()
    assert source.read_bytes()[:100] == before[:100]
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["copy.db"]
    assert (tmp_path / "out" / "copy.db").stat().st_mode & 0o777 == 0o600
    assert rows(tmp_path / "out" / "copy.db") == [("a", 1)]


def test_no_source_is_told_and_none_is_made(tmp_path):
    with pytest.raises(OperatorError, match="is not there"):
        copying.copy(tmp_path / "none.db", tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_source_is_told_and_no_copy_is_left(source, tmp_path):
    connection = writer(source)
    dice = random.Random(3)
    connection.executemany("INSERT INTO pairs VALUES (?, 1)", [(dice.randbytes(500).hex(),) for _ in range(50)])
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    whole = source.read_bytes()
    source.write_bytes(whole[:-4096] + dice.randbytes(4096))
    with pytest.raises(StoreFault) as caught:
        copying.copy(source, tmp_path / "copy.db")
    assert caught.value.reason == faults.DAMAGED and str(source) in caught.value.message
    assert not list(tmp_path.glob("copy*"))


def test_no_room_is_told_and_the_old_copy_stays(source, tmp_path):
    connection = writer(source)
    with small_disk.mounted(tmp_path / "disk") as disk:
        target = disk / "copy.db"
        copying.copy(source, target)
        connection.executemany("INSERT INTO pairs VALUES (?, 1)", [("x" * 1000,)] * 300)
        small_disk.fill(disk)
        with pytest.raises(StoreFault) as caught:
            copying.copy(source, target)
        assert caught.value.reason == faults.FULL and str(target) in caught.value.message
        assert rows(target) == []
        assert not list(disk.glob("*.part"))
    connection.close()


def test_a_schema_is_named(source, tmp_path):
    assert copying.schema(source) == ""
    connection = writer(source)
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    assert copying.schema(source) == ""
    connection.execute("INSERT INTO alembic_version VALUES ('0007')")
    assert copying.schema(source) == "0007"
    connection.close()
    (tmp_path / "noise.db").write_bytes(b"noise" * 1000)
    with pytest.raises(StoreFault):
        copying.schema(tmp_path / "noise.db")

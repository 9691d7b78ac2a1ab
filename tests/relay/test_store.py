"""The database: what is stored stays, migrations lead from each schema to this one, foreign files are refused."""

import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
import sys

import old_schema
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from relay_store import run
from support import small_disk

from tincall.errors import OperatorError
from tincall.relay.store import engine as engine_module
from tincall.relay.store import faults
from tincall.relay.store.engine import MIGRATIONS, Database, known_schemas
from tincall.relay.store.faults import StoreFault
from tincall.relay.store.models import devices, metadata

ROW = {
    "sn": "SN-1", "model_id": "m", "name": "n", "state": "new", "kv": 1, "wrapped_key": b"canary", "uid": "", "counter": 0,
    "epoch": 0, "board": "", "firmware": "", "last_seen_s": 0, "created_s": 1,
}  # fmt: skip


def insert(connection, **changes):
    connection.execute(sa.insert(devices).values(ROW | changes))


def count(connection):
    return connection.execute(sa.select(sa.func.count()).select_from(devices)).scalar()


def at_revision(path, revision):
    """Make a file of an older schema, as an older version would have left it."""
    engine = old_schema.at_revision(path, revision)
    with engine.begin() as connection:
        insert(connection)
    engine.dispose()


def refused(path):
    with pytest.raises(OperatorError) as caught:
        Database.open(path)
    return caught.value


def test_what_is_stored_is_there_when_opened_again(tmp_path):
    path = tmp_path / "tincall.db"

    async def write():
        database = Database.open(path)
        await database.run(insert)
        await database.close()

    async def read():
        database = Database.open(path)
        found = await database.read(count)
        await database.close()
        return found

    run(write())
    assert run(read()) == 1
    assert (path.stat().st_mode & 0o777) == 0o600


def test_the_file_is_in_the_safe_mode(tmp_path):
    async def ask():
        database = Database.open(tmp_path / "tincall.db")

        def pragmas(connection):
            names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

        found = await database.read(pragmas)
        await database.close()
        return found

    assert run(ask()) == ["wal", 2, 1, 5000]  # 2 is FULL


def test_a_transaction_that_raises_leaves_nothing(tmp_path):
    def half(connection):
        insert(connection)
        raise RuntimeError("power")

    async def attempt():
        database = Database.open(tmp_path / "tincall.db")
        with pytest.raises(RuntimeError, match="power"):
            await database.run(half)
        found = await database.read(count)
        await database.close()
        return found

    assert run(attempt()) == 0


def test_a_broken_rule_of_the_tables_is_our_bug_and_shows_no_values(tmp_path):
    async def attempt():
        database = Database.open(tmp_path / "tincall.db")
        with pytest.raises(sa.exc.IntegrityError) as caught:
            await database.run(lambda connection: insert(connection, state="canary state"))
        await database.close()
        return str(caught.value)

    assert "canary" not in run(attempt())


def test_work_handed_over_is_done_though_its_waiter_is_cancelled(tmp_path):
    async def attempt():
        database = Database.open(tmp_path / "tincall.db")
        gate = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(connection):
            asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

        first = asyncio.create_task(database.run(slow))
        second = asyncio.create_task(database.run(insert))
        await asyncio.sleep(0)
        second.cancel()
        gate.set()
        await first
        found = await database.read(count)
        await database.close()
        return found

    assert run(attempt()) == 1


def test_the_migrations_build_exactly_the_tables_of_the_models(tmp_path):
    run(Database.open(tmp_path / "tincall.db").close())
    engine = sa.create_engine(f"sqlite:///{tmp_path}/tincall.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        found = sa.inspect(connection)
        for table in metadata.tables.values():
            wanted = {str(c.name) for c in table.constraints if isinstance(c, sa.CheckConstraint)}
            assert {c["name"] for c in found.get_check_constraints(table.name)} == wanted
    engine.dispose()


def test_an_older_file_is_copied_and_upgraded_with_its_rows(tmp_path):
    path = tmp_path / "tincall.db"
    at_revision(path, "0001")

    async def read():
        database = Database.open(path)
        found = await database.read(lambda connection: (count(connection), sa.inspect(connection).get_table_names()))
        await database.close()
        return found

    rows, tables = run(read())
    assert rows == 1
    assert "calls" in tables
    backup = sqlite3.connect(tmp_path / "tincall.db.0001.bak")
    assert backup.execute("SELECT count(*) FROM devices").fetchone() == (1,)
    assert backup.execute("SELECT count(*) FROM sqlite_master WHERE name = 'calls'").fetchone() == (0,)
    backup.close()
    assert ((tmp_path / "tincall.db.0001.bak").stat().st_mode & 0o777) == 0o600


def test_a_failed_upgrade_leaves_the_old_schema(tmp_path):
    path = tmp_path / "tincall.db"
    at_revision(path, "0001")
    direct = sqlite3.connect(path)
    direct.execute("CREATE TABLE calls (in_the_way INTEGER)")
    direct.commit()
    direct.close()
    refused(path)
    direct = sqlite3.connect(path)
    assert direct.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    direct.close()


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "tincall.db"
    at_revision(path, "head")
    direct = sqlite3.connect(path)
    direct.execute("UPDATE alembic_version SET version_num = '9999'")
    direct.commit()
    direct.close()
    error = refused(path)
    assert "newer" in error.message
    assert "9999" in error.message
    assert error.status == 2


def test_a_database_of_something_else_and_no_database_are_refused(tmp_path):
    other = tmp_path / "other.db"
    direct = sqlite3.connect(other)
    direct.execute("CREATE TABLE photos (x INTEGER)")
    direct.close()
    assert "something else" in refused(other).message
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(os.urandom(5000))
    assert "not a database" in refused(garbage).message


def test_a_missing_folder_is_told(tmp_path):
    assert "tincall init" in refused(tmp_path / "nowhere" / "tincall.db").hint


def test_a_second_process_is_refused_while_the_first_has_the_file(tmp_path):
    path = tmp_path / "tincall.db"
    program = (
        "import sys, pathlib\n"
        "from tincall.errors import OperatorError\n"
        "from tincall.relay.store.engine import Database\n"
        "try:\n    Database.open(pathlib.Path(sys.argv[1]))\n"
        "except OperatorError as error:\n    print(error.message)\n"
    )

    def other():
        return subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True).stdout

    async def hold():
        database = Database.open(path)
        said = await asyncio.to_thread(other)
        await database.close()
        return said

    assert "Another process uses" in run(hold())
    assert other() == ""


def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "tincall.db"

    async def fill():
        database = Database.open(path)
        for number in range(300):
            await database.run(insert, sn=f"SN-{number:03}", wrapped_key=os.urandom(60))
        await database.close()

    run(fill())
    whole = path.read_bytes()
    path.write_bytes(whole[:-4096] + os.urandom(4096))
    before = path.read_bytes()
    fault = refused(path)
    assert isinstance(fault, StoreFault) and fault.reason == faults.DAMAGED
    assert f"tincall restore FILE --data {tmp_path}" in fault.hint
    assert path.read_bytes() == before
    path.write_bytes(whole)
    run(Database.open(path).close())


def test_a_file_that_must_be_there_is_not_made(tmp_path):
    path = tmp_path / "tincall.db"
    for _ in range(2):
        with pytest.raises(OperatorError, match="not there, or empty") as caught:
            Database.open(path, must_exist=True)
        assert "tincall restore" in caught.value.hint and "tincall init" in caught.value.hint
        path.touch()
    path.unlink()
    run(Database.open(path).close())
    run(Database.open(path, must_exist=True).close())


def test_a_version_before_the_newest_refuses_the_newest_file(tmp_path, monkeypatch):
    path = tmp_path / "tincall.db"
    run(Database.open(path).close())
    before = path.read_bytes()
    for number in range(1, len(known_schemas())):
        older = tmp_path / f"older{number}"
        shutil.copytree(MIGRATIONS, older, ignore=shutil.ignore_patterns("__pycache__"))
        for script in sorted((older / "versions").glob("v0*.py"))[-number:]:
            script.unlink()
        with monkeypatch.context() as patch:
            patch.setattr(engine_module, "MIGRATIONS", older)
            fault = refused(path)
        assert (fault.reason, fault.status) == (faults.NEWER, 2)
        assert path.read_bytes() == before


def test_a_file_of_this_version_is_opened_without_loading_what_migrates(tmp_path):
    path = tmp_path / "tincall.db"
    run(Database.open(path).close())
    assert engine_module.newest_schema() == known_schemas()[-1]
    code = """import sys
from pathlib import Path
from tincall.relay.store.engine import Database
Database.open(Path(sys.argv[1]), must_exist=True)
raise SystemExit("alembic" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 0


def test_no_step_leads_back():
    for script in sorted((MIGRATIONS / "versions").glob("v0*.py")):
        assert "def downgrade" not in script.read_text(), script.name


async def full_and_again(path, fill, make_room):
    """Write until there is no more room; gives the fault, what was acknowledged, and what is there in the end."""
    database = Database.open(path)
    await database.run(insert, sn="before")
    fill(database)
    acknowledged = ["before"]
    fault = None
    for number in range(2000):
        sn = f"SN-{number}"
        try:
            await database.run(insert, sn=sn, name="n" * 64, board="b" * 64)
            acknowledged.append(sn)
        except StoreFault as error:
            fault = error
            break
    assert await database.read(count) == len(acknowledged), "reading goes on"
    make_room(database)
    await database.run(insert, sn="after")
    acknowledged.append("after")
    await database.close()
    database = Database.open(path)
    there = await database.read(lambda c: sorted(row.sn for row in c.execute(sa.select(devices.c.sn))))
    await database.close()
    return fault, sorted(acknowledged), there


def pages(database, most):
    connection = database._engine.raw_connection()
    connection.execute(f"PRAGMA max_page_count = {most}")
    connection.close()


def test_a_file_that_may_not_grow_is_told_and_recovers(tmp_path):
    fault, acknowledged, there = run(
        full_and_again(tmp_path / "tincall.db", lambda d: pages(d, 1), lambda d: pages(d, 1 << 30))
    )
    assert fault.reason == faults.FULL and "Make room" in fault.hint
    assert acknowledged == there


def test_a_full_disk_is_told_and_recovers_alone(tmp_path):
    with small_disk.mounted(tmp_path / "disk") as disk:
        ballast = []
        fault, acknowledged, there = run(
            full_and_again(
                disk / "tincall.db",
                lambda d: ballast.append(small_disk.fill(disk)),
                lambda d: ballast[0].unlink(),
            )
        )
        assert fault.reason == faults.FULL
        assert acknowledged == there


def test_a_full_disk_at_the_start_is_told_and_nothing_is_harmed(tmp_path):
    with small_disk.mounted(tmp_path / "disk") as disk:
        path = disk / "tincall.db"
        at_revision(path, "0001")
        ballast = small_disk.fill(disk)
        assert refused(path).reason == faults.FULL
        ballast.unlink()
        run(Database.open(path).close())


def test_a_disk_that_is_read_only_is_told_and_recovers(tmp_path):
    with small_disk.mounted(tmp_path / "disk") as disk:
        path = disk / "tincall.db"
        run(Database.open(path).close())
        small_disk.remount(disk, "ro")
        assert refused(path).reason == faults.READ_ONLY
        small_disk.remount(disk, "rw")
        run(Database.open(path).close())


def test_a_file_that_becomes_read_only_is_told_and_recovers(tmp_path):
    async def attempt():
        database = Database.open(tmp_path / "tincall.db")
        connection = database._engine.raw_connection()
        connection.execute("PRAGMA query_only = ON")
        with pytest.raises(StoreFault) as caught:
            await database.run(insert)
        assert caught.value.reason == faults.READ_ONLY
        connection.execute("PRAGMA query_only = OFF")
        connection.close()
        await database.run(insert)
        await database.close()

    run(attempt())


def test_a_process_without_descriptors_is_told_and_recovers(tmp_path):
    path = tmp_path / "tincall.db"
    run(Database.open(path).close())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(int(fd) for fd in os.listdir("/proc/self/fd")) + 3, hard))
    taken = []
    try:
        while True:
            try:
                taken.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                break
        assert refused(path).reason == faults.FAILED
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    run(Database.open(path).close())

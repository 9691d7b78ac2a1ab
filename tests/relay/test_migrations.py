"""From every schema that there ever was to this version's, with all rows; and never back."""

import sqlite3
from pathlib import Path

import data_folder
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from relay_store import run

from tincall.clock import ManualClock
from tincall.relay.cdr import Records
from tincall.relay.store import engine as engine_module
from tincall.relay.store.engine import Database, known_schemas
from tincall.relay.store.models import metadata

SCHEMAS = Path(__file__).parents[1] / "vectors" / "schemas"
VERSIONS = known_schemas()


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def path(tmp_path, version):
    """A file as a relay of that schema left it."""
    place = tmp_path / "tincall.db"
    connection = sqlite3.connect(place)
    connection.executescript((SCHEMAS / f"{version}.sql").read_text())
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return place


def content(path):
    """Give every row of every table as dictionaries, in an order of their own."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {t: [dict(row) for row in connection.execute(f"SELECT * FROM {t}")] for t in tables}
    connection.close()
    del found["alembic_version"]
    return {table: sorted(rows, key=repr) for table, rows in found.items()}


def schema(path):
    connection = sqlite3.connect(path)
    (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    connection.close()
    return found


def test_every_row_and_value_is_there_after_the_upgrade(path, version):
    before = content(path)
    assert all(before.values()), "there is no table without rows"
    run(Database.open(path).close())
    after = content(path)
    assert schema(path) == VERSIONS[-1]
    for table, rows in before.items():
        kept = [{name: row[name] for name in rows[0]} for row in after[table]]
        assert sorted(kept, key=repr) == rows, table
    backup = path.with_name(f"tincall.db.{version}.bak")
    assert backup.exists() is (version != VERSIONS[-1])
    if backup.exists():
        assert (content(backup), schema(backup)) == (before, version)


def test_the_upgraded_tables_are_those_of_the_models(path):
    run(Database.open(path).close())
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        found = sa.inspect(connection)
        for table in metadata.tables.values():
            wanted = {str(c.name) for c in table.constraints if isinstance(c, sa.CheckConstraint)}
            assert {c["name"] for c in found.get_check_constraints(table.name)} == wanted
            assert {i["name"] for i in found.get_indexes(table.name)} == {i.name for i in table.indexes}
    engine.dispose()


def test_a_relay_reads_what_an_older_one_wrote(path, version):
    async def ask():
        database = Database.open(path)
        records = Records(database, ManualClock())
        assert await records.sweep() == (0 if version == "0001" else 1)  # there were no call records at first
        found = {record["call_id"]: record for record in await records.list()}
        await database.close()
        return found

    found = run(ask())
    if version == "0001":
        assert found == {}
        return
    assert (found["call-ended"]["duration_ms"], found["call-ended"]["board_stats"]) == (5000, {"up": {"sent": 250}})
    left = found["call-left-open"]
    assert (left["state"], left["cause"], left["duration_ms"]) == ("ended", 41, 4000), (
        "by the calendar, as it was noted"
    )


def test_a_kill_at_any_moment_leaves_the_old_schema_or_the_new(path, version):
    before = content(path)
    whole = {one.name: one.read_bytes() for one in path.parent.iterdir()}
    for number in range(100):
        for one in path.parent.iterdir():
            one.unlink()
        for name, data in whole.items():
            (path.parent / name).write_bytes(data)

        def upgrade(reached):
            _open_and_tell_of_each_statement(path, reached)

        was_killed = data_folder.killed_at(number * 7, upgrade)
        assert schema(path) in (version, VERSIONS[-1])
        run(Database.open(path).close())
        after = content(path)
        assert {t: len(rows) for t, rows in before.items()} == {t: len(after[t]) for t in before}
        if not was_killed:
            return
    raise AssertionError("the upgrade has no end")


def _open_and_tell_of_each_statement(path, reached):
    make = engine_module._engine

    def telling(where):
        engine = make(where)
        for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
            sa.event.listen(engine, moment, lambda *_, what=moment: reached(what))
        return engine

    engine_module._engine = telling
    Database.open(path)

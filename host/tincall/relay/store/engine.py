"""The database: one file, one connection, one thread that all work on it goes through in order.

SQLite in WAL mode with synchronous FULL: a row that was acknowledged survives a power cut, and a transaction is there
whole or not at all. The loop never touches the file; it hands a function to the thread and awaits the result. Work
that was handed over is done even if the one who waits is cancelled. Media never waits for anything here.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, inspect
from sqlalchemy.pool import StaticPool

from tincall.errors import OperatorError
from tincall.relay.store import copying, faults, integrity
from tincall.relay.store.faults import StoreFault

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

BUSY_TIMEOUT_MS = 5_000  # a backup tool may hold the file for a moment; nobody else does
MIGRATIONS = Path(__file__).parent / "migrations"

P = ParamSpec("P")
R = TypeVar("R")
Work = Callable[Concatenate[Connection, P], R]


class Database:
    """An open database file; `open` makes one.

    Args:
        engine: of the file, used by the one thread only.
        path: of the file, for messages.
        lock: descriptor that holds the file for this process, or -1.
    """

    def __init__(self, engine: Engine, path: Path, lock: int = -1) -> None:
        self.path = path
        self._engine = engine
        self._reader = engine.execution_options(reading=True)
        self._lock = lock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    @classmethod
    def open(cls, path: Path, must_exist: bool = False) -> "Database":
        """Open the file, look for damage, make or upgrade its schema, and hold it for this process.

        A file of an older schema is copied beside itself first (`tincall.db.0001.bak`). If power fails at any moment,
        a later reader finds the old schema or the new one, never a mixture.

        Args:
            path: of the file.
            must_exist: refuse where there is none, in place of making one.

        Raises:
            StoreFault: damaged, not a database, made by a newer version, the disk is full or not writable.
            OperatorError: not there, not one of ours, held by another process.
        """
        if must_exist and not (path.exists() and path.stat().st_size):
            hint = f"Put a backup in its place with `tincall restore FILE --data {path.parent} --replace`,"
            hint += f" or begin with an empty one: `tincall init --data {path.parent}`."
            raise OperatorError(f"The database {path} is not there, or empty.", hint, 2)
        lock = hold(path)
        engine = _engine(path)
        try:
            _make_private(path)
            with engine.begin() as connection:
                found = integrity.problems(cast(sqlite3.Connection, connection.connection.dbapi_connection))
            if found:
                raise faults.damaged(path, found)
            _migrate(engine, path)
        except BaseException as error:
            engine.dispose()
            os.close(lock)
            if isinstance(error, exc.DBAPIError | sqlite3.Error):
                raise faults.of_driver(path, getattr(error, "orig", error)) from None
            raise
        return cls(engine, path, lock)

    async def run(self, work: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do `work(connection, ...)` in one writing transaction: all of it is stored when this returns, or none of it.

        Raises:
            StoreFault: the file cannot be written (disk full, file gone bad).
        """
        return await self._submit(self._engine, work, *args, **kwargs)

    async def read(self, work: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do `work(connection, ...)` in a reading transaction; it sees everything that was handed over before it.

        Raises:
            StoreFault: the file cannot be read.
        """
        return await self._submit(self._reader, work, *args, **kwargs)

    async def close(self) -> None:
        """Finish what was handed over, put the write-ahead log into the file and let go of it."""
        await asyncio.wrap_future(self._thread.submit(self._finish))
        self._thread.shutdown()

    async def _submit(self, engine: Engine, work: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        def transaction() -> R:
            try:
                with engine.begin() as connection:
                    return work(connection, *args, **kwargs)
            except exc.IntegrityError:
                raise  # a row that breaks a rule of the tables is a bug here, not a fault of the file
            except exc.DBAPIError as error:
                raise faults.of_driver(self.path, error.orig) from None

        # shielded: a cancelled waiter must not take work off the queue that somebody believes stored
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(transaction)))

    def _finish(self) -> None:
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql("PRAGMA optimize")
        except exc.DBAPIError:
            pass  # it only keeps the planner's figures fresh; a full disk must not keep the relay from ending
        finally:
            self._engine.dispose()  # SQLite puts the log into the file when its last connection closes
            if self._lock >= 0:
                os.close(self._lock)


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=StaticPool,
        hide_parameters=True,  # no row ever gets into an error's text
        # opened here, used by the one thread afterwards, never by both at a time
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        # the driver must not begin transactions by its own rules: it would leave schema changes outside them
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading")
        # a writer takes the lock at once, since a reader that turns writer can find itself refused half-way
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def hold(path: Path) -> int:
    """Take the lock beside the database, so that no second relay closes this one's calls as those of a dead process.

    Returns:
        A descriptor that the caller closes when it has done.

    Raises:
        OperatorError: held by another process, or the folder is not there or not writable.
    """
    try:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise faults.of_system(path, error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    except BlockingIOError:
        os.close(lock)
        raise OperatorError(f"Another process uses {path}.", "Stop the other relay, or use another folder.") from None


def _make_private(path: Path) -> None:
    """Make the file if there is none, for its owner alone; SQLite gives its log files the mode of this one.

    Raises:
        StoreFault: it cannot be written.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise faults.of_system(path, error) from None


def _migrate(engine: Engine, path: Path) -> None:
    """Bring the schema to this version's.

    Raises:
        OperatorError: not one of our files, or made by a newer version.
    """
    with engine.begin() as connection:
        current = _schema(connection)
        if current == newest_schema():
            return
        if current is None and inspect(connection).get_table_names():
            raise OperatorError(f"{path} is a database of something else.", "Move it away, or use another folder.", 2)
        if current is not None:
            if current not in known_schemas():
                hint = "Install that version, or restore the backup that it made beside the file."
                raise StoreFault(faults.NEWER, f"{path} was written by a newer Tincall (schema {current}).", hint, 2)
            copying.copy(path, path.with_name(f"{path.name}.{current}.bak"))
        migrate(connection)


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring a database to a schema by the migrations, whatever it has."""
    from alembic import command

    config, _ = _scripts()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _schema(connection: Connection) -> str | None:
    """Name a database's schema; None where no migration has been."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def newest_schema() -> str:
    """Name the schema of this version, by its files: Alembic takes a tenth of a second to load, and is seldom needed."""
    return max(path.stem[1:].partition("_")[0] for path in (MIGRATIONS / "versions").glob("v*.py"))


def _scripts() -> "tuple[Config, ScriptDirectory]":
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config, ScriptDirectory.from_config(config)


def known_schemas() -> list[str]:
    """Name the schemas that this version can read and bring forward, oldest first."""
    return [script.revision for script in _scripts()[1].walk_revisions()][::-1]

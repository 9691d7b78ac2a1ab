"""Copies a database while others write to it: SQLite's own backup, one moment of it, whole or not at all."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from tincall.errors import OperatorError
from tincall.files import sync_folder
from tincall.relay.store import faults, integrity

BUSY_TIMEOUT_S = 5.0


def copy(source: Path, target: Path) -> None:
    """Copy a database into one plain file that nobody else may read, and hold the copy against its own rules.

    The writer goes on meanwhile: in WAL mode a reader sees one moment and holds nobody up. If power fails at any moment,
    a reader finds no `target` (or the one that was there before) or the new one; a half copy is called `target.part`, and
    the next copy removes it.

    Args:
        source: a database; not changed.
        target: on any disk.

    Raises:
        StoreFault: the source is damaged, or there is no room.
        OperatorError: the source is not there, or the target's folder cannot be written.
    """
    if not source.exists():
        raise OperatorError(f"The database {source} is not there.", f"Run `tincall init --data {source.parent}`.", 2)
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            _copy_pages(source, part)
            _plain(part, source)
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
    except OSError as error:
        raise faults.cannot_write(target, error) from None


def reader(path: Path) -> sqlite3.Connection:
    """Open a database to read it; nothing is made where there is none."""
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)


def schema(path: Path) -> str:
    """Name the schema of a database; empty when it has none of ours.

    Raises:
        StoreFault: it cannot be read.
    """
    connection = reader(path)
    try:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return ""
        raise faults.of_driver(path, error) from None
    except sqlite3.Error as error:
        raise faults.of_driver(path, error) from None
    finally:
        connection.close()
    return str(found[0]) if found else ""


def _copy_pages(source: Path, part: Path) -> None:
    old, new = reader(source), sqlite3.connect(part)
    try:
        old.backup(new)
    except sqlite3.Error as error:
        # the two fail with the same codes; only the copy can lack room
        raise faults.of_driver(part if not faults.has_room(part.parent) else source, error) from None
    finally:
        old.close()
        new.close()


def _plain(part: Path, source: Path) -> None:
    """Make the copy one file without a log beside it, and look through it."""
    connection = sqlite3.connect(part)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        found = integrity.problems(connection, is_thorough=True)
    except sqlite3.Error as error:
        raise faults.of_driver(part if not faults.has_room(part.parent) else source, error) from None
    finally:
        connection.close()
    if found:
        raise faults.damaged(source, found)

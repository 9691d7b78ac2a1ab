"""Puts a backup into a data folder: all of it is checked before anything is touched, and what was there is kept aside.

The files are first made whole in `restore.part`. Its new name, `restore.new`, is the moment from which the restore holds; then
each old file goes into a folder `before-restore-...` and each new one into its place. If power fails before that moment, a
reader finds the folder as it was (and a `restore.part`, which the next restore removes); after it, `finish` goes on where it
stopped, which a relay does before it reads anything. The log of an old database goes aside before the new one comes, since
SQLite would play it into the new one.

A certificate is only restored together with its key, or where there is no key at all: a pair stays a pair.
"""

import asyncio
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.files import sync_folder, write
from tincall.relay import authority
from tincall.relay.registry import Registry
from tincall.relay.store import archive, faults
from tincall.relay.store.engine import Database, hold
from tincall.settings import DataFolder

PART, NEW = "restore.part", "restore.new"
PLAN = "plan.json"
STAGED, DECIDED, MOVED = "staged", "decided", "moved"


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore that was done."""

    contents: archive.Contents
    files: list[str]  # that were put into the folder
    kept: list[str]  # of the folder's own, which the backup did not have
    missing: list[str]  # that a relay needs and nobody has
    aside: Path | None  # where the old files are


def _nothing(step: str) -> None:
    """Go on."""


def restore(
    source: Path, folder: DataFolder, replace: bool, clock: Clock, reached: Callable[[str], None] = _nothing
) -> Restored:
    """Put a backup into a data folder; see this file's head for power that fails.

    Args:
        source: the backup.
        folder: empty or not there, unless `replace`.
        replace: keep what is there aside.
        clock: the time.
        reached: hears of `STAGED`, of `DECIDED`, and of `MOVED` after each rename; for tests.

    Raises:
        StoreFault: the backup's database is damaged or of a newer version, or there is no room.
        OperatorError: a relay runs on the folder, it is not empty, or the backup is not sound, or not this folder's.
    """
    archive.read(source, None)
    is_new = not folder.root.exists()
    try:
        folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise faults.cannot_write(folder.root, error) from None
    lock = hold(folder.database)
    try:
        finish_held(folder, reached)
        if not replace and _occupied(folder):
            hint = "Give an empty folder, or --replace; then what is there is kept aside."
            raise OperatorError(f"{folder.root} is not empty.", hint, 2)
        return _restore(source, folder, clock, reached)
    except OSError as error:
        raise faults.cannot_write(folder.root, error) from None
    finally:
        os.close(lock)
        if is_new and [one.name for one in folder.root.iterdir()] == [folder.database.name + ".lock"]:
            shutil.rmtree(folder.root)  # nothing was restored


def finish(folder: DataFolder) -> bool:
    """Go on with a restore that power or a kill stopped after it was decided; False: there is none.

    Raises:
        OperatorError: another process does it, or the folder cannot be written.
    """
    if not (folder.root / NEW).exists():
        return False
    lock = hold(folder.database)
    try:
        return finish_held(folder)
    except OSError as error:
        raise faults.cannot_write(folder.root, error) from None
    finally:
        os.close(lock)


def finish_held(folder: DataFolder, reached: Callable[[str], None] = _nothing) -> bool:
    """Do what `finish` does, for a caller that holds the folder's lock.

    Raises:
        OSError: the folder cannot be written.
    """
    new = folder.root / NEW
    if not new.exists():
        return False
    plan = json.loads((new / PLAN).read_text())
    aside = folder.root / plan["aside"]
    aside.mkdir(mode=0o700, exist_ok=True)
    database = folder.database.name
    if (new / database).exists():  # what lies beside the old one belongs to it; beside the new one, to that
        for name in (database + "-wal", database + "-shm"):
            _move(folder.root / name, aside / name, reached)
        for one in (aside, folder.root):  # before the new database can be there
            sync_folder(one)
    for name in plan["files"]:
        staged, place = new / name, folder.root / name
        if staged.exists():
            if not (aside / name).exists():
                _move(place, aside / name, reached)
            _move(staged, place, reached)
    for one in (aside, new, folder.root):
        sync_folder(one)
    new.rename(folder.root / PART)
    shutil.rmtree(folder.root / PART)
    if not any(aside.iterdir()):
        aside.rmdir()
    sync_folder(folder.root)
    return True


def _restore(source: Path, folder: DataFolder, clock: Clock, reached: Callable[[str], None]) -> Restored:
    part = folder.root / PART
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(mode=0o700)
    try:
        contents = archive.read(source, part)
        files = [name for name in contents.files if not _stays(folder, contents, name)]
        for name in contents.files.keys() - set(files):
            (part / name).unlink()
        for name in {folder.ca.name, folder.server.name} & set(files):
            (part / name).chmod(0o644)
        _try_out(part / folder.database.name, folder, part, clock)
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(clock.unix_ms() // 1000))
        aside = _free(folder.root, f"before-restore-{stamp}")
        write(part / PLAN, json.dumps({"aside": aside.name, "files": files}).encode(), 0o600)
        sync_folder(part)
        reached(STAGED)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    part.rename(folder.root / NEW)
    sync_folder(folder.root)
    reached(DECIDED)
    finish_held(folder, reached)
    kept = [name for name in contents.missing if (folder.root / name).exists()]
    missing = [name for name in contents.missing if name not in kept]
    return Restored(contents, files, kept, missing, aside if aside.exists() else None)


def _stays(folder: DataFolder, contents: archive.Contents, name: str) -> bool:
    """Tell whether the folder's own file stays: a certificate whose key the backup lacks and the folder has."""
    keys = {folder.ca.name: folder.ca_key, folder.server.name: folder.server_key}
    key = keys.get(name)
    return key is not None and key.name not in contents.files and key.exists() and (folder.root / name).exists()


def _try_out(database: Path, folder: DataFolder, part: Path, clock: Clock) -> None:
    """Open the backup's database as a relay would, its device keys included if the key for them is known.

    Raises:
        OperatorError: a relay could not start with it.
    """
    if not database.exists():
        raise OperatorError("The backup holds no database.", archive.ANOTHER)
    holder = next((one for one in (DataFolder(part), folder) if one.kek.exists()), None)
    kek = authority.load_kek(holder) if holder is not None else None
    try:
        asyncio.run(_opened(database, kek, clock))
    except faults.StoreFault as fault:
        told = f"The backup's database cannot be used: {fault.message}"
        raise faults.StoreFault(fault.reason, told, archive.ANOTHER, fault.status) from None
    for left in part.glob(database.name + ".*"):  # its lock, and its copy from before it was brought forward
        left.unlink()


async def _opened(path: Path, kek: bytes | None, clock: Clock) -> None:
    database = Database.open(path, must_exist=True)
    try:
        if kek is not None:
            await Registry(database, kek, clock).load()
    finally:
        await database.close()


def _occupied(folder: DataFolder) -> bool:
    ours = {PART, folder.database.name + ".lock", "lost+found"}
    return any(one.name not in ours for one in folder.root.iterdir())


def _free(root: Path, name: str) -> Path:
    """Give a path in a folder that is not taken."""
    number, place = 1, root / name
    while place.exists():
        number += 1
        place = root / f"{name}-{number}"
    return place


def _move(source: Path, target: Path, reached: Callable[[str], None]) -> None:
    """Rename a file if it is there."""
    if source.exists():
        source.replace(target)
        reached(MOVED)

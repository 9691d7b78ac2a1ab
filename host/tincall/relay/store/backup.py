"""Makes a backup of a data folder while its relay runs.

What is in it: the database (one moment of it, looked through before it is taken), the settings, both certificates; with keys
also the private keys, the key-encryption key, the operator token and the secrets that the settings name. Without them a
backup shows nobody's device keys, and needs those files to become a relay again: they seldom change, so one copy in a
safe place serves many backups.

If power fails at any moment, a reader finds no backup of that name or a whole one. Half ones are called `NAME.part` and
`NAME.db.part`; the next backup of that name removes them.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tincall
from tincall.errors import OperatorError
from tincall.relay import changeover
from tincall.relay.store import archive, copying, faults, restoring
from tincall.relay.store.engine import known_schemas
from tincall.relay.store.faults import StoreFault
from tincall.settings import DataFolder

COPIED, CHECKED, NAMED = "copied", "checked", "named"
STEPS = (COPIED, CHECKED, NAMED)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made."""

    path: Path
    size_bytes: int
    contents: archive.Contents


def _nothing(step: str) -> None:
    """Go on."""


def make(
    folder: DataFolder,
    target: Path,
    secrets: Sequence[str],
    with_keys: bool,
    now_s: int,
    reached: Callable[[str], None] = _nothing,
) -> Backup:
    """Make a backup; see this file's head for what is in it and for power that fails.

    Args:
        folder: the relay's, which may run.
        target: not there yet.
        secrets: files that the settings name as secrets, by name or path; what lies outside of the folder is never taken.
        with_keys: take keys and secrets.
        now_s: seconds since 1970.
        reached: hears of each of `STEPS` when it is done; for tests.

    Raises:
        StoreFault: the database is damaged or of a newer version, or there is no room.
        OperatorError: the target is there or cannot be written, or something of the folder is missing.
    """
    if target.exists():
        raise OperatorError(f"{target} is there.", "Give another name; a backup is never written over.", 2)
    if (folder.root / restoring.NEW).exists():
        hint = f"Start the relay once, which finishes it: `tincall relay --data {folder.root}`."
        raise OperatorError(f"A restore of {folder.root} was interrupted: its files do not belong together.", hint)
    changeover.finish(folder)
    copy = target.with_name(target.name + ".db.part")
    try:
        copy.unlink(missing_ok=True)
        copying.copy(folder.database, copy)
        reached(COPIED)
        schema = _known_schema(folder.database, copy)
        reached(CHECKED)
        places = {folder.database.name: copy}
        places |= {place.name: place for place in (folder.settings, folder.ca, folder.server)}
        if folder.past_ca.exists():
            places[folder.past_ca.name] = folder.past_ca
        keys = {name: folder.root / name for name in key_names(folder, secrets)}
        if with_keys:
            places |= {n: place for n, place in keys.items() if archive.NAME.fullmatch(n) and place.exists()}
        missing = [name for name in keys if name not in places]
        contents = archive.Contents(schema, tincall.__version__, now_s, missing=missing)
        contents = archive.write(target, contents, places)
        reached(NAMED)
    except OSError as error:
        raise _told(target, error) from None
    except StoreFault as fault:
        if fault.reason == faults.FULL:  # reading needs no room, so it is the target's disk
            raise faults.cannot_write(target, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from None
        raise
    finally:
        with contextlib.suppress(OSError):  # what cannot be removed there could not be made there either
            copy.unlink(missing_ok=True)
    return Backup(target, target.stat().st_size, contents)


def key_names(folder: DataFolder, secrets: Sequence[str]) -> list[str]:
    """Name the files that nobody but a data folder's owner may have; those that lie elsewhere by their paths."""
    ours = [place.name for place in (folder.ca_key, folder.server_key, folder.kek, folder.operator_token)]
    if folder.next_ca.exists():
        ours.append(folder.next_ca.name)
    return ours + [name for name in secrets if name not in ours]


def _known_schema(database: Path, copy: Path) -> str:
    schema = copying.schema(copy)
    if not schema:
        raise OperatorError(f"{database} is a database of something else, or empty.", "See --data.", 2)
    if schema not in known_schemas():
        why = f"{database} was written by a newer Tincall (schema {schema})."
        raise StoreFault(faults.NEWER, why, "Let that version make the backup.", 2)
    return schema


def _told(target: Path, error: OSError) -> OperatorError:
    if error.filename and Path(error.filename).parent != target.parent:
        return OperatorError(f"{error.filename} cannot be read: {error.strerror}.", "See that it is there and yours.")
    return faults.cannot_write(target, error)

"""What can be wrong with the database's file: one word for programs, a sentence and a way out for people.

This is the border to the driver: its errors become `StoreFault` here and nowhere else. No statement and no value of a row
gets into the text.
"""

import errno
import os
import sqlite3
from pathlib import Path

from tincall.errors import STATUS_FAILED, STATUS_USAGE, OperatorError

FULL = "storage_full"
READ_ONLY = "storage_read_only"
DAMAGED = "storage_damaged"
BUSY = "storage_busy"
NEWER = "storage_newer"
FAILED = "storage_failed"

# primary result codes, see sqlite.org/rescode.html
_WORDS = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
}
_ERRNO_WORDS = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY, errno.EACCES: READ_ONLY}
# below this a transaction of a few pages and its log may not fit
ROOM_BYTES = 256 * 1024


class StoreFault(OperatorError):
    """The database cannot be used as asked.

    Args:
        reason: one of the words of this file.
        message: what went wrong and where, in one sentence.
        hint: what to do.
        status: exit status of a program that ends by it.
    """

    def __init__(self, reason: str, message: str, hint: str, status: int = STATUS_FAILED) -> None:
        super().__init__(message, hint, status)
        self.reason = reason


def of_driver(path: Path, error: BaseException | None) -> StoreFault:
    """Say what the driver met.

    Args:
        path: of the database.
        error: of `sqlite3`.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    reason = _WORDS.get(code, FAILED)
    if code == sqlite3.SQLITE_IOERR and not has_room(path.parent):
        reason = FULL  # the shared memory beside the file has no code of its own for this
    return StoreFault(reason, f"The database {path} failed: {error} ({reason}).", _hint(reason, path))


def of_system(path: Path, error: OSError) -> StoreFault:
    """Say what the operating system met at a file of the store; status 2, since nothing was begun yet."""
    reason = _ERRNO_WORDS.get(error.errno or 0, FAILED)
    hint = f"Run `tincall init --data {path.parent}`, and see that the folder is yours."
    if reason == FULL or error.errno == errno.EROFS:
        hint = _hint(reason, path)
    return StoreFault(reason, f"The database {path} cannot be opened: {error.strerror}.", hint, STATUS_USAGE)


def cannot_write(what: Path, error: OSError) -> StoreFault:
    """Say that a file or folder that is to be made cannot be; status 1, as of a thing that was asked for and failed."""
    reason = _ERRNO_WORDS.get(error.errno or 0, FAILED)
    hint = "Make room there, or give another place." if reason == FULL else "Give another place, or see whose it is."
    return StoreFault(reason, f"{what} cannot be written: {error.strerror} ({reason}).", hint)


def damaged(path: Path, problems: list[str]) -> StoreFault:
    """Say that a check found damage; the first finding stands for all."""
    why = f"The database {path} is damaged: {problems[0]} ({DAMAGED})."
    return StoreFault(DAMAGED, why, _hint(DAMAGED, path))


def has_room(folder: Path) -> bool:
    """Tell whether the disk has room for a few more transactions; True where it cannot be told."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return True
    return disk.f_bavail * disk.f_frsize >= ROOM_BYTES


def no_room(path: Path) -> StoreFault:
    """Say that the disk is as good as full."""
    return StoreFault(FULL, f"The disk of {path} is full ({FULL}).", _hint(FULL, path))


def waiting(path: Path, records: int) -> StoreFault:
    """Say that the disk refused call records, which wait in memory."""
    why = f"{records} call records wait until {path} can be written ({FULL})."
    return StoreFault(FULL, why, _hint(FULL, path))


def _hint(reason: str, path: Path) -> str:
    return {
        FULL: "Make room on that disk; the relay goes on by itself, and writes down what it could not.",
        READ_ONLY: f"See that {path.parent} is yours to write, and that its disk is not mounted read-only.",
        DAMAGED: f"Put a backup in its place: `tincall restore FILE --data {path.parent} --replace` keeps the old one.",
        BUSY: "Another program has the file open; end it.",
        FAILED: f"See that the disk of {path.parent} works, and how many files this process may open.",
    }[reason]

"""Puts several files of a data folder in the place of others as one step: a certificate and its key belong together.

The new files are made whole in `change.part`. Its new name, `change.new`, is the moment from which the change holds; then each
file goes into its place. If power fails before that moment, a reader finds the folder as it was (and a `change.part`, which
the next change removes); after it, `finish` goes on where it stopped, which a relay does before it reads anything. A file
that is empty in a change stands for none: what has its name is removed.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tincall.files import sync_folder, write
from tincall.relay.store.faults import cannot_write
from tincall.settings import DataFolder

PART, NEW = "change.part", "change.new"
STAGED, DECIDED, MOVED = "staged", "decided", "moved"


def _nothing(step: str) -> None:
    """Go on."""


def change(
    folder: DataFolder, files: Mapping[Path, tuple[bytes, int]], reached: Callable[[str], None] = _nothing
) -> None:
    """Put files into a data folder, all or none of them; see this file's head for power that fails.

    Args:
        folder: the data folder.
        files: contents and mode of each, by its place directly in the folder; empty contents remove it.
        reached: hears of `STAGED`, of `DECIDED`, and of `MOVED` after each file; for tests.

    Raises:
        OperatorError: the folder cannot be written.
    """
    part = folder.root / PART
    try:
        with _alone(folder.root):
            _finish(folder.root, reached)
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(mode=0o700)
            for place, (data, mode) in files.items():
                write(part / place.name, data, mode)
            sync_folder(part)
            reached(STAGED)
            part.rename(folder.root / NEW)
            sync_folder(folder.root)
            reached(DECIDED)
            _finish(folder.root, reached)
    except OSError as error:
        raise cannot_write(folder.root, error) from None


def finish(folder: DataFolder) -> bool:
    """Go on with a change that power or a kill stopped after it was decided; False: there is none.

    Raises:
        OperatorError: the folder cannot be written.
    """
    if not (folder.root / NEW).exists():
        return False
    try:
        with _alone(folder.root):
            return _finish(folder.root, _nothing)
    except OSError as error:
        raise cannot_write(folder.root, error) from None


def _finish(root: Path, reached: Callable[[str], None]) -> bool:
    new = root / NEW
    if not new.exists():
        return False
    for staged in sorted(new.iterdir()):
        if staged.stat().st_size:
            staged.replace(root / staged.name)
        else:
            (root / staged.name).unlink(missing_ok=True)
            staged.unlink()
        reached(MOVED)
    sync_folder(root)  # before the decision is forgotten
    new.rmdir()
    sync_folder(root)
    return True


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one process at a time change the folder's files; the lock goes with the process."""
    held = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)

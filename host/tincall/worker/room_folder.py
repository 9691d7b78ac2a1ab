"""A folder of its own for one room end, gone when nobody needs it any more, whoever dies how.

All folders of a user stand in one place. Each is locked (flock) by a descriptor that its room end inherits, so the lock
lasts until the last of the two processes is gone. Whoever makes a folder first removes those that nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

from callcore.errors import LocalError


class RoomFolder:
    """A new empty folder, readable by this user only.

    Args:
        place: where all folders stand; made if missing.

    Attributes:
        path: the folder.
        lock_fd: what a process must inherit that uses it.

    Raises:
        LocalError: the place belongs to somebody else, or no folder can be made.
    """

    def __init__(self, place: Path | None = None) -> None:
        place = place or default_place()
        try:
            place_fd = _open_place(place)
            try:
                # nobody sweeps between the making of a folder and its lock
                fcntl.flock(place_fd, fcntl.LOCK_EX)
                _sweep(place)
                self.path = Path(tempfile.mkdtemp(prefix="room-", dir=place))
                self.lock_fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
                fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            finally:
                os.close(place_fd)
        except OSError as error:
            raise LocalError(f"no folder for a room end can be made in {place}: {error.strerror}") from None
        self._is_open = True

    def remove(self) -> None:
        """Remove the folder with all that is in it; idempotent."""
        if self._is_open:
            self._is_open = False
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self.lock_fd)


def default_place() -> Path:
    """Name the place where this user's folders stand."""
    return Path(tempfile.gettempdir()) / f"tincall-rooms-{os.getuid()}"


def _open_place(place: Path) -> int:
    """Open the place, made if missing, and see that nobody else can write there."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    facts = os.fstat(fd)
    if facts.st_uid != os.getuid() or stat.S_IMODE(facts.st_mode) & 0o022:
        os.close(fd)
        raise LocalError(f"{place} belongs to somebody else or others may write there; remove it, or set TMPDIR")
    return fd


def _sweep(place: Path) -> None:
    """Remove the folders that nobody holds."""
    for folder in place.glob("room-*"):
        try:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            # gone meanwhile, or no folder of ours
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(fd)

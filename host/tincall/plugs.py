"""Where emulated boards that run can be found: a symbolic link to each board's pseudo-terminal, in a folder of the user's own.

A link is named after the board's folder. Beside it lies a file that its runner keeps locked: a link whose file is not locked
was left by a runner that died, and what it points to may be somebody's terminal by now.
"""

import fcntl
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tincall.errors import OperatorError


@dataclass(frozen=True)
class Plug:
    """A port of an emulated board.

    Args:
        name: as its link is called.
        link: the link, the same for each start of the board.
        device: the pseudo-terminal that it points to now.
    """

    name: str
    link: Path
    device: str


def folder() -> Path:
    """Name the folder; it need not be there."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "tincall" / "ports"
    return Path(tempfile.gettempdir()) / f"tincall-{os.getuid()}" / "ports"


def plugged() -> list[Plug]:
    """Give the ports of the emulated boards that run, by name."""
    at = folder()
    if not at.is_dir() or not _is_ours(at):
        return []
    return [
        Plug(link.name, link, os.readlink(link))
        for link in sorted(at.iterdir())
        if link.is_symlink() and _is_locked(_lock_of(link))
    ]


class Socket:
    """The place of one board in the folder, kept until `leave`.

    Args:
        name: what the board would like to be called; a number is appended when another board is called so.

    Raises:
        OperatorError: the folder is not the user's own, or cannot be made.
    """

    def __init__(self, name: str) -> None:
        at = folder()
        try:
            for part in (at.parent, at):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OperatorError(f"{at} cannot be made: {error.strerror}", "Set XDG_RUNTIME_DIR to your own.") from error
        if not _is_ours(at):
            raise OperatorError(f"{at} belongs to others", "Set XDG_RUNTIME_DIR to a folder of your own.")
        number = 1
        while (lock := _take(at, name if number == 1 else f"{name}-{number}")) is None:
            number += 1
        self._lock = lock
        self.link = at / (name if number == 1 else f"{name}-{number}")
        self.link.unlink(missing_ok=True)

    def plug(self, device: str) -> None:
        """Let the link point to a pseudo-terminal."""
        new = self.link.with_name(f".{self.link.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(device)
        new.replace(self.link)

    def unplug(self) -> None:
        """Take the link away, as a cable that is pulled does."""
        self.link.unlink(missing_ok=True)

    def leave(self) -> None:
        """Give the name back."""
        self.unplug()
        _lock_of(self.link).unlink(missing_ok=True)
        os.close(self._lock)


def _lock_of(link: Path) -> Path:
    return link.with_name(f".{link.name}.lock")


def _take(at: Path, name: str) -> int | None:
    path = _lock_of(at / name)
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(path) and os.stat(path).st_ino == os.fstat(lock).st_ino:
                return lock  # and not one that its last owner was just taking away
        except BlockingIOError:
            os.close(lock)
            return None
        os.close(lock)


def _is_locked(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _is_ours(at: Path) -> bool:
    found = at.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022

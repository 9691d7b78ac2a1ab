"""The folder that is an emulated board: its flash, its number, its storage, and the lock that lets one runner have it.

| name | is |
|---|---|
| `flash/` | the board's file system, working directory of the firmware |
| `flash.img` | the flash of a board on a cable, an image of LittleFS |
| `nvs.json`, `nvs.old` | non-volatile storage, and what its pages still show of what was replaced |
| `clock` | by how many seconds its calendar is off the computer's, when it has one of its own |
| `uid` | the chip's number, 12 hexadecimal digits |
| `control.sock` | where a running board takes requests |
| `board.log` | what the board said, one JSON object a line; `board.log.1` is the older part |
| `lock` | held while a runner has the folder |
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from pathlib import Path

from tincall.errors import STATUS_USAGE, OperatorError

# what `tincall.settings.DataFolder` has in every relay's folder
SETTINGS = "tincall.toml"
_UID = re.compile(r"[0-9a-f]{12}")


class BoardFolder:
    """Paths of one board and its lock.

    Args:
        path: the folder; made by `take` when it is not there.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self.flash = self.path / "flash"
        self.image = self.path / "flash.img"
        self.socket = self.path / "control.sock"
        self.log = self.path / "board.log"
        self.clock = self.path / "clock"
        self._lock: int | None = None

    def is_board(self) -> bool:
        """Tell whether a board was ever enrolled, claimed or switched on here."""
        return self.flash.is_dir()

    def take(self) -> None:
        """Make what is missing and lock the folder; held until `release` or the end of the process.

        Raises:
            OperatorError: the folder cannot be used, or another runner has it.
        """
        if (self.path / SETTINGS).exists():
            hint = "Give the board a folder of its own."
            raise OperatorError(f"{self.path} is the data folder of a relay.", hint, STATUS_USAGE)
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.flash.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise OperatorError(
                f"{self.path} cannot be a board's folder: {error.strerror}",
                "Name a folder that you may write to.",
                STATUS_USAGE,
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise OperatorError(
                f"a board runs in {self.path} already", "Stop it first, or give this one a folder of its own."
            ) from error
        self._lock = lock

    def release(self) -> None:
        """Let others have the folder."""
        self.socket.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def set_clock(self, unix_s: int) -> None:
        """Let the board's own calendar show a time, seconds since 1970, as `fakes/common/fake_clock.py` sets it."""
        new = self.clock.with_suffix(".new")
        new.write_text(f"{unix_s - int(time.time()):+d}\n")
        new.replace(self.clock)

    def uid(self) -> str:
        """Give the chip's number, drawn at random when the folder has none yet.

        Raises:
            OperatorError: the file holds something else.
        """
        file = self.path / "uid"
        try:
            uid = file.read_text().strip()
        except FileNotFoundError:
            # locally administered, so that it is nobody's real address
            uid = "02" + secrets.token_hex(5)
            new = file.with_suffix(".new")
            new.write_text(uid + "\n")
            new.replace(file)
        if not _UID.fullmatch(uid):
            raise OperatorError(f"{file} is not a chip's number", "It holds 12 hexadecimal digits; or delete it.")
        return uid

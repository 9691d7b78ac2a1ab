"""What a board says of itself, read from the answer of `on_board.FACTS`; decided here is only what the words mean."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tincall.errors import OperatorError

EMULATED = "emulated"
# the first line of the main.py that finishes an install, see installer.py
UNFINISHED = "# tincall: an install that goes on at power-up"


@dataclass(frozen=True)
class Facts:
    """A board, as its interpreter describes it.

    Args:
        version: of MicroPython, three numbers.
        platform: such as `esp32`.
        machine: what the interpreter calls the hardware, such as `Generic ESP32S3 module with ESP32S3`.
        mpy: `sys.implementation._mpy`; 0 when it loads no compiled files.
        bits: size of a machine word.
        uid: the chip's unique id as hex; empty when it has none.
        block_bytes, free_bytes, total_bytes: of the file system at `/`.
        file_system: `littlefs`, `fat`, or empty when the interpreter cannot tell.
        firmware: version of our firmware that is installed; empty when there is none.
        board: which board that firmware is for; empty when there is none.
        main: `ours`, `unfinished` (an install was cut and goes on at the next start), `other` or empty.
        shadow: where a module of our firmware is found that comes before the one in `/lib`; empty when nowhere.
    """

    version: tuple[int, int, int]
    platform: str
    machine: str
    mpy: int
    bits: int
    uid: str
    block_bytes: int
    free_bytes: int
    total_bytes: int
    file_system: str
    firmware: str
    board: str
    main: str
    shadow: str

    @property
    def chip(self) -> str:
        """Name the chip as board.json does, such as `esp32s3` or `emulated`; empty when it is none that is known."""
        if self.platform == "linux":
            return EMULATED
        found = re.search(r"with (ESP32\w*)\s*$", self.machine, re.IGNORECASE)
        return found[1].lower() if found else ""

    @property
    def arch(self) -> str:
        """Name the machine code it runs as mpy-cross does; empty when it runs none that there is firmware for."""
        from tincall.workbench import boards

        try:
            return boards.arch_of(self.mpy)
        except OperatorError:
            return ""

    @property
    def mpy_version(self) -> tuple[int, int]:
        """Give version and sub-version of the compiled files it loads."""
        return self.mpy & 0xFF, self.mpy >> 8 & 3

    @property
    def micropython(self) -> str:
        """Write its version for people."""
        return ".".join(map(str, self.version))


def decode(answer: str) -> Facts:
    """Read the answer of `on_board.FACTS`.

    Raises:
        ValueError: it is none.
    """
    try:
        told: dict[str, Any] = json.loads(answer)
        installed = told["installed"] if isinstance(told["installed"], dict) else {}
        major, minor, patch = told["version"]
        return Facts(
            version=(int(major), int(minor), int(patch)),
            platform=str(told["platform"]),
            machine=str(told["machine"]),
            mpy=int(told["mpy"]),
            bits=int(told["bits"]),
            uid=str(told["uid"]),
            block_bytes=int(told["block"]),
            free_bytes=int(told["free"]),
            total_bytes=int(told["total"]),
            file_system=_file_system(told["fs"]),
            firmware=str(installed.get("version", "")),
            board=str(installed.get("board", "")),
            main=_main(told["main"]),
            shadow=str(told["shadow"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not what a board says of itself: {error}") from None


def _file_system(text: str) -> str:
    if "Lfs" in text:
        return "littlefs"
    return "fat" if "Fat" in text else ""


def _main(text: str) -> str:
    if not text:
        return ""
    if UNFINISHED in text:
        return "unfinished"
    return "ours" if "from handset import" in text else "other"

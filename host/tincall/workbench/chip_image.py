"""A firmware file for ESP32 chips, read without a chip: what it is for, what is in it, and whether it is whole.

A file that fills a bare chip is, from the address where the chip starts: a bootloader image, a partition table at 0x8000, the
application. Layout by Espressif's documents "Firmware Image Format" (header of 8 and extended header of 16 bytes, segments, a
check byte at a multiple of 16, SHA-256) and "Partition Tables" (entries of 32 bytes).
"""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from tincall.errors import STATUS_USAGE, OperatorError

MAGIC = 0xE9
# number in the extended header (Espressif, "Firmware Image Format", chip id)
CHIPS = {0: "esp32", 2: "esp32s2", 5: "esp32c3", 9: "esp32s3", 12: "esp32c2", 13: "esp32c6", 16: "esp32h2"}
_HEADER = struct.Struct("<BBBBI B3sHBHH4sB")
_CHECK_SEED = 0xEF
_TABLE_AT = 0x8000
_TABLE_BYTES = 0xC00
_ENTRY = struct.Struct("<HBBII16sI")
_ENTRY_MAGIC = 0x50AA
_APP_DESCRIPTION = struct.Struct("<I12x32s32s")
_APP_MAGIC = 0xABCD5432
_APP = 0
_SECTOR = 4096
# what people take for a firmware file
_OTHERS = {
    b"UF2\n": "a UF2 file",
    b"\x7fELF": "an ELF file",
    b"PK": "a ZIP archive",
    b"<": "a web page",
    b"\x1f\x8b": "packed",
}


@dataclass(frozen=True)
class Partition:
    """One entry of the partition table: `app` or not, with offset and size in bytes."""

    name: str
    is_app: bool
    offset: int
    size: int


@dataclass(frozen=True)
class ChipImage:
    """What a firmware file says of itself.

    Args:
        chip: for which chip, as esptool names it.
        flash_bytes: for how large a flash.
        content: the whole file.
        project, version: what the application is called; empty where it does not say.
        partitions: of its table.
    """

    chip: str
    flash_bytes: int
    content: bytes
    project: str
    version: str
    partitions: tuple[Partition, ...]

    def files_at(self, flash_bytes: int) -> tuple[int, int]:
        """Give offset and size of the partition in which the interpreter keeps its files.

        A table that has none leaves the rest of the flash to it (MicroPython, ports/esp32).

        Args:
            flash_bytes: size of the chip's flash.
        """
        for one in self.partitions:
            if one.name in ("vfs", "ffat"):
                return one.offset, one.size
        end = max((one.offset + one.size for one in self.partitions), default=0)
        start = -(-end // _SECTOR) * _SECTOR
        return start, flash_bytes - start


def read(file: Path, offset: int) -> ChipImage:
    """Read a firmware file and check it from end to end.

    Args:
        file: where it is.
        offset: where on the flash it goes.

    Raises:
        OperatorError: it cannot be read, is something else, or is damaged.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise OperatorError(
            f"{file} cannot be read: {error.strerror}", "Name the firmware file.", STATUS_USAGE
        ) from None
    try:
        return parse(content, offset)
    except ValueError as error:
        hint = "Take a .bin file of MicroPython for this board, as it is offered for download, and download it again."
        raise OperatorError(f"{file} is no firmware for a bare chip: {error}", hint, STATUS_USAGE) from None


def parse(content: bytes, offset: int) -> ChipImage:
    """Read the bytes of a firmware file.

    Raises:
        ValueError: it is something else, or damaged; the text says what.
    """
    for start, what in _OTHERS.items():
        if content.startswith(start):
            raise ValueError(f"it is {what}")
    size_code, chip = _walk(content, 0, "its start-up code")
    partitions = _table(content[max(0, _TABLE_AT - offset) :][:_TABLE_BYTES])
    apps = [one for one in partitions if one.is_app]
    if not apps:
        raise ValueError("it has no partition table, so it is an application alone, for updates over the air")
    at = apps[0].offset - offset
    if at < 0:
        raise ValueError("its partition table is damaged")
    app = _walk(content, at, "its application")
    if app[1] != chip:
        raise ValueError("its start-up code and its application are for different chips")
    project, version = _description(content[at:])
    return ChipImage(chip, 1 << (20 + size_code), content, project, version, partitions)


def _walk(content: bytes, at: int, what: str) -> tuple[int, str]:
    """Go through an image and check it; gives the code of the flash size and the chip."""
    if len(content) < at + _HEADER.size or content[at] != MAGIC:
        is_cut = len(content) <= at or content[at] == MAGIC
        raise ValueError(f"{what} is cut off" if is_cut else f"{what} does not begin with 0xE9")
    _, segments, _, sizes, _, _, _, chip_id, _, _, _, _, has_hash = _HEADER.unpack_from(content, at)
    if chip_id not in CHIPS:
        raise ValueError(f"{what} is for a chip with the number {chip_id}, which is not known")
    here, check = at + _HEADER.size, _CHECK_SEED
    for _ in range(segments):
        if len(content) < here + 8:
            raise ValueError(f"{what} is cut off")
        size = int.from_bytes(content[here + 4 : here + 8], "little")
        here += 8 + size
        if size % 4 or len(content) < here:
            raise ValueError(f"{what} is cut off")
        # bytes are summed by exclusive or, 8 of each 4 at once: an integer of them all would do the same, slowly
        check ^= _xor(content[here - size : here])
    here = at + (here - at) // 16 * 16 + 16  # the check byte is the last of its 16
    if len(content) < here + (32 if has_hash else 0):
        raise ValueError(f"{what} is cut off")
    if content[here - 1] != check:
        raise ValueError(f"{what} is damaged: its check byte is wrong")
    if has_hash and hashlib.sha256(content[at:here]).digest() != content[here : here + 32]:
        raise ValueError(f"{what} is damaged: its hash is wrong")
    return sizes >> 4, CHIPS[chip_id]


def _xor(data: bytes) -> int:
    """Give the exclusive or of all bytes, by halving."""
    number, size = int.from_bytes(data, "little"), len(data)
    while size > 1:
        half = size // 2
        number, size = (number >> (8 * half)) ^ (number & ((1 << (8 * half)) - 1)), size - half
    return number


def _table(data: bytes) -> tuple[Partition, ...]:
    found = []
    for at in range(0, len(data) - _ENTRY.size + 1, _ENTRY.size):
        magic, kind, _, offset, size, name, _ = _ENTRY.unpack_from(data, at)
        if magic != _ENTRY_MAGIC:
            break
        found.append(Partition(_text(name), kind == _APP, offset, size))
    return tuple(found)


def _description(app: bytes) -> tuple[str, str]:
    """Give project and version of an application's description, which is the beginning of its first segment."""
    magic, version, project = _APP_DESCRIPTION.unpack_from(app.ljust(200, b"\0"), _HEADER.size + 8)
    if magic != _APP_MAGIC:
        return "", ""
    return _text(project), _text(version)


def _text(padded: bytes) -> str:
    return padded.split(b"\0")[0].decode("ascii", "replace")

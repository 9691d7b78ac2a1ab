"""Firmware files for ESP32 chips, made by the rules of the format, for tests that have no chip and no real firmware."""

import hashlib
import struct

CHIP_IDS = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c6": 13}
MIB = 1 << 20
# name, type, subtype, offset, size: as stock MicroPython has them for 4 MiB, with the partition for files and without
TABLE = (("nvs", 1, 2, 0x9000, 0x6000), ("phy_init", 1, 1, 0xF000, 0x1000), ("factory", 0, 0, 0x10000, 0x1F0000))
TABLE_WITH_FILES = (*TABLE, ("vfs", 1, 0x81, 0x200000, 0x200000))


def chip_image(chip: str, segments: list[bytes], flash_bytes: int = 4 * MIB) -> bytes:
    """Make one image: header, segments, check byte, hash."""
    sizes = (flash_bytes // MIB).bit_length() - 1 << 4
    made = struct.pack("<BBBBI", 0xE9, len(segments), 2, sizes, 0x40080000)
    made += struct.pack("<B3sHBHH4sB", 0xEE, b"\0" * 3, CHIP_IDS[chip], 0, 0, 0xFFFF, b"\0" * 4, 1)
    check = 0xEF
    for number, segment in enumerate(segments):
        made += struct.pack("<II", 0x3C000020 + 0x10000 * number, len(segment)) + segment
        for byte in segment:
            check ^= byte
    made += b"\0" * (15 - len(made) % 16) + bytes([check])
    return made + hashlib.sha256(made).digest()


def application(chip: str, version: str = "v1.25.0", project: str = "micropython", flash_bytes: int = 4 * MIB) -> bytes:
    """Make an application with its description."""
    told = struct.pack("<II8s32s32s", 0xABCD5432, 0, b"", version.encode(), project.encode())
    return chip_image(chip, [told.ljust(256, b"\0"), bytes(range(256)) * 40], flash_bytes)


def firmware(chip: str, table=TABLE, flash_bytes: int = 4 * MIB, version: str = "v1.25.0") -> bytes:
    """Make a file for a bare chip: start-up code, partition table, application, from where the chip starts."""
    start = 0x1000 if chip in ("esp32", "esp32s2") else 0
    entries = b"".join(
        struct.pack("<HBBII16sI", 0x50AA, kind, sub, offset, size, name.encode(), 0)
        for name, kind, sub, offset, size in table
    )
    made = chip_image(chip, [b"boot" * 500], flash_bytes).ljust(0x8000 - start, b"\xff")
    made += (entries + b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries).digest()).ljust(0xC00, b"\xff")
    return made.ljust(0x10000 - start, b"\xff") + application(chip, version, flash_bytes=flash_bytes)

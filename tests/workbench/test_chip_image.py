"""A firmware file is read from end to end, agrees with Espressif's own tool, and is refused when it is something else."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from support import esp_files
from support.esp_files import MIB

from tincall.errors import OperatorError
from tincall.workbench import chip_image

OFFSETS = {"esp32": 0x1000, "esp32s3": 0, "esp32c3": 0, "esp32c6": 0}


@pytest.mark.parametrize("chip", OFFSETS)
def test_a_whole_file_says_what_it_is_for(chip: str) -> None:
    read = chip_image.parse(esp_files.firmware(chip, flash_bytes=8 * MIB), OFFSETS[chip])
    assert (read.chip, read.flash_bytes, read.project, read.version) == (chip, 8 * MIB, "micropython", "v1.25.0")
    assert [one.name for one in read.partitions] == ["nvs", "phy_init", "factory"]


def test_espressifs_tool_finds_the_same_in_it(tmp_path: Path) -> None:
    """The judge of our reader and of the files the tests make."""
    file = tmp_path / "app.bin"
    file.write_bytes(esp_files.application("esp32s3", flash_bytes=8 * MIB))
    command = [sys.executable, "-m", "esptool", "--chip", "esp32s3", "image-info", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "9 (ESP32-S3)" in told and "Flash size: 8MB" in told and "Project name: micropython" in told
    assert "App version: v1.25.0" in told
    assert told.count("(valid)") == 2, "check byte and hash"


def test_the_place_for_files_is_in_the_table_or_is_what_it_leaves() -> None:
    told = chip_image.parse(esp_files.firmware("esp32s3", esp_files.TABLE_WITH_FILES), 0)
    assert told.files_at(8 * MIB) == (0x200000, 0x200000)
    left = chip_image.parse(esp_files.firmware("esp32s3"), 0)
    assert left.files_at(8 * MIB) == (0x200000, 6 * MIB)


def damaged(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


WHOLE = esp_files.firmware("esp32c3")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cut off"),
        (b"\xe9" + b"\0" * 10, "cut off"),
        (b"UF2\nxxxx", "UF2"),
        (b"\x7fELF....", "ELF"),
        (b"PK\x03\x04", "ZIP"),
        (b"<!doctype html><title>Not found</title>", "web page"),
        (b"\0" * 100_000, "does not begin with 0xE9"),
        (esp_files.application("esp32c3"), "updates over the air"),
        (WHOLE[:-40], "its application is cut off"),
        (WHOLE[:0x10010], "its application is cut off"),
        (WHOLE[:0x9000], "its application is cut off"),
        (WHOLE[:0x10000] + b"\xff" * 9999, "its application does not begin with 0xE9"),
        (damaged(WHOLE, 200), "start-up code is damaged: its check byte"),
        (damaged(WHOLE, len(WHOLE) - 1), "application is damaged: its hash"),
        (damaged(WHOLE, len(WHOLE) - 5000), "application is damaged"),
        (WHOLE[:12] + b"\x63" + WHOLE[13:], "number 99"),
        (WHOLE[:0x10000] + esp_files.application("esp32s3"), "different chips"),
    ],
)
def test_what_is_no_whole_firmware_for_a_bare_chip_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "file.bin"
    file.write_bytes(content)
    with pytest.raises(OperatorError, match=why) as told:
        chip_image.read(file, 0)
    assert told.value.status == 2 and "download" in told.value.hint


def test_an_application_before_the_file_is_refused() -> None:
    early = esp_files.firmware("esp32", (("factory", 0, 0, 0, 0x10000),))
    with pytest.raises(ValueError, match="partition table is damaged"):
        chip_image.parse(early, 0x1000)


def test_whatever_is_in_a_file_it_is_read_or_refused() -> None:
    draw = random.Random(8)
    for _ in range(2000):
        content = bytearray(WHOLE[: draw.choice((len(WHOLE), draw.randrange(len(WHOLE))))])
        for _ in range(draw.randrange(1, 6)):
            if content:
                at = draw.choice((draw.randrange(64), 0x8000 + draw.randrange(128), 0x10000 + draw.randrange(64)))
                content[at % len(content)] = draw.randrange(256)
        try:
            chip_image.parse(bytes(content), draw.choice((0, 0x1000)))
        except ValueError as why:
            assert len(str(why)) < 200


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read: No such file"):
        chip_image.read(tmp_path / "none.bin", 0)

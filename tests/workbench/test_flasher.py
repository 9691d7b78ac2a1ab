"""Nothing is written to a chip that it is not for, and files only into the partition they were made for."""

from dataclasses import replace

import pytest
from support import esp_files
from support.esp_files import MIB

from tincall.errors import OperatorError
from tincall.workbench import boards, chip_image, flash_image, flasher
from tincall.workbench.chip_program import Chip

BOARD = boards.load("ESP32S3_INMP441_MAX98357A")
IMAGE = chip_image.parse(esp_files.firmware("esp32s3"), 0)


def test_what_fits_passes() -> None:
    assert flasher.judge_board(BOARD) == 0
    flasher.judge_image(BOARD, IMAGE)
    for size in (4 * MIB, 16 * MIB):
        flasher.judge_chip(BOARD, IMAGE, Chip("esp32s3", size))


def test_a_process_is_not_flashed() -> None:
    with pytest.raises(OperatorError, match="no chip"):
        flasher.judge_board(boards.load("EMULATED"))


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (
            chip_image.parse(esp_files.firmware("esp32c3"), 0),
            "is for esp32c3, and ESP32S3_INMP441_MAX98357A has esp32s3",
        ),
        (replace(IMAGE, version="v1.24.1"), "MicroPython v1.24.1, and 1.25 is the oldest"),
    ],
)
def test_firmware_for_another_chip_or_too_old_is_refused_with_where_to_get_it(image, why: str) -> None:
    with pytest.raises(OperatorError, match=why) as told:
        flasher.judge_image(BOARD, image)
    assert "ESP32_GENERIC_S3" in told.value.hint and told.value.status == 2


def test_firmware_that_does_not_say_its_version_is_taken() -> None:
    for project, version in (("", ""), ("other", "v0.1"), ("micropython", "unknown")):
        flasher.judge_image(BOARD, replace(IMAGE, project=project, version=version))


@pytest.mark.parametrize(
    ("image", "chip", "why"),
    [
        (IMAGE, Chip("esp32c3", 8 * MIB), "the chip is esp32c3"),
        (IMAGE, Chip("esp32s3", 0), "does not know its flash"),
        (IMAGE, Chip("esp32s3", 2 * MIB), "flash has 2 MiB, and ESP32S3_INMP441_MAX98357A needs 4 MiB"),
        (replace(IMAGE, flash_bytes=8 * MIB), Chip("esp32s3", 4 * MIB), "this firmware file needs 8 MiB"),
        (replace(IMAGE, content=b"x" * (5 * MIB)), Chip("esp32s3", 4 * MIB), "this firmware file needs 5 MiB"),
    ],
)
def test_a_chip_that_is_another_or_too_small_is_refused(image, chip: Chip, why: str) -> None:
    with pytest.raises(OperatorError, match=why):
        flasher.judge_chip(BOARD, image, chip)


def test_files_go_only_into_a_partition_of_just_their_size() -> None:
    made = flash_image.make({"/main.py": b"x"}, 2 * MIB)
    assert flasher.place_of_files(IMAGE, Chip("esp32s3", 4 * MIB), made) == 0x200000
    with pytest.raises(OperatorError, match="not for a partition of 6144 KiB") as told:
        flasher.place_of_files(IMAGE, Chip("esp32s3", 8 * MIB), made)
    assert "--flash-mib 8" in told.value.hint

"""What a board says of itself: numbers and names as other programs know them, and nothing taken for granted."""

import json
from typing import Any

import pytest

from tincall.workbench import facts

SAID: dict[str, Any] = {
    "version": [1, 26, 1],
    "platform": "esp32",
    "machine": "Generic ESP32S3 module with Octal-SPIRAM with ESP32S3",
    "mpy": 10 << 10 | 3 << 8 | 6,
    "bits": 32,
    "uid": "a0b1c2d3e4f5",
    "block": 4096,
    "free": 1 << 20,
    "total": 2 << 20,
    "fs": "<VfsLfs2>",
    "installed": {"version": "0.1.0", "board": "SOME"},
    "main": "from handset import heap",
    "shadow": "",
}


def read(**changes: Any) -> facts.Facts:
    return facts.decode(json.dumps(SAID | changes))


def test_a_board_with_our_firmware() -> None:
    found = read()
    assert (found.chip, found.arch, found.mpy_version, found.micropython) == ("esp32s3", "xtensawin", (6, 3), "1.26.1")
    assert (found.firmware, found.board, found.main, found.file_system) == ("0.1.0", "SOME", "ours", "littlefs")


@pytest.mark.parametrize(
    ("machine", "platform", "chip"),
    [
        ("ESP32C3 module with ESP32C3", "esp32", "esp32c3"),
        ("Generic ESP32 module with ESP32", "esp32", "esp32"),
        ("M5Stack AtomS3 Lite with ESP32S3", "esp32", "esp32s3"),
        ("Raspberry Pi Pico with RP2040", "rp2", ""),
        ("linux [GCC 14.2.0] version", "linux", "emulated"),
    ],
)
def test_the_chip_is_read_from_what_the_interpreter_calls_its_hardware(machine: str, platform: str, chip: str) -> None:
    assert read(machine=machine, platform=platform).chip == chip


def test_numbers_of_the_compiled_format_as_boards_have_told_them() -> None:
    assert [read(mpy=number).arch for number in (2822, 1798, 12038, 0)] == ["x64", "x86", "rv32imc", ""]


def test_what_main_py_is() -> None:
    assert [read(main=text).main for text in ("", "print(1)", "?", facts.UNFINISHED + "\nimport os")] == [
        *("", "other", "other", "unfinished")
    ]


def test_a_marker_that_is_damaged_is_none() -> None:
    assert read(installed=None).firmware == "" and read(installed=[1]).board == ""


@pytest.mark.parametrize(
    "answer", ["", "[]", "{}", json.dumps(SAID | {"version": [1]}), json.dumps(SAID | {"free": []})]
)
def test_another_answer_is_none(answer: str) -> None:
    with pytest.raises(ValueError):
        facts.decode(answer)

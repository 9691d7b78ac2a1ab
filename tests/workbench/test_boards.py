"""The rule for board.json: what is wrong is named with its file and member, and every board of the checkout passes."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tincall import shipped
from tincall.errors import STATUS_FAILED, STATUS_USAGE, OperatorError
from tincall.workbench import boards

MODEL = "ESP32S3_INMP441_MAX98357A"


@pytest.fixture
def described() -> dict[str, Any]:
    """Give a description that is right."""
    text: dict[str, Any] = json.loads((boards.folder() / MODEL / "board.json").read_text())
    return text


def refused(folder: Path, text: Any) -> str:
    """Write a description and give what is said of it."""
    file = folder / MODEL / "board.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text if isinstance(text, str) else json.dumps(text))
    with pytest.raises(OperatorError) as refusal:
        boards.read(file)
    assert refusal.value.status == STATUS_USAGE and refusal.value.hint
    assert str(file) in refusal.value.message
    return refusal.value.message.removeprefix(f"{file}: ")


def test_every_board_is_known_by_its_name_and_in_small_letters() -> None:
    for name in boards.names():
        assert boards.load(name).id == boards.load(name.lower()).id == name
    assert {MODEL, "EMULATED"} <= set(boards.names())


def test_it_says_what_a_tool_needs() -> None:
    board = boards.load(MODEL)
    assert (board.arch, board.bootloader_offset, board.is_emulated) == ("xtensawin", 0, False)
    assert (board.buttons.call, board.lamp, board.duplex) == (1, 21, "full")
    assert boards.load("ESP32C3_INMP441_MAX98357A").arch == "rv32imc"
    emulated = boards.load("EMULATED")
    assert (emulated.arch, emulated.bootloader_offset, emulated.is_emulated) == (None, None, True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        board.lamp = 3  # type: ignore[misc]


def test_a_board_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(OperatorError) as refusal:
        boards.load("../EMULATED")
    assert refusal.value.status == STATUS_USAGE and MODEL in refusal.value.hint


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mcu": "rp2040"}, "mcu: input should be 'emulated', 'esp32'"),
        ({"id": "esp 32"}, "id: string should match"),
        ({"id": "ESP32"}, f"id: must be the name of its folder, {MODEL}"),
        ({"product": ""}, "product: string should have at least 1 character"),
        ({"vendor": 5}, "vendor: input should be a valid string"),
        ({"url": "http://example.com"}, "url."),
        ({"docs": "../README.md"}, "docs: input should be 'wiring.md'"),
        ({"status": "works"}, "status: input should be "),
        ({"status": "pins from documents, not tried"}, "sources: must name where the pins are from"),
        ({"sources": ["the maker"]}, "sources.0: must begin with https://"),
        ({"interpreters": []}, "interpreters: list should have at least 1 item"),
        ({"interpreters": ["unix"]}, "interpreters: must be "),
        ({"micropython": None}, "micropython: must be null for an emulated board, and only there"),
        ({"flash_bytes": 1024}, "flash_bytes: input should be greater than or equal to 4194304"),
        ({"flash_bytes": None}, "flash_bytes: must be null for an emulated board"),
        ({"flash_bytes": "4 MB"}, "flash_bytes: input should be a valid integer"),
        ({"psram_bytes": True}, "psram_bytes: input should be a valid integer"),
        ({"rates_hz": [8000]}, "rates_hz.0: input should be 16000"),
        ({"duplex": "two I2S peripherals"}, "duplex: input should be 'full' or 'half'"),
        ({"features": "WiFi"}, "features: input should be a valid"),
        ({"buttons": {"call": 1}}, "buttons.end: field required"),
        ({"buttons": {"call": 1, "end": 99}}, "buttons.end: input should be less than or equal to 54"),
        ({"button_active": 2}, "button_active: input should be less than or equal to 1"),
        ({"lamp": None}, "lamp: input should be a valid integer"),
        ({"lamp_active": -1}, "lamp_active: input should be greater than or equal to 0"),
        ({"bootloader": "4096"}, "bootloader: write it as 0x0 or 0x1000"),
        ({"bootloader": "0x1000"}, "bootloader: must be 0x0 on this chip"),
        ({"chips": ["wm8960"]}, "chips.0: input should be "),
        ({"parts": [{"name": "INMP441"}]}, "parts.0.wires: field required"),
        ({"parts": [{"name": "INMP441", "wires": {"VDD": "9V"}}]}, "parts.0.wires.VDD."),
        ({"pin_names": {"D0": "1"}}, "pin_names.D0."),
        ({"colour": "red"}, "colour: unexpected keyword argument"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_a_wrong_member_is_named(described: dict[str, Any], tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    assert refused(tmp_path, described | changes).startswith(said)


def test_a_member_that_is_missing_is_named(described: dict[str, Any], tmp_path: Path) -> None:
    optional = {"sources", "chips", "parts", "pin_names"}
    for member in described.keys() - optional:
        less = {name: value for name, value in described.items() if name != member}
        assert refused(tmp_path, less) == f"{member}: field required"


def test_what_is_no_description_at_all_is_refused(tmp_path: Path) -> None:
    assert "JSON" in refused(tmp_path, '{"id": ')
    assert refused(tmp_path, []) == "input should be an object"
    with pytest.raises(OperatorError, match=r"none/board.json: cannot be read: No such file"):
        boards.read(tmp_path / "none/board.json")


@pytest.mark.parametrize(
    ("mpy", "arch"), [(2822, "x64"), (1798, "x86"), (12038, "rv32imc"), (10 << 10 | 6, "xtensawin")]
)
def test_a_board_says_its_machine_code(mpy: int, arch: str) -> None:
    assert boards.arch_of(mpy) == arch


def test_machine_code_that_nobody_knows_is_refused() -> None:
    with pytest.raises(OperatorError, match=r"unknown kind \(0\)") as refusal:
        boards.arch_of(6)
    assert refusal.value.status == STATUS_FAILED and refusal.value.hint


def test_an_installed_package_has_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shipped, "root", lambda: tmp_path)
    assert boards.folder() == tmp_path / "boards" and boards.names() == []

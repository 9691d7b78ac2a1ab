"""What boards there are, and what is known of each: boards/*/board.json, read and judged.

`Board` is the one rule for board.json: a member that it does not name, lacks or finds wrong is an error that names file and
member. `tools/check.py` reads every board by it (tests/house/test_boards.py).
"""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from tincall import shipped
from tincall.errors import STATUS_USAGE, OperatorError

EMULATED = "EMULATED"
DESCRIPTION = "board.json"

Mcu = Literal["emulated", "esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6"]
# mpy-cross's name of each chip's machine code; that of an emulated board is its interpreter's
_ARCHES = {
    "esp32": "xtensawin",
    "esp32s2": "xtensawin",
    "esp32s3": "xtensawin",
    "esp32c3": "rv32imc",
    "esp32c6": "rv32imc",
}
# where the chip's own start-up code looks for the next program
_BOOTLOADERS = {"esp32": 0x1000, "esp32s2": 0x1000, "esp32s3": 0, "esp32c3": 0, "esp32c6": 0}
# numbers in `sys.implementation._mpy`, bits 10 to 13 (MicroPython, "MicroPython .mpy files")
_ARCH_NUMBERS = {1: "x86", 2: "x64", 7: "armv7emsp", 10: "xtensawin", 11: "rv32imc"}

_STRICT = ConfigDict(extra="forbid", strict=True)


def _offset(text: str) -> str:
    if not re.fullmatch(r"0x[0-9a-f]+", text):
        raise ValueError("write it as 0x0 or 0x1000")
    return text


def _link(text: str) -> str:
    if not re.fullmatch(r"https://\S+", text):
        raise ValueError("must begin with https://")
    return text


Pin = Annotated[int, Field(ge=0, le=54)]
Level = Annotated[int, Field(ge=0, le=1)]
Link = Annotated[str, AfterValidator(_link)]
Name = Annotated[str, Field(min_length=1, max_length=80)]


@dataclass(frozen=True, config=_STRICT)
class Buttons:
    """Pins of the two buttons.

    Args:
        call: dials, answers, mutes; held, it talks on a board that takes turns.
        end: rejects, hangs up.
    """

    call: Pin
    end: Pin


@dataclass(frozen=True, config=_STRICT)
class Part:
    """Something a person wires to the board.

    Args:
        name: as the shop calls it.
        wires: what each of its pins goes to: a pin of the chip, `3V3`, `5V` or `GND`.
    """

    name: Name
    wires: dict[Name, Pin | Literal["3V3", "5V", "GND"]]


@dataclass(frozen=True, config=_STRICT)
class Board:
    """A board, as its board.json has it.

    Args:
        id: its name: that of its folder, and what its firmware calls itself.
        mcu: the chip, as esptool names it; `emulated` for a process.
        product: what it is, for people.
        vendor: who makes it.
        url: the maker's page; empty when there is none.
        sources: pages that the pins are from.
        docs: file of its folder that says more.
        status: how far it was tried.
        interpreters: which MicroPython it runs: `esp32`, or those of the emulator.
        micropython: name of the stock firmware at micropython.org; None for an emulated board.
        flash_bytes: size of its flash; None for an emulated board.
        psram_bytes: size of its outer memory; None when there is none.
        rates_hz: samples a second that microphone and speaker can have.
        duplex: `full`: both ways at once; `half`: one way at a time, push to talk.
        features: for people.
        buttons, button_active: pins, and their level while held.
        lamp, lamp_active: pin, and its level while lit; 1 for a lamp of the kind WS2812.
        bootloader: where the firmware file goes in flash, such as `0x1000`; None for an emulated board.
        chips: files of firmware/chips that it needs.
        parts: what a person wires to it; empty for a board bought whole.
        pin_names: what the board's print calls a pin, where that is not its number.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,32}$")]
    mcu: Mcu
    product: Name
    vendor: Name
    url: Link | Literal[""]
    docs: Literal["wiring.md"]
    status: Literal["tried in every test", "not tried on hardware", "pins from documents, not tried"]
    interpreters: Annotated[list[Literal["esp32", "unix", "unix32", "cpython"]], Field(min_length=1)]
    flash_bytes: Annotated[int, Field(ge=4 << 20)] | None
    psram_bytes: Annotated[int, Field(ge=2 << 20)] | None
    rates_hz: Annotated[list[Literal[16000]], Field(min_length=1)]
    duplex: Literal["full", "half"]
    features: list[Name]
    buttons: Buttons
    button_active: Level
    lamp: Pin
    lamp_active: Level
    bootloader: Annotated[str, AfterValidator(_offset)] | None
    micropython: Annotated[str, Field(pattern=r"^ESP32_[A-Z0-9_-]+$")] | None
    sources: list[Link] = Field(default_factory=list)
    chips: list[Literal["es8311", "pi4ioe5v6408", "ws2812"]] = Field(default_factory=list)
    parts: list[Part] = Field(default_factory=list)
    pin_names: dict[Annotated[str, Field(pattern=r"^\d+$")], Name] = Field(default_factory=dict)

    @property
    def is_emulated(self) -> bool:
        """Tell whether it is a process of this computer."""
        return self.mcu == "emulated"

    @property
    def arch(self) -> str | None:
        """Name its machine code as mpy-cross does; None for an emulated board: ask its interpreter, see `arch_of`."""
        return _ARCHES.get(self.mcu)

    @property
    def bootloader_offset(self) -> int | None:
        """Give where the firmware file goes in flash; None for an emulated board."""
        return _BOOTLOADERS.get(self.mcu)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """Hold the members against each other."""
        if self.is_emulated != (self.interpreters != ["esp32"]):
            raise ValueError('interpreters: must be ["esp32"] on a chip, and those of the emulator elsewhere')
        for member in ("flash_bytes", "bootloader", "micropython"):
            if (getattr(self, member) is None) != self.is_emulated:
                raise ValueError(f"{member}: must be null for an emulated board, and only there")
        if self.bootloader is not None and int(self.bootloader, 16) != self.bootloader_offset:
            raise ValueError(f"bootloader: must be {self.bootloader_offset:#x} on this chip")
        if self.status.startswith("pins from") and not self.sources:
            raise ValueError("sources: must name where the pins are from")
        return self


_JUDGE = TypeAdapter(Board)


def folder() -> Path:
    """Give the folder that has one folder for each board."""
    return shipped.root() / "boards"


def names() -> list[str]:
    """Name the boards there are."""
    return sorted(file.parent.name for file in folder().glob(f"*/{DESCRIPTION}"))


def load(name: str) -> Board:
    """Give a board.

    Args:
        name: as `names` has it; small letters will do.

    Raises:
        OperatorError: there is no such board, or its board.json is wrong; it names the member.
    """
    known = names()
    name = name.upper()
    if name not in known:
        raise OperatorError(f"there is no board {name!r}", f"Choose one of {', '.join(known)}.", STATUS_USAGE)
    return read(folder() / name / DESCRIPTION)


def read(file: Path) -> Board:
    """Read and judge one board.json.

    Raises:
        OperatorError: it cannot be read or is wrong; it names file and member.
    """
    try:
        board = _JUDGE.validate_json(file.read_bytes())
    except OSError as error:
        raise _wrong(file, f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise _wrong(file, _first(error)) from None
    if board.id != file.parent.name:
        raise _wrong(file, f"id: must be the name of its folder, {file.parent.name}")
    return board


def arch_of(mpy: int) -> str:
    """Name the machine code that a board runs, by what it says of itself.

    Args:
        mpy: its `sys.implementation._mpy`.

    Raises:
        OperatorError: it is none that there is firmware for.
    """
    number = mpy >> 10 & 0xF
    if number not in _ARCH_NUMBERS:
        raise OperatorError(f"the board's machine code is of an unknown kind ({number})", "Is it a board of the list?")
    return _ARCH_NUMBERS[number]


def _first(error: ValidationError) -> str:
    """Tell the first thing that is wrong, with its member."""
    found = error.errors(include_url=False, include_context=False)[0]
    said = found["msg"].removeprefix("Value error, ")
    said = said[0].lower() + said[1:]
    where = ".".join(str(step) for step in found["loc"])
    return f"{where}: {said}" if where else said


def _wrong(file: Path, what: str) -> OperatorError:
    return OperatorError(f"{file}: {what}", "Mend the file; boards/README.md says what belongs there.", STATUS_USAGE)

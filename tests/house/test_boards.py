"""Every board's data are whole, agree with each other, and fit the driver."""

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import build
import pytest

from callcore import messages
from tincall.workbench import boards

CHECKOUT = Path(__file__).resolve().parents[2]
BOARDS = sorted(file.parent for file in (CHECKOUT / "boards").glob("*/board.json"))
# what the driver takes for a buffer of 256 samples, and how many of them are sensible on a chip
MIC_BUFFER, SPK_BUFFER = 2048, 512
MCUS_WITH_TWO = ("ESP32", "ESP32-S3")
# what only a board with a codec has
OF_A_CODEC = {"I2C_SCL", "I2C_SDA", "AMP", "CODEC_GAIN_DB"}
# pins that a chip looks at when it starts: a button held there would keep it from starting (data sheets, "strapping pins")
STRAPS = {
    "esp32": {0, 2, 4, 5, 12, 15},
    "esp32s3": {0, 3, 45, 46},
    "esp32c3": {2, 8, 9},
    "esp32c6": {4, 5, 8, 9, 15},
    "emulated": set(),
}


def constants(folder: Path) -> SimpleNamespace:
    scope: dict = {}
    exec((folder / "board.py").read_text(), scope)
    return SimpleNamespace(**{name: value for name, value in scope.items() if name.isupper() and name != "MICROPYTHON"})


def used() -> set[str]:
    """Names that the firmware asks of a board."""
    found = set()
    for file in [*(CHECKOUT / "firmware/handset").glob("*.py"), CHECKOUT / "firmware/chips/fittings.py"]:
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr.isupper()
                and isinstance(node.value, ast.Name | ast.Attribute)
            ):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                if owner in ("board", "_board"):
                    found.add(node.attr)
    return found


@pytest.fixture(params=BOARDS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def board(folder: Path) -> SimpleNamespace:
    return constants(folder)


def test_there_are_the_boards_that_the_list_names() -> None:
    text = (CHECKOUT / "boards/README.md").read_text()
    table = text[text.index("| board | chip |") : text.index("## Constants")]
    listed = re.findall(r"^\| `([A-Z0-9_]+)` \|", table, re.M)
    assert sorted(listed) == [folder.name for folder in BOARDS]


def test_it_has_what_the_firmware_asks_for_and_what_people_want_to_know(board: SimpleNamespace) -> None:
    assert {"DUPLEX", "MIC_GAIN_MDB", "SPK_SD"} <= used()
    assert set(vars(board)) == (used() | {"MCU"}) - (set() if "es8311" in board.CHIPS else OF_A_CODEC)
    text = (CHECKOUT / "boards/README.md").read_text()
    for name in vars(board):
        assert re.search(rf"`[A-Z0-9_ ]*\b{name}\b[A-Z0-9_ ]*`", text), name


def test_both_descriptions_and_the_list_of_wires_agree(folder: Path, board: SimpleNamespace) -> None:
    told = boards.read(folder / "board.json")
    assert told.id == board.NAME and told.mcu == board.MCU.lower().replace("-", "")
    assert told.rates_hz == [board.RATE_HZ] == [16000]
    assert (told.buttons.call, told.buttons.end) == (board.BUTTON_CALL, board.BUTTON_END)
    assert (told.button_active, told.lamp, told.lamp_active) == (board.BUTTON_ACTIVE, board.LAMP, board.LAMP_ACTIVE)
    assert told.duplex == board.DUPLEX and tuple(told.chips) == board.CHIPS
    wires = (folder / "wiring.md").read_text()
    table = "\n".join(line for line in wires.splitlines() if line.startswith("|"))
    named = "_(SCK|WS|SD|SCL|SDA)$|^BUTTON_[CE]|^LAMP$|^AMP$"
    pins = {value for name, value in vars(board).items() if re.search(named, name)} - {None}
    for pin in pins:
        assert re.search(rf"\b{pin}\b", table), pin
    for source in told.sources:
        assert source in wires, f"wiring.md does not name {source}"
    if board.NAME != "EMULATED":
        assert "not tried" in told.status and "Not tried on hardware" in wires
        assert "Not tried on hardware" in (folder / "board.py").read_text()


def test_each_pin_has_one_use(board: SimpleNamespace) -> None:
    alone = [board.MIC_SD, board.SPK_SD, board.BUTTON_CALL, board.BUTTON_END, board.LAMP]
    if "es8311" in board.CHIPS:
        alone += [board.I2C_SCL, board.I2C_SDA, *([] if board.AMP is None else [board.AMP])]
    clocks = {board.MIC_SCK, board.MIC_WS, board.SPK_SCK, board.SPK_WS}
    assert len(set(alone)) == len(alone) and not clocks & set(alone)
    assert board.MIC_SCK != board.MIC_WS and board.SPK_SCK != board.SPK_WS


def test_what_a_person_wires_is_what_the_firmware_drives(folder: Path, board: SimpleNamespace) -> None:
    told = boards.read(folder / "board.json")
    wired = {pin for part in told.parts for pin in part.wires.values() if isinstance(pin, int)}
    lamps = {board.LAMP} if "LED, 330 ohm" in {part.name for part in told.parts} else set()
    sound = {board.MIC_SCK, board.MIC_WS, board.MIC_SD, board.SPK_SCK, board.SPK_WS, board.SPK_SD}
    assert wired in (set(), sound | {board.BUTTON_CALL, board.BUTTON_END} | lamps)
    assert bool(wired) == ("INMP441" in (folder / "wiring.md").read_text())
    assert {int(pin) for pin in told.pin_names} <= wired


def test_a_held_button_does_not_keep_the_chip_from_starting(folder: Path, board: SimpleNamespace) -> None:
    told = boards.read(folder / "board.json")
    assert not {board.BUTTON_CALL, board.BUTTON_END} & STRAPS[told.mcu]


def test_it_gets_the_drivers_of_its_chips_and_no_others(folder: Path, board: SimpleNamespace) -> None:
    given = {name.split("/")[1] for name in build.manifest(folder / "manifest.py") if name.startswith("chips/")}
    assert given == ({f"{chip}.py" for chip in (*board.CHIPS, "__init__", "fittings")} if board.CHIPS else set())


def test_its_directions_fit_its_peripherals(board: SimpleNamespace) -> None:
    assert board.DUPLEX in ("full", "half")
    assert (board.MIC_ID == board.SPK_ID) == (board.DUPLEX == "half")
    shares_clocks = (board.MIC_SCK, board.MIC_WS) == (board.SPK_SCK, board.SPK_WS)
    if board.NAME != "EMULATED":
        assert (board.DUPLEX == "full") == (board.MCU in MCUS_WITH_TWO and not shares_clocks)
    if board.DUPLEX == "half":
        assert board.ECHO is False, "who is not heard makes no echo"


def test_its_buffers_are_whole_and_as_many_as_the_page_advises(board: SimpleNamespace) -> None:
    assert board.MIC_IBUF_BYTES % MIC_BUFFER == 0 and board.SPK_IBUF_BYTES % SPK_BUFFER == 0
    assert 2 <= board.SPK_IBUF_BYTES // SPK_BUFFER <= 3
    if board.NAME != "EMULATED":
        assert 4096 <= board.MIC_IBUF_BYTES <= 8192
    assert 0 <= board.MIC_GAIN_MDB <= 18000 and 20 <= board.JITTER_MS <= 200


def test_what_it_calls_itself_can_be_said_to_the_relay(board: SimpleNamespace) -> None:
    hello = {
        "t": "hello",
        "v": 1,
        "firmware": "0.1.0",
        "board": board.NAME,
        "codecs": ["PCMA"],
        "ptimes": [20],
        "features": [],
    }
    assert messages.decode(messages.encode(hello, messages.FROM_BOARD), messages.FROM_BOARD)["board"] == board.NAME


def test_the_page_on_the_first_board_names_boards_and_files_that_are_there() -> None:
    page = CHECKOUT / "docs/first-board.md"
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).is_file(), link
    named = set(re.findall(r"`([A-Z0-9]+_[A-Z0-9_]+)`", text))
    assert named <= set(boards.names())
    wired = {name for name in boards.names() if boards.load(name).parts}
    assert wired <= named and all(f"boards/{name}/wiring.svg" in text for name in wired)
    assert "Nothing on this page was tried on hardware" in text[:400]

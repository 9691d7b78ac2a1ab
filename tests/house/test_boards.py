"""Every board's data are whole, agree with each other, and fit the driver."""

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from callcore import messages
from tincall.workbench import boards

CHECKOUT = Path(__file__).resolve().parents[2]
BOARDS = sorted(file.parent for file in (CHECKOUT / "boards").glob("*/board.json"))
# what the driver takes for a buffer of 256 samples, and how many of them are sensible on a chip
MIC_BUFFER, SPK_BUFFER = 2048, 512
MCUS_WITH_TWO = ("ESP32", "ESP32-S3")


def constants(folder: Path) -> SimpleNamespace:
    scope: dict = {}
    exec((folder / "board.py").read_text(), scope)
    return SimpleNamespace(**{name: value for name, value in scope.items() if name.isupper() and name != "MICROPYTHON"})


def used() -> set[str]:
    """Names that the firmware asks of a board."""
    found = set()
    for file in (CHECKOUT / "firmware/handset").glob("*.py"):
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
    listed = re.findall(r"^\| `(EMULATED|ESP\w+)` \|", (CHECKOUT / "boards/README.md").read_text(), re.M)
    assert sorted(listed) == [folder.name for folder in BOARDS]


def test_it_has_what_the_firmware_asks_for_and_what_people_want_to_know(board: SimpleNamespace) -> None:
    assert {"DUPLEX", "MIC_GAIN_MDB", "SPK_SD"} <= used()
    assert set(vars(board)) == used() | {"MCU"}
    text = (CHECKOUT / "boards/README.md").read_text()
    for name in vars(board):
        assert re.search(rf"`[A-Z0-9_ ]*\b{name}\b[A-Z0-9_ ]*`", text), name


def test_both_descriptions_and_the_list_of_wires_agree(folder: Path, board: SimpleNamespace) -> None:
    told = boards.read(folder / "board.json")
    assert told.id == board.NAME and told.mcu == board.MCU.lower().replace("-", "")
    assert told.rates_hz == [board.RATE_HZ] == [16000]
    assert (told.buttons.call, told.buttons.end) == (board.BUTTON_CALL, board.BUTTON_END)
    assert (told.button_active, told.lamp, told.lamp_active) == (board.BUTTON_ACTIVE, board.LAMP, board.LAMP_ACTIVE)
    assert told.duplex == board.DUPLEX
    wires = (folder / "wiring.md").read_text()
    table = "\n".join(line for line in wires.splitlines() if line.startswith("|"))
    for pin in {value for name, value in vars(board).items() if re.search("_(SCK|WS|SD)$|^BUTTON_[CE]|^LAMP$", name)}:
        assert re.search(rf"\b{pin}\b", table), pin
    if board.NAME != "EMULATED":
        assert "not tried" in told.status and "Not tried on hardware" in wires
        assert "Not tried on hardware" in (folder / "board.py").read_text()


def test_each_pin_has_one_use(board: SimpleNamespace) -> None:
    alone = [board.MIC_SD, board.SPK_SD, board.BUTTON_CALL, board.BUTTON_END, board.LAMP]
    clocks = {board.MIC_SCK, board.MIC_WS, board.SPK_SCK, board.SPK_WS}
    assert len(set(alone)) == 5 and not clocks & set(alone)
    assert board.MIC_SCK != board.MIC_WS and board.SPK_SCK != board.SPK_WS


def test_its_directions_fit_its_peripherals(board: SimpleNamespace) -> None:
    assert board.DUPLEX in ("full", "half")
    assert (board.MIC_ID == board.SPK_ID) == (board.DUPLEX == "half")
    if board.NAME != "EMULATED":
        assert (board.DUPLEX == "full") == (board.MCU in MCUS_WITH_TWO)
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

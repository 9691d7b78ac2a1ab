#!/usr/bin/env python3
"""Draw boards/*/wiring.svg: what a person wires to a board, from the `parts` of its board.json.

    tools/draw_wiring.py            write the pictures
    tools/draw_wiring.py --check    name those that would change, write nothing, exit 1 if any would

The board stands on the left, its parts on the right. A wire runs straight from a pin of the board to its part; one that goes
to several has a trunk of its own between the two, with a dot wherever it branches. Wires that cross without a dot do not touch.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "host"))
sys.path.insert(0, str(ROOT / "firmware"))

from tincall.workbench import boards  # noqa: E402

PICTURE = "wiring.svg"
ROW, TITLE, GAP = 26, 34, 24  # pixels: a pin's row, the head of a part, the space between two parts
TOP = 74
BOARD_X, BOARD_W = 30, 210
PART_X, PART_W = 560, 200
TRUNK_X, TRUNK_STEP = 520, 24
SPEAKER_X, SPEAKER_W = 810, 150
POWER = ("3V3", "5V", "GND")
POWER_COLOURS = {"3V3": "#d1242f", "5V": "#bc4c00", "GND": "#24292f"}
COLOURS = ("#0969da", "#1a7f37", "#8250df", "#bf3989", "#0a7d91", "#9a6700", "#5d4037", "#3949ab", "#558b2f", "#ad1457")
# parts to which a loudspeaker is screwed
AMPLIFIERS = ("MAX98357A",)

Net = int | str


@dataclass
class End:
    """Where a wire ends at a part: the pin's height, and its name."""

    net: Net
    y: int
    name: str


@dataclass
class Box:
    """A part: its place and its pins."""

    name: str
    y: int
    height: int
    ends: list[End]


def place(board: boards.Board) -> list[Box]:
    """Stack the parts, each as high as its pins need."""
    y, found = TOP + ROW * (len(POWER) + 1), []
    for part in board.parts:
        ends = [End(net, y + TITLE + ROW * i + ROW // 2, name) for i, (name, net) in enumerate(part.wires.items())]
        box = Box(part.name, y, TITLE + ROW * len(ends) + 8, ends)
        found.append(box)
        y += box.height + GAP
    return found


def heights(boxes: list[Box]) -> dict[Net, int]:
    """Give each pin of the board a height: power above all, a signal beside the first part that uses it."""
    found: dict[Net, int] = {net: TOP + ROW * i + ROW // 2 for i, net in enumerate(POWER)}
    for box in boxes:
        for end in box.ends:
            found.setdefault(end.net, end.y)
    used = {end.net for box in boxes for end in box.ends}
    return {net: y for net, y in found.items() if net in used}


def draw(board: boards.Board) -> str:
    """Give the picture of a board's wires as SVG."""
    boxes = place(board)
    pins = heights(boxes)
    signals = [net for net in pins if net not in POWER]
    colours: dict[Net, str] = {**POWER_COLOURS, **{net: COLOURS[i % len(COLOURS)] for i, net in enumerate(signals)}}
    bottom = boxes[-1].y + boxes[-1].height
    width, height = SPEAKER_X + SPEAKER_W + 30, bottom + 66
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="DejaVu Sans, Verdana, Arial, sans-serif" font-size="13">',
        f"<title>{escape(board.product)}: wires</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(BOARD_X, 34, board.product, 'font-size="18" font-weight="bold"'),
        _box(BOARD_X, TOP - 18, BOARD_W, bottom - TOP + 18, "#ddf4ff"),
        _text(BOARD_X + 14, TOP + 8, _chip(board), 'font-weight="bold"'),
    ]
    lines += _wires(boxes, pins, colours)
    for net, y in pins.items():
        lines += _board_pin(board, net, y, colours[net])
    for box in boxes:
        lines += _part(box, colours)
    told = "A dot joins wires; wires that cross without a dot do not touch. Pins that are not shown stay free."
    lines += [_text(BOARD_X, bottom + 40, told, 'fill="#57606a"'), "</svg>"]
    return "\n".join(lines) + "\n"


def _wires(boxes: list[Box], pins: dict[Net, int], colours: dict[Net, str]) -> list[str]:
    lines, dots, trunks = [], [], 0
    for net, y in pins.items():
        ends = [end.y for box in boxes for end in box.ends if end.net == net]
        start = BOARD_X + BOARD_W
        if ends == [y]:
            lines.append(_line([(start, y), (PART_X, y)], colours[net]))
            continue
        x = TRUNK_X - TRUNK_STEP * trunks
        trunks += 1
        lines.append(_line([(start, y), (x, y), (x, max(ends))], colours[net]))
        lines += [_line([(x, end), (PART_X, end)], colours[net]) for end in ends]
        # where the trunk ends it only turns, elsewhere it branches
        dots += [_dot(x, end, colours[net]) for end in ends if end != max(ends)]
    return lines + dots


def _board_pin(board: boards.Board, net: Net, y: int, colour: str) -> list[str]:
    x = BOARD_X + BOARD_W
    name = str(net) if net in POWER else f"GPIO {net}"
    if str(net) in board.pin_names:
        name = f"{board.pin_names[str(net)]} (GPIO {net})"
    return [_pad(x, y, colour), _text(x - 14, y + 5, name, 'text-anchor="end"')]


def _part(box: Box, colours: dict[Net, str]) -> list[str]:
    lines = [
        _box(PART_X, box.y, PART_W, box.height, "#f6f8fa"),
        _text(PART_X + 14, box.y + 22, box.name, 'font-weight="bold"'),
    ]
    for end in box.ends:
        lines += [_pad(PART_X, end.y, colours[end.net]), _text(PART_X + 14, end.y + 5, end.name)]
    if box.name in AMPLIFIERS:
        middle = box.y + box.height // 2
        for sign, y in (("+", middle - 14), ("-", middle + 14)):
            lines.append(_line([(PART_X + PART_W, y), (SPEAKER_X, y)], "#57606a"))
            lines.append(_text(PART_X + PART_W - 16, y + 5, sign))
        lines.append(_box(SPEAKER_X, middle - 34, SPEAKER_W, 68, "#f6f8fa"))
        lines.append(_text(SPEAKER_X + 14, middle - 6, "Loudspeaker", 'font-weight="bold"'))
        lines.append(_text(SPEAKER_X + 14, middle + 16, "4 to 8 ohm, 3 W"))
    return lines


def _chip(board: boards.Board) -> str:
    return f"ESP32-{board.mcu.removeprefix('esp32').upper()}".rstrip("-")


def _line(points: list[tuple[int, int]], colour: str) -> str:
    path = " ".join(f"{x},{y}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5" stroke-linejoin="round"/>'


def _dot(x: int, y: int, colour: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}"/>'


def _pad(x: int, y: int, colour: str) -> str:
    return f'<rect x="{x - 6}" y="{y - 6}" width="12" height="12" rx="2" fill="{colour}"/>'


def _box(x: int, y: int, width: int, height: int, fill: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{fill}" stroke="#57606a"/>'


def _text(x: int, y: int, text: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}"{" " + more if more else ""}>{escape(text)}</text>'


def pictures() -> dict[Path, str]:
    """Give every picture by its file: one for each board that a person wires."""
    found = {}
    for name in boards.names():
        board = boards.load(name)
        if board.parts:
            found[boards.folder() / name / PICTURE] = draw(board)
    return found


def stale(drawn: dict[Path, str]) -> list[Path]:
    """Name the pictures that are not as drawn now, or belong to a board that has none."""
    wrong = [file for file, picture in drawn.items() if not file.is_file() or file.read_text() != picture]
    return wrong + [file for file in sorted(boards.folder().glob(f"*/{PICTURE}")) if file not in drawn]


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    drawn = pictures()
    wrong = stale(drawn)
    for file in wrong:
        print(f"{file}: {'would change' if given.check else 'drawn' if file in drawn else 'removed'}")
        if given.check:
            continue
        if file in drawn:
            file.write_text(drawn[file])
        else:
            file.unlink()
    return 1 if given.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

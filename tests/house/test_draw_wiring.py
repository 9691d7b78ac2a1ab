"""The pictures of wires are up to date, show every wire, and draw no two of them over each other."""

import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import draw_wiring
import pytest

from tincall.workbench import boards

WIRED = [name for name in boards.names() if boards.load(name).parts]
Segment = tuple[tuple[int, int], tuple[int, int], str]


def segments(picture: str) -> list[Segment]:
    """Give every straight piece of wire with its colour, its ends in order."""
    found = []
    for points, colour in re.findall(r'<polyline points="([^"]+)" fill="none" stroke="(#\w+)"', picture):
        corners = [(int(x), int(y)) for x, y in (point.split(",") for point in points.split())]
        found += [(*sorted(pair), colour) for pair in zip(corners, corners[1:], strict=False)]
    return found


def covers(one: Segment, other: Segment) -> bool:
    """Tell whether two pieces lie on each other for more than a point."""
    for along in (0, 1):
        across = 1 - along
        if {one[0][across], one[1][across]} == {other[0][across], other[1][across]} and len(
            {one[0][across], one[1][across]}
        ) == 1:
            return max(one[0][along], other[0][along]) < min(one[1][along], other[1][along])
    return False


def test_the_pictures_are_those_of_the_boards(capsys: pytest.CaptureFixture[str]) -> None:
    assert draw_wiring.main(["--check"]) == 0, "run tools/draw_wiring.py"
    assert capsys.readouterr().out == ""
    assert [file.parent.name for file in draw_wiring.pictures()] == WIRED


@pytest.mark.parametrize("name", WIRED)
def test_every_wire_is_drawn_and_no_two_lie_on_each_other(name: str) -> None:
    board = boards.load(name)
    picture = draw_wiring.draw(board)
    drawn = segments(picture)
    for box, part in zip(draw_wiring.place(board), board.parts, strict=True):
        assert [end.net for end in box.ends] == list(part.wires.values())
        for end in box.ends:
            assert any(piece[1] == (draw_wiring.PART_X, end.y) for piece in drawn), (part.name, end.name)
    for i, one in enumerate(drawn):
        for other in drawn[i + 1 :]:
            assert one[2] == other[2] or not covers(one, other), (one, other)


@pytest.mark.parametrize("name", WIRED)
def test_the_words_are_those_of_the_board_and_have_room(name: str) -> None:
    board = boards.load(name)
    root = ElementTree.fromstring(draw_wiring.draw(board))
    texts = [(node.text or "", int(node.get("x", "0"))) for node in root.iter() if node.tag.endswith("text")]
    words = [text for text, _ in texts]
    for part in board.parts:
        assert {part.name, *part.wires} <= set(words)
        for pin in part.wires.values():
            assert any(re.search(rf"\b{pin}\b", word) for word in words), pin
    # 13 pixels high, 8 wide at most
    width = draw_wiring.PART_W - 14
    assert all(len(text) * 8 < width for text, x in texts if x == draw_wiring.PART_X + 14)
    assert board.product in words and (not board.pin_names or "D0 (GPIO 1)" in words)


def test_a_changed_wire_makes_its_picture_stale_and_a_lone_picture_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = boards.load(WIRED[0])
    moved = dataclasses.replace(board.parts[0], wires=board.parts[0].wires | {"SCK": 53})
    other = draw_wiring.draw(dataclasses.replace(board, parts=[moved, *board.parts[1:]]))
    file = tmp_path / board.id / draw_wiring.PICTURE
    file.parent.mkdir()
    file.write_text(other)
    monkeypatch.setattr(boards, "folder", lambda: tmp_path)
    assert draw_wiring.stale({file: draw_wiring.draw(board)}) == [file]
    assert draw_wiring.stale({file: other}) == []
    assert draw_wiring.stale({}) == [file]


def test_the_tool_draws_and_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, lone = tmp_path / "A" / draw_wiring.PICTURE, tmp_path / "B" / draw_wiring.PICTURE
    for one in (file, lone):
        one.parent.mkdir()
    lone.write_text("old")
    monkeypatch.setattr(boards, "folder", lambda: tmp_path)
    monkeypatch.setattr(draw_wiring, "pictures", lambda: {file: "new"})
    assert draw_wiring.main(["--check"]) == 1 and lone.exists() and not file.exists()
    assert draw_wiring.main([]) == 0 and file.read_text() == "new" and not lone.exists()
    assert draw_wiring.main(["--check"]) == 0

"""The board's folder: one runner at a time, a number for life."""

from pathlib import Path

import pytest

from tincall.emulator.folder import BoardFolder
from tincall.errors import OperatorError


def test_only_one_runner_has_a_folder(tmp_path: Path) -> None:
    first = BoardFolder(tmp_path / "b")
    first.take()
    with pytest.raises(OperatorError, match="runs in .* already"):
        BoardFolder(tmp_path / "b").take()
    first.release()
    second = BoardFolder(tmp_path / "b")
    second.take()
    second.release()


def test_the_number_is_drawn_once(tmp_path: Path) -> None:
    folder = BoardFolder(tmp_path)
    uid = folder.uid()
    assert len(bytes.fromhex(uid)) == 6 and uid.startswith("02")
    assert BoardFolder(tmp_path).uid() == uid
    assert BoardFolder(tmp_path).uid() != BoardFolder(_made(tmp_path / "other")).uid()


@pytest.mark.parametrize("text", ["", "12", "g" * 12, "0" * 13])
def test_a_damaged_number_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "uid").write_text(text)
    with pytest.raises(OperatorError, match="uid is not a chip's number"):
        BoardFolder(tmp_path).uid()


def test_a_file_cannot_be_a_board(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("")
    with pytest.raises(OperatorError, match="cannot be a board's folder"):
        BoardFolder(tmp_path / "b").take()


def test_strangers_see_nothing(tmp_path: Path) -> None:
    folder = BoardFolder(tmp_path / "b")
    folder.take()
    folder.release()
    assert folder.path.stat().st_mode & 0o077 == 0
    assert folder.flash.stat().st_mode & 0o077 == 0


def _made(path: Path) -> Path:
    path.mkdir()
    return path

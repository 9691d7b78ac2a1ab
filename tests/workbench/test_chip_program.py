"""esptool is called as it wants to be, its progress is followed, and each of its complaints becomes one sentence."""

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest

from tincall.errors import OperatorError
from tincall.workbench import chip_program
from tincall.workbench.chip_program import Chip, Esptool

FAKE = Path(__file__).resolve().parents[1] / "support/fake_esptool.py"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put the stand-in in esptool's place; gives a function that says what it shall do, and the folder of its notes."""
    monkeypatch.setenv("FAKE_ESPTOOL", str(tmp_path))
    monkeypatch.setattr(chip_program, "PROGRAM", (sys.executable, "-u", str(FAKE)))

    def does(what: str) -> Path:
        (tmp_path / "does").write_text(what)
        return tmp_path

    return does


def calls(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


def test_a_chip_says_what_it_is_and_stays_in_its_loader(fake) -> None:
    folder = fake("fine")
    assert Esptool("/dev/x", 460800).ask() == Chip("esp32s3", 8 << 20)
    assert calls(folder) == [
        ["--chip", "auto", "--port", "/dev/x", "--baud", "460800", "--after", "no-reset", "flash-id"]
    ]
    fake("unknown flash")
    assert Esptool("/dev/x", 460800).ask().flash_bytes == 0


def test_files_are_written_where_they_belong_and_progress_is_told(fake, tmp_path: Path) -> None:
    folder = fake("fine")
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1" * 100)
    two.write_bytes(b"2" * 100)
    told: list[tuple[str, float]] = []
    Esptool("/dev/x", 115200).write("esp32s3", [(0, one), (0x200000, two)], True, lambda *now: told.append(now))
    assert (folder / "0x0.bin").read_bytes() == one.read_bytes()
    assert (folder / "0x200000.bin").read_bytes() == two.read_bytes()
    assert told == [("erasing", 0.0)] + [("writing", part) for part in (0.0, 0.125, 0.5)] * 2
    assert calls(folder)[-1][8:10] == ["write-flash", "--erase-all"] and "hard-reset" in calls(folder)[-1]
    Esptool("/dev/x", 115200).write("esp32s3", [(0, one)], False, lambda *now: None)
    assert calls(folder)[-1][8:] == ["write-flash", "0x0", str(one)]


@pytest.mark.parametrize(
    ("does", "said", "advice"),
    [
        ("no port", "there is no port /dev/x", "tincall ports"),
        ("no permission", "you may not use /dev/x", "dialout"),
        ("busy", "/dev/x is in use", "Close it"),
        ("silent", "no chip answers on /dev/x", "Hold BOOT, tap RESET"),
        ("lost", "the connection on /dev/x was lost", "cable"),
        ("unplugged", "the connection on /dev/x was lost", "cable"),
        ("worn out", "reads back differently", "--baud 115200"),
        ("says less", "did not say that it read everything back", "again"),
        ("strange", "esptool failed on /dev/x: ERROR: A fatal error occurred: Something new", "BOOT"),
    ],
)
def test_each_complaint_is_one_sentence_with_what_to_do(
    fake, tmp_path: Path, does: str, said: str, advice: str
) -> None:
    fake(does)
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OperatorError, match=said) as told:
        Esptool("/dev/x", 460800).write("esp32s3", [(0, tmp_path / "file")], True, lambda *now: None)
    assert advice in told.value.hint and "\n" not in told.value.message and told.value.status == 1


def test_version_4_is_spoken_and_understood(fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "4.8.1")
    folder = fake("fine")
    spoken = Esptool("/dev/x", 115200)
    assert [spoken._word(word) for word in ("write-flash", "no-reset", "--erase-all")] == [
        "write_flash", "no_reset", "--erase-all",
    ]  # fmt: skip
    said = "Detecting chip type... ESP32-C6\nChip is ESP32-C6FH4 (QFN32) (revision v0.1)\nDetected flash size: 4MB"
    monkeypatch.setattr(Esptool, "_run", lambda *given: said.splitlines())
    assert spoken.ask() == Chip("esp32c6", 4 << 20)
    told = []
    chip_program._tell("Writing at 0x0001d800... (42 %)", lambda *now: told.append(now))
    assert told == [("writing", 0.42)] and not (folder / "calls").exists()


def test_without_esptool_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(OperatorError, match="not installed") as told:
        Esptool("/dev/x", 115200)
    assert "pip install 'tincall[boards]'" in told.value.hint


def test_the_real_esptool_is_called_so_that_it_understands(tmp_path: Path) -> None:
    """No chip is here: it gets as far as the port, which is as far as wrong options would not come."""
    with pytest.raises(OperatorError, match="there is no port"):
        Esptool(str(tmp_path / "none"), 460800).ask()
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OperatorError, match="there is no port"):
        Esptool(str(tmp_path / "none"), 460800).write("esp32s3", [(0, tmp_path / "file")], True, lambda *now: None)

"""`tincall flash`: everything is judged before anything is erased; it asks, verifies, and leaves no program behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import document, is_gone, tincall
from support import esp_files

from tincall.workbench import chip_program, flash_image

FAKE = Path(__file__).resolve().parents[1] / "support/fake_esptool.py"
CHIP = "ESP32S3_INMP441_MAX98357A"
# the command as a process of its own, with the stand-in in esptool's place
RUN = """
import sys
from tincall.workbench import chip_program
chip_program.PROGRAM = (sys.executable, "-u", sys.argv.pop(1))
from tincall.cli.main import run
run()
"""


@pytest.fixture
def image(tmp_path):
    """Give a firmware file for the board."""
    file = tmp_path / "micropython.bin"
    file.write_bytes(esp_files.firmware("esp32s3"))
    return file


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put the stand-in in esptool's place; gives a function that says what it shall do, and the folder of its notes."""
    folder = tmp_path / "fake"
    folder.mkdir()
    monkeypatch.setenv("FAKE_ESPTOOL", str(folder))
    monkeypatch.setattr(chip_program, "PROGRAM", (sys.executable, "-u", str(FAKE)))

    def does(what):
        (folder / "does").write_text(what)
        return folder

    return does


def written(folder):
    """Name what was written, and tell whether anything was erased."""
    lines = (folder / "calls").read_text() if (folder / "calls").exists() else ""
    return sorted(path.name for path in folder.glob("0x*.bin")), "--erase-all" in lines


def flash(*more):
    return tincall("flash", CHIP, "--port", "/dev/x", *more)


def test_a_bare_chip_gets_the_interpreter_and_files_in_one_go(fake, image, tmp_path):
    folder = fake("fine")
    files = tmp_path / "files.img"
    files.write_bytes(flash_image.make({"/main.py": b"print()"}, 6 << 20))
    told = document(flash("--image", image, "--files", files, "--yes", "--json"))
    assert (told["chip"], told["flash_bytes"], told["interpreter"]) == ("esp32s3", 8 << 20, "micropython v1.25.0")
    assert [part["offset"] for part in told["parts"]] == [0, 0x200000] and told["erased"]
    assert (folder / "0x0.bin").read_bytes() == image.read_bytes()
    assert (folder / "0x200000.bin").read_bytes() == files.read_bytes()
    shown = flash("--image", image, "--yes", "--keep")
    assert shown.exit_code == 0 and f"tincall install {CHIP} --port /dev/x" in shown.stdout
    assert "--erase-all" not in (folder / "calls").read_text().splitlines()[-1]


@pytest.mark.parametrize("does", ["other chip", "small flash", "unknown flash", "silent", "busy"])
def test_a_chip_that_is_not_fit_is_not_touched(fake, image, does):
    folder = fake(does)
    result = flash("--image", image, "--yes")
    assert result.exit_code == 1 and written(folder) == ([], False)
    assert "write-flash" not in (folder / "calls").read_text()
    assert result.stderr.count("tincall:") == 1 and "Traceback" not in result.stderr


def test_a_file_that_is_not_fit_is_not_even_tried(fake, image, tmp_path):
    folder = fake("fine")
    for content in (esp_files.firmware("esp32c3"), b"<html>", image.read_bytes()[:-1]):
        (tmp_path / "bad.bin").write_bytes(content)
        assert flash("--image", tmp_path / "bad.bin", "--yes").exit_code == 2
    assert not (folder / "calls").exists()


def test_without_a_file_one_is_told_where_to_get_it():
    result = flash()
    assert result.exit_code == 2 and "micropython.org/download/ESP32_GENERIC_S3" in result.stderr


def test_without_a_port_the_only_board_is_taken(fake, image, monkeypatch):
    folder = fake("fine")
    monkeypatch.setattr("tincall.workbench.ports.the_one", lambda: "/dev/the-one")
    told = document(tincall("flash", CHIP, "--image", image, "--yes", "--json"))
    assert told["port"] == "/dev/the-one" and "/dev/the-one" in (folder / "calls").read_text()


def test_files_for_another_partition_are_refused_before_anything_is_erased(fake, image, tmp_path):
    folder = fake("fine")
    files = tmp_path / "files.img"
    files.write_bytes(flash_image.make({"/main.py": b"print()"}, 2 << 20))
    result = flash("--image", image, "--files", files, "--yes")
    assert result.exit_code == 1 and "--flash-mib 8" in result.stderr and written(folder) == ([], False)


def test_where_nobody_can_be_asked_yes_has_to_be_said(fake, image):
    folder = fake("fine")
    result = flash("--image", image)
    assert result.exit_code == 2 and "--yes" in result.stderr and written(folder) == ([], False)


@pytest.mark.parametrize(("answer", "is_done"), [(True, True), (False, False)])
def test_a_person_is_asked(fake, image, monkeypatch, answer, is_done):
    folder = fake("fine")
    asked = []
    monkeypatch.setattr("tincall.cli.flash.sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("tincall.cli.flash.typer.confirm", lambda text, err: asked.append(text) or answer)
    from tincall.cli.flash import _confirm

    if is_done:
        _confirm("/dev/x", "esp32s3", False, False, False)
    else:
        with pytest.raises(Exception, match="nothing was done"):
            _confirm("/dev/x", "esp32s3", False, False, False)
    assert "esp32s3 is on /dev/x" in asked[0] and "erased" in asked[0] and written(folder) == ([], False)


def test_a_cable_pulled_in_the_middle_is_told(fake, image):
    fake("lost")
    result = flash("--image", image, "--yes", "--json")
    assert result.exit_code == 1 and "was lost" in json.loads(result.stdout)["error"]["message"]


def test_ctrl_c_leaves_no_program_behind_and_says_what_the_chip_holds(fake, image):
    folder = fake("hang")
    command = [sys.executable, "-c", RUN, FAKE, "flash", CHIP, "--port", "/dev/x", "--image", image, "--yes"]
    process = subprocess.Popen([str(one) for one in command], stderr=subprocess.PIPE, env=dict(os.environ), text=True)
    try:
        until_s = time.monotonic() + 60
        while not (folder / "hangs").exists() or not (folder / "hangs").read_text():
            assert time.monotonic() < until_s and process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert process.returncode == 130 and "Run the same again" in said and "Traceback" not in said
    assert is_gone(int((folder / "hangs").read_text()), 30)

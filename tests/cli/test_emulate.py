"""`tincall emulate`: runs a board, says what happens, and why it stopped."""

from pathlib import Path

import numpy as np
import pytest
from commands import document, tincall

from tincall import wav

SOUND = """
import json, time
import board
from handset import audio
print(json.dumps({"ev": "boot", "firmware": "0.1.0"}))
speaker = audio.open_speaker(board)
# the driver takes nothing before its first buffer was played
time.sleep_ms(40)
speaker.write(bytearray(b"\\x10\\x00" * 256), 0, 512)
time.sleep_ms(80)
audio.close(speaker)
"""

HEAR = """
import time
import board
from handset import audio
microphone = audio.open_microphone(board)
heard = bytearray(512)
while not microphone.readinto(heard):
    time.sleep_ms(5)
print("heard a room" if any(heard) else "heard silence")
audio.close(microphone)
"""


def written(folder: Path, source: str) -> Path:
    main = folder / "source" / "main.py"
    main.parent.mkdir(exist_ok=True)
    main.write_text(source)
    return main


def test_a_board_runs_and_says_what_it_does(tmp_path: Path) -> None:
    main = written(tmp_path, SOUND)
    done = tincall("emulate", "--folder", tmp_path / "b", "--board", "cpython", "--main", main)
    assert done.exit_code == 0, done.output
    assert "boot" in done.stdout and "firmware=0.1.0" in done.stdout and "spk_start" in done.stdout
    assert "Board ended" in done.stdout


def test_as_json_it_is_one_document(tmp_path: Path) -> None:
    main, out = written(tmp_path, SOUND), tmp_path / "out.wav"
    done = tincall(
        "emulate", "--folder", tmp_path / "b", "--board", "cpython", "--main", main, "--speaker", out, "--json"
    )
    assert done.exit_code == 0, done.output
    said = document(done)
    assert (said["reason"], said["lives"], said["speaker"]["samples"]) == ("ended", 1, 256)
    assert np.array_equal(wav.load(out, 16000), np.full(256, 16))


@pytest.mark.parametrize(("more", "heard"), [((), "silence"), (("--room", "20"), "a room")])
def test_in_a_room_the_microphone_hears_something(tmp_path: Path, more: tuple[str, ...], heard: str) -> None:
    main = written(tmp_path, HEAR)
    done = tincall("emulate", "--folder", tmp_path / "b", "--board", "cpython", "--main", main, *more)
    assert done.exit_code == 0 and heard in done.stdout, done.output


def test_a_crash_is_one_sentence(tmp_path: Path) -> None:
    main = written(tmp_path, "raise OSError('no such luck')")
    done = tincall("emulate", "--folder", tmp_path / "b", "--board", "cpython", "--main", main)
    assert done.exit_code == 1
    assert "crashed with status 1: OSError: no such luck" in done.stderr
    assert "board.log" in done.stderr


def test_an_error_of_the_firmware_is_why_it_stopped(tmp_path: Path) -> None:
    source = """import json; print(json.dumps({"ev": "error", "reason": "record_missing", "detail": "no identity"}))"""
    done = tincall("emulate", "--folder", tmp_path / "b", "--board", "cpython", "--main", written(tmp_path, source))
    assert done.exit_code == 1
    assert "the board stopped: no identity" in done.stderr


def test_an_unknown_board_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "b/flash").mkdir(parents=True)
    done = tincall("emulate", "--folder", tmp_path / "b", "--board", "toaster")
    assert done.exit_code == 2
    assert "toaster" in done.stderr and "unix32" in done.stderr


def test_hostile_text_is_not_drawn(tmp_path: Path) -> None:
    main = written(tmp_path, "print('\\x1b[2J [red]x[/red] [/]')")
    done = tincall("emulate", "--folder", tmp_path / "b", "--board", "cpython", "--main", main)
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.stdout and "[red]x[/red]" in done.stdout


def test_a_failure_as_json_is_one_document_with_outcome_and_reason(tmp_path: Path) -> None:
    main = written(tmp_path, "raise OSError('no such luck')")
    done = tincall("emulate", "--folder", tmp_path / "b", "--board", "cpython", "--main", main, "--json")
    said = document(done)
    assert (said["reason"], said["error"]["status"], done.exit_code) == ("crashed", 1, 1)
    assert "no such luck" in said["error"]["message"]


def test_a_factory_reset_ends_with_what_to_do_next(tmp_path: Path) -> None:
    main = written(tmp_path, """import json, machine; print(json.dumps({"ev": "factory_reset"})); machine.reset()""")
    options = ["--folder", tmp_path / "b", "--board", "cpython", "--main", main, "--factory-reset"]
    (tmp_path / "b" / "flash").mkdir(parents=True)
    done = tincall("emulate", *options)
    assert done.exit_code == 0, done.output
    said = "".join(done.stdout.split())
    assert "erasedwhatitstored" in said and f"tincallenrol--snSN--board{tmp_path / 'b'}" in said
    assert document(tincall("emulate", *options, "--json"))["reason"] == "reset"


def test_a_folder_without_a_board_is_not_said_to_be_erased(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.txt").write_text("mine")
    for name in ("letters", "none"):
        done = tincall("emulate", "--folder", tmp_path / name, "--board", "cpython", "--factory-reset")
        assert (done.exit_code, "holds no board" in done.stderr) == (2, True), done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["letters", "one.txt"]


def test_a_bare_board_on_a_cable_needs_no_identity(tmp_path: Path) -> None:
    """CPython is refused only after the folder was found fit."""
    done = tincall("emulate", "--folder", tmp_path / "bare", "--board", "cpython", "--pty")
    assert (done.exit_code, "cable" in done.stderr) == (2, True), done.stderr

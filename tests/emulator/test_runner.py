"""The runner: what is wrong is said before anything runs, signals switch off, nothing is left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tincall.emulator.child import Program
from tincall.emulator.control import BoardControl
from tincall.emulator.folder import BoardFolder
from tincall.emulator.runner import Options, emulate
from tincall.errors import OperatorError


def test_what_is_wrong_is_said_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    for options, sentence in (
        (Options(tmp_path / "b", Program("toaster")), "no emulated board 'toaster'"),
        (Options(tmp_path / "b", Program("cpython"), tmp_path / "bad.wav"), "bad.wav"),
        (Options(tmp_path / "b", Program("cpython"), tmp_path / "none.wav"), "none.wav"),
    ):
        with pytest.raises(OperatorError, match=sentence):
            emulate(options)
    assert not (tmp_path / "b").exists()


def test_a_recording_that_cannot_be_leaves_the_folder_free(quick) -> None:
    options = quick.options("pass", speaker=quick.folder / "no" / "a.wav")
    for _ in range(2):
        with pytest.raises(OperatorError, match="cannot write"):
            emulate(options)
    assert emulate(quick.options("pass")).reason == "ended"


def test_flash_is_the_working_directory_and_lasts(bench) -> None:
    bench.run("with open('kept', 'w') as file: file.write('yes')")
    assert (bench.folder / "board" / "flash" / "kept").read_text() == "yes"
    assert bench.results("say('kept', open('kept').read())") == {"kept": "yes"}
    assert (bench.folder / "board" / "flash" / "kept").stat().st_mode & 0o077 == 0


def test_no_descriptor_is_left_after_many_lives(quick) -> None:
    before = len(os.listdir("/dev/fd"))
    quick.run("""
import machine, os
if len(os.listdir(".")) < 4:
    open(str(len(os.listdir("."))), "w").close()
    machine.reset()
""")
    assert quick.outcome.lives == 5
    assert len(os.listdir("/dev/fd")) == before


def test_a_crash_is_told_with_the_last_lines(bench) -> None:
    outcome = emulate(bench.options("print('so far so good')\nraise OSError(5)"))
    assert (outcome.reason, outcome.status) == ("crashed", 1)
    assert "so far so good" in outcome.text and "OSError" in outcome.text[-1]


RUNNER = """
import sys
from pathlib import Path
from tincall.emulator.child import Program
from tincall.emulator.runner import Options, emulate
outcome = emulate(Options(Path(sys.argv[1]), Program("cpython", Path(sys.argv[2]))))
print(outcome.reason)
"""
WAITS = """
import time, machine
pin = machine.Pin(1, machine.Pin.IN)
while True:
    pin.value()
    time.sleep_ms(10)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_switches_off(tmp_path: Path, number: int) -> None:
    main = tmp_path / "main.py"
    main.write_text(WAITS)
    command = [sys.executable, "-c", RUNNER, str(tmp_path / "b"), str(main)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        with BoardControl.wait(tmp_path / "b", 20) as control:
            pid = 0
            while not pid:
                pid = control.status()["pid"]
        process.send_signal(number)
        said, _ = process.communicate(timeout=20)
    assert (process.returncode, said.strip()) == (0, "switched off")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_second_runner_is_refused_and_disturbs_nobody(quick) -> None:
    first = BoardFolder(quick.folder / "board")
    first.take()
    first.socket.touch()
    with pytest.raises(OperatorError, match="already"):
        emulate(quick.options("pass"))
    assert first.socket.exists()
    first.release()
    assert emulate(quick.options("pass")).reason == "ended"


RESET = """
import board, machine
pins = [machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP) for pin in (board.BUTTON_CALL, board.BUTTON_END)]
held = [pin.value() == board.BUTTON_ACTIVE for pin in pins]
say("held", held)
if all(held):
    print(json.dumps({"ev": "factory_reset"}))
    while any(pin.value() == board.BUTTON_ACTIVE for pin in pins):
        time.sleep_ms(1)
machine.reset()
"""


def test_for_a_factory_reset_both_buttons_are_down_from_the_start_until_it_is_done(bench) -> None:
    (held,) = bench.run(RESET, factory_reset=True)[:1]
    assert held["value"] == [True, True]
    assert (bench.outcome.reason, bench.outcome.lives, bench.outcome.status) == ("reset", 1, 0)

"""The firmware that boards get, put into an emulated board's flash by the real mpremote, calls and is heard."""

import subprocess
import sys

import pytest
from chain import COMMAND_S, START_S, assert_accounted, on_one_interpreter, with_phones

from callcore import causes
from tincall.measure.stage import wait_until
from tincall.plugs import plugged
from tincall.workbench import firmware

pytestmark = pytest.mark.paced
ARCH = {"unix": "x64", "unix32": "x86"}


def mpremote(port, *words):
    """Run the real program."""
    command = [sys.executable, "-m", "mpremote", "connect", port, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unpack(folder, arch):
    """Put the firmware for a board into a folder of the computer's."""
    for path, data in firmware.files(arch, "EMULATED").items():
        file = folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return sorted(folder.iterdir())


@on_one_interpreter
@with_phones("answers")
def test_a_board_on_a_cable_calls(relay, interpreter, tone, tmp_path):
    if interpreter == "cpython":
        pytest.skip("CPython is no board on a cable")
    sn, folder = f"CABLE-{interpreter}", relay.folder / f"CABLE-{interpreter}"
    relay.enrol(sn, folder)
    parts = unpack(tmp_path / "new", ARCH[interpreter])
    with relay.running(sn, folder, interpreter, "--pty", "--mic", tone, online=False) as board:
        found = wait_until(
            relay.stage, "a port", START_S, lambda: [one for one in plugged() if one.name == folder.name]
        )
        port = found[0].device
        mpremote(port, "fs", "cp", "-r", *parts, ":", "+", "reset")
        board.wait("online", START_S)
        board.press("call")
        board.wait("mic_played")
        board.press("end")
        record = relay.settled(sn)
        assert (record["cause"], record["released_by"]) == (causes.NORMAL, "device")
        assert_accounted(board, record)
        assert mpremote(port, "eval", "1+1") == "2\n"  # Ctrl-C stops the firmware

"""`tincall monitor`: what a board says, through unplugging and resets, until Ctrl-C."""

import json
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from commands import tincall
from support.wired import PATIENCE_S, wired

from tincall.workbench.serial_board import SerialBoard

SAYS = b"""import json, time
while True:
    print(json.dumps({"ev": "call", "state": "ringing"}))
    time.sleep(0.1)
"""


def test_it_listens_over_a_reset_and_ends_with_0(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    port = str(tmp_path / "tincall" / "ports" / "b")
    command = [sys.executable, "-m", "tincall", "monitor", "--port", port, "--json"]
    with ExitStack() as plugged:
        plugged.enter_context(wired(tmp_path / "b"))
        with SerialBoard.open(port) as board:
            board.put("/main.py", SAYS)
            board.reset()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
            assert listener.stdout is not None
            events = (json.loads(line) for line in listener.stdout)
            assert next(events)["ev"] == "open"
            assert next(one for one in events if one["ev"] == "call")["state"] == "ringing"
            plugged.close()
            assert next(one for one in events if one["ev"] == "lost")["source"] == "port"
            plugged.enter_context(wired(tmp_path / "b"))
            assert next(one for one in events if one["ev"] == "call")["state"] == "ringing"
            listener.send_signal(signal.SIGINT)
            listener.stdout.read()
            assert listener.wait(PATIENCE_S) == 0
    # nobody interrupted it
    _, _, since = (tmp_path / "b" / "board.log").read_text().partition('"state": "ringing"')
    assert since and "KeyboardInterrupt" not in since


def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    done = tincall("monitor", "--port", tmp_path / "none")
    assert done.exit_code == 1 and "there is no port" in done.stderr

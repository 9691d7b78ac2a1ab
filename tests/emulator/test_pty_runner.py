"""A board on a cable: the real mpremote treats it as a board, its flash lasts, and CPython is none."""

import pytest
from support.wired import PATIENCE_S, execute, raw, wired

from tincall.emulator.child import Program
from tincall.emulator.control import BoardControl
from tincall.emulator.runner import Options, emulate
from tincall.emulator.troubles import Troubles
from tincall.errors import OperatorError


@pytest.mark.parametrize("board", ["unix", "unix32"])
def test_mpremote_takes_it_for_a_board(tmp_path, board):
    source = tmp_path / "a.py"
    source.write_text("print('run')\n")
    with wired(tmp_path / "b", board=board) as live:
        assert live.mpremote("exec", "print(1)", "+", "eval", "2+3", "+", "run", str(source)) == "1\n5\nrun\n"
        live.mpremote("fs", "mkdir", ":d", "+", "fs", "cp", str(source), ":d/a.py")
        assert "a.py" in live.mpremote("soft-reset", "fs", "ls", ":d")
        assert len(live.mpremote("fs", "sha256sum", ":d/a.py").split()[-1]) == 64
        assert "2097152" in live.mpremote("df")
        with BoardControl(live.folder) as control:
            events = control.events(PATIENCE_S)
            live.mpremote("reset")
            names = (event["ev"] for event in events)
            assert "reset" in names and "start" in names  # what a host writes before is lost, as on a chip
        assert live.mpremote("fs", "cat", ":d/a.py") == source.read_text()


def test_cpython_is_no_board_on_a_cable(tmp_path):
    with pytest.raises(OperatorError, match="cable"):
        emulate(Options(tmp_path / "b", Program("cpython"), pty=Troubles()))


def test_boot_py_and_main_py_run_at_power_up_and_what_they_print_is_heard_and_kept(tmp_path):
    with wired(tmp_path / "b") as live, live.open() as port:
        raw(port)
        execute(port, b"with open('boot.py','w') as f: f.write('first = 1')")
        execute(port, b"with open('main.py','w') as f: f.write('print(first + 1)\\nwhile True: pass')")
        port.write(b"import machine\nmachine.reset()\x04")
        assert port.read_until(b"\r\n2\r\n").endswith(b"\r\n2\r\n")
        raw(port)
        port.write(b"\x04")
        port.read_until(b"exit\r\n>")
        assert execute(port, b"print(first)") == (b"1\r\n", b"")
    assert '"line": "2"' in (tmp_path / "b" / "board.log").read_text()


def test_an_interrupt_within_an_allocation_locks_nothing_up_for_good(tmp_path):
    with wired(tmp_path / "b") as live, live.open() as port:
        for _ in range(6):
            raw(port)
            port.write(b"while True: bytearray(99)\x04")
            assert port.read_until(b"OK").endswith(b"OK")
            port.timeout = 2
            for _ in range(30):  # one that comes in the midst of a reset is lost, as on a chip
                port.write(b"\r\x03\x01")
                if port.read_until(b"CTRL-B to exit\r\n>").endswith(b">"):
                    break
            else:
                raise AssertionError("nobody answers")
            port.timeout = PATIENCE_S

"""A board on a cable: the real mpremote treats it as a board, its flash lasts, and CPython is none."""

import pytest
import serial
from support.wired import PATIENCE_S, execute, raw, wired

from emulator.live import running
from tincall import plugs
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


def test_mip_installs_from_a_local_index(tmp_path):
    (tmp_path / "thing.py").write_text("value = 3\n")
    index = tmp_path / "package.json"
    index.write_text('{"version": "1", "urls": [["thing.py", "thing.py"]]}')
    with wired(tmp_path / "b") as live:
        live.mpremote("mip", "install", str(index))
        assert live.mpremote("exec", "import thing; print(thing.value)") == "3\n"


def answer(live, code):
    with live.open() as port:
        raw(port)
        return execute(port, code)


def test_a_cable_pulled_at_a_byte_takes_the_power_and_leaves_old_or_new(tmp_path):
    write = b"with open('file', 'w') as f: f.write('%s')"
    with wired(tmp_path / "b") as live, BoardControl(live.folder) as control:
        answer(live, write % b"old")
        for after_bytes in (1, 20, 45, 46, 47):
            control.unplug(after_bytes=after_bytes)
            with pytest.raises((serial.SerialException, OSError)):
                answer(live, write % b"new")
                answer(live, b"")
            assert control.status()["port"] == "" and not (plugs.folder() / "b").exists()
            control.plug()
            assert answer(live, b"print(open('file').read())")[0] in (b"old\r\n", b"new\r\n")
        with pytest.raises(OperatorError, match="is plugged in"):
            control.plug()


def test_a_board_with_power_of_its_own_runs_on_without_the_cable(tmp_path):
    with wired(tmp_path / "b") as live, BoardControl(live.folder) as control:
        answer(live, b"kept = 5")
        control.unplug(keeps_power=True)
        with pytest.raises(OperatorError, match="not plugged in"):
            control.unplug()
        control.plug()
        assert answer(live, b"print(kept)") == (b"5\r\n", b"")


def test_power_that_fails_in_the_middle_of_writing_leaves_a_file_system(tmp_path):
    code = b"n = 0\nwhile True:\n with open('count', 'w') as f: f.write(str(n) * 500)\n n += 1\n print(n)"
    with wired(tmp_path / "b") as live, BoardControl(live.folder) as control:
        for _ in range(3):
            with live.open() as port:
                raw(port)
                port.write(code + b"\x04")
                port.read_until(b"9\r\n")
                control.unplug()
            control.plug()
            said, trouble = answer(live, b"t = open('count').read(); print(t == t[:len(t) // 500] * 500, len(t) > 0)")
            assert (said, trouble) == (b"True True\r\n", b"")


def test_a_board_in_a_boot_loop_goes_on_for_ever_and_one_that_is_held_says_nothing(tmp_path):
    with wired(tmp_path / "b") as live, BoardControl(live.folder) as control:
        answer(live, b"with open('main.py', 'w') as f: f.write('import machine; machine.reset()')")
        with live.open() as port:
            raw(port)
            port.write(b"\x02\x04")
            events = control.events(PATIENCE_S)
            assert sum(event["ev"] == "reset" for event, _ in zip(events, range(60), strict=False)) > 12
    with wired(tmp_path / "b", Troubles(is_held=True)) as live, live.open() as port:
        port.write(b"\r\x03\x01")
        port.timeout = 0.2
        assert port.read(1) == b""


def test_a_board_without_a_cable_has_none_to_pull(tmp_path):
    with running(tmp_path) as live, live.control() as control:
        for call in (control.unplug, control.plug):
            with pytest.raises(OperatorError, match="not on a cable"):
                call()

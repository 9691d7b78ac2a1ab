"""The console's bytes: raw REPL, raw paste, friendly REPL, Ctrl-C, soft reset, by the rules of MicroPython's documentation."""

import pytest
from support.wired import execute, raw, wired


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    with wired(tmp_path_factory.mktemp("console") / "b") as live:
        yield live


@pytest.fixture
def port(live):
    with live.open() as port:
        raw(port)
        yield port
        port.write(b"\x02")


def test_raw_repl_runs_code_and_tells_output_and_error(port):
    assert execute(port, b"x = 7\nprint(x)") == (b"7\r\n", b"")
    said, trouble = execute(port, b"print(x)\n1/0")
    assert said == b"7\r\n"
    assert trouble.startswith(b'Traceback (most recent call last):\r\n  File "<stdin>", line 2, in <module>\r\nZero')
    assert b"console" not in trouble
    assert b"SyntaxError" in execute(port, b"if")[1]


def test_raw_paste_is_taken_window_by_window(port):
    port.write(b"\x05A\x01")
    assert port.read(5) == b"R\x01\x80\x00\x01"
    code = b"n = '" + b"a" * 300 + b"'; print(len(n))"
    port.write(code[:256])
    assert port.read(2) == b"\x01\x01"
    port.write(code[256:] + b"\x04")
    assert port.read_until(b"\x04>") == b"\x04300\r\n\x04\x04>"


def test_ctrl_c_stops_a_busy_loop_and_one_that_sleeps(port):
    for code in (b"while True: pass", b"import time\nwhile True: time.sleep(60)"):
        port.write(code + b"\x04")
        assert port.read(2) == b"OK"
        port.write(b"\x03")
        assert b"KeyboardInterrupt" in port.read_until(b"\x04>")
    port.write(b"while True: pass\x04\x03")
    assert b"KeyboardInterrupt" in port.read_until(b"\x04>")
    assert execute(port, b"print(1)") == (b"1\r\n", b"")


def test_ctrl_c_at_the_prompt_drops_what_was_typed(port):
    port.write(b"print(1)\x03")
    assert execute(port, b"print(2)") == (b"2\r\n", b"")


def test_a_soft_reset_forgets_everything_and_stays_raw(port):
    execute(port, b"kept = 1")
    port.write(b"\x04")
    assert port.read_until(b"raw REPL; CTRL-B to exit\r\n>") == b"\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>"
    assert b"NameError" in execute(port, b"kept")[1]
    port.write(b"raise SystemExit\x04")
    assert port.read_until(b"exit\r\n>") == b"OK\x04\x04MPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>"


def test_friendly_repl_echoes_and_prints_values(port):
    port.write(b"\x02")
    assert port.read_until(b">>> ").startswith(b"\r\nMicroPython v")
    port.write(b"1 + 1\r")
    assert port.read_until(b">>> ") == b"1 + 1\r\n2\r\n>>> "
    port.write(b"def f():\r return 3\r\rf()\r")
    assert port.read_until(b"\r\n3\r\n>>> ").endswith(b"f()\r\n3\r\n>>> ")
    port.write(b"\x05a = 4\rprint(a)\x04")
    assert port.read_until(b"\r\n4\r\n>>> ").endswith(b"\r\n4\r\n>>> ")
    port.write(b"abx\x7f\x03")
    assert port.read_until(b">>> ").endswith(b"abx\x08 \x08\r\n>>> ")
    port.write(b"\x04")
    assert port.read_until(b">>> ").startswith(b"\r\nMPY: soft reboot\r\nMicroPython v")

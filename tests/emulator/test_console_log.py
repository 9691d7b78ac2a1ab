"""What a host says to the raw REPL stays out of the log; what programs say is in it."""

from tincall.emulator.console_log import ConsoleLog

HELLO = b'MicroPython v1.25.0; a board\nType "help()" for more information.\n>>> '


def test_a_session_leaves_events_alone():
    log = ConsoleLog()
    assert log.pick(HELLO) == HELLO[:-4]
    said = b'\nraw REPL; CTRL-B to exit\n>OKsecret\n{"k": 1}\n\x04\x04>OK{"ev": "online"}\n\x04\x04>\n' + HELLO
    picked = b"".join(log.pick(said[at : at + 3]) for at in range(0, len(said), 3))
    assert picked == b'>>> \n{"ev": "online"}\n' + HELLO[:-4]


def test_each_life_begins_anew():
    log = ConsoleLog()
    log.pick(b"raw REPL; CTRL-B to exit\n>secr")
    assert log.begin(raw=False) == b""
    assert log.pick(b"one\ntw") == b"one\n"
    assert log.begin(raw=True) == b"tw\n"
    assert log.pick(b"secret\n") == b""

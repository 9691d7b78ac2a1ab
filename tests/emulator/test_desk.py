"""The runner's desk: bad requests are answered, a reader that sleeps is cut off, strangers stay out."""

import json
import socket
from pathlib import Path

import pytest

from emulator.live import running
from tincall.emulator import desk
from tincall.emulator.control import socket_address


def connect(folder: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    with socket_address(folder / "control.sock") as address:
        connection.connect(address)
    return connection


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"do": "fly"}',
        b'{"do": 7}',
        b"{}",
        b'{"do": "press"}',
        b'{"do": "press", "button": "call", "ms": []}',
    ],
)
def test_every_wrong_request_has_an_answer(tmp_path: Path, line: bytes) -> None:
    with running(tmp_path) as live, connect(live.folder) as connection:
        connection.sendall(line + b"\n" + b'{"do": "status"}\n')
        file = connection.makefile()
        wrong, right = json.loads(file.readline()), json.loads(file.readline())
        file.close()
        assert wrong["ok"] is False and wrong["error"] and wrong["hint"]
        assert right["ok"] is True


def test_a_line_without_end_ends_the_connection_only(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        with connect(live.folder) as connection:
            try:
                connection.sendall(b"x" * 500_000)
                assert connection.recv(1) == b""
            except ConnectionError:
                pass  # closed with our bytes unread
        with live.control() as control:
            assert control.status()["lives"] == 1


def test_only_the_owner_may_ask(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        assert (live.folder / "control.sock").stat().st_mode & 0o777 == 0o600
    assert not (live.folder / "control.sock").exists()


TALKER = """
import json, machine, time
pin = machine.Pin(1, machine.Pin.IN)
while True:
    pin.value()
    print(json.dumps({"ev": "talk", "text": "x" * 500}))
"""


def test_a_reader_that_sleeps_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "_UNREAD_BYTES", 20000)
    with running(tmp_path, TALKER) as live, connect(live.folder) as sleeper, live.control() as watch:
        sleeper.sendall(b'{"do": "events"}\n')
        for count, _ in enumerate(watch.events(20)):
            if count > 3000:
                break
        # what was on its way comes, then the end
        try:
            while sleeper.recv(65536):
                pass
        except ConnectionResetError:
            pass

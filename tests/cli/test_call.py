"""`tincall call` and `tincall hangup`: by the relay, or by an emulated board's buttons."""

import pytest
from commands import document, tincall

from tincall.cli.client import Client
from tincall.errors import OperatorError


@pytest.fixture
def board(monkeypatch):
    pressed = []

    class Fake:
        def __init__(self, folder):
            if folder.name == "off":
                raise OperatorError(f"no board runs in {folder}", "Start one.")
            self.folder = folder

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def press(self, button):
            pressed.append((self.folder.name, button))

    monkeypatch.setattr("tincall.emulator.control.BoardControl", Fake)
    return pressed


def test_buttons_are_pressed(board, tmp_path):
    folder = tmp_path / "door"
    assert document(tincall("call", "--button", folder, "--json")) == {"board": str(folder), "pressed": "call"}
    assert tincall("hangup", "--button", folder).exit_code == 0
    assert board == [("door", "call"), ("door", "end")]


def test_a_board_that_is_off_is_told(board, tmp_path):
    result = tincall("call", "--button", tmp_path / "off")
    assert result.exit_code == 1
    assert "no board runs" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["call"],
        ["call", "SN-1"],
        ["call", "--phone", "alice"],
        ["call", "SN-1", "--phone", "alice", "--button", "door"],
        ["call", "SN-1", "--button", "door"],
        ["hangup"],
        ["hangup", "c1", "--button", "door"],
    ],
)
def test_half_an_order_is_refused(board, arguments):
    result = tincall(*arguments)
    assert result.exit_code == 2
    assert board == []


def test_a_phone_cannot_call_a_board_that_is_away_or_unknown(shared_relay):
    with Client(shared_relay) as client:
        client.post("/v1/devices", {"sn": "CA-1"})
    away = tincall("call", "CA-1", "--phone", "alice", "--data", shared_relay)
    assert away.exit_code == 1
    assert "not connected" in away.stderr
    unknown = tincall("call", "CA-2", "--phone", "alice", "--data", shared_relay)
    assert "No device CA-2" in unknown.stderr


def test_a_call_that_is_not_there_cannot_be_hung_up(shared_relay):
    result = tincall("hangup", "never", "--data", shared_relay)
    assert result.exit_code == 1
    assert "no record of call never" in result.stderr

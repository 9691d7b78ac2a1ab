"""The programs run on a board: each compiles there, says one line, and tells no key."""

from pathlib import Path

import pytest
from support.ready_boards import ready
from support.wired import wired

from tincall.errors import OperatorError
from tincall.workbench import probes, provision
from tincall.workbench.serial_board import SerialBoard

FIELDS = {
    "sn": "SN-1", "model_id": "m", "kv": 1, "key": "ab" * 32, "host": "127.0.0.1", "port": 1, "name": "127.0.0.1",
    "ca": "-----BEGIN CERTIFICATE-----\n", "time": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory):
    with wired(ready(tmp_path_factory.mktemp("probes") / "b")) as live, SerialBoard.open(live.port) as opened:
        yield opened


def test_an_identity_is_written_read_and_changed_in_part(board):
    assert provision.standing(board).identity is None
    provision.write_identity(board, FIELDS)
    held = provision.standing(board)
    assert (held.identity["sn"], held.identity["kv"], held.identity["port"], held.trial) == ("SN-1", 1, 1, "")
    provision.write_identity(board, {"host": "relay.example", "name": "relay.example", "port": 2})
    assert provision.standing(board).identity == {
        **held.identity,
        "host": "relay.example",
        "name": "relay.example",
        "port": 2,
    }
    assert "ab" * 32 not in board.run(probes.STANDING)
    with pytest.raises(OperatorError) as refused:
        provision.write_identity(board, {**FIELDS, "key": "ab"})
    assert "key of 32 bytes" in refused.value.message
    found = provision.verify(board)
    assert (found.ok, found.reason, found.where) == (False, "dns_fail", "relay.example:2")


def test_networks_are_heard_and_one_is_put_on_trial(board, tmp_path):
    assert provision.scan(board) == []
    assert provision.write_network(board, "home", "password") is True
    assert provision.standing(board).trial == "home"
    with pytest.raises(OperatorError, match="8 to 63"):
        provision.write_network(board, "home", "p")


def test_no_program_holds_what_is_secret():
    source = Path(probes.__file__).read_text()
    assert "print(json.dumps(_write(data)))\ndel data" in source
    assert "w.key" not in source and "who.key" not in source

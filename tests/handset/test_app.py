"""The application: which ends of a session it goes on after and when, and one whole life against a relay over TLS."""

import contextlib
import json
import subprocess

import pytest
from support import boards
from support.peer import Peer
from test_attestor import KEY, Relay, http

from callcore import framer, messages, verify
from tincall.emulator.child import FIRMWARE

WELCOME = {
    "t": "welcome",
    "v": 1,
    "now": 1790000000,
    "heartbeat_ms": 10000,
    "contacts": [{"id": "anna", "name": "Anna"}],
    "settings": {"ring_ms": 30000},
    "features": [],
}
INVITE = {
    "t": "invite",
    "call": "c-1",
    "from": {"id": "anna", "name": "Anna"},
    "media": {"codec": "PCMA", "ptime": 20, "ssrc": 1, "remote_ssrc": 2},
    "ring_ms": 5000,
}


def test_cases(check, board):
    check(board, "app_cases.py")


def said_by(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_board_without_identity_says_what_to_do_and_ends(run, board):
    done = run(board, FIRMWARE / "main.py")
    assert done.returncode == 0, done.stderr
    boot, error = said_by(done)
    assert boot["ev"] == "boot" and boot["board"] == "EMULATED" and boot["firmware"]
    assert (error["step"], error["reason"]) == ("identity", "record_missing")
    assert "enrol" in error["detail"]


@pytest.fixture
def install(run, authority, tmp_path):
    """Write the identity of a board that trusts our authority and calls a port."""

    def go(board, port):
        fields = {
            "sn": "SN-1",
            "model_id": "model-x",
            "kv": 1,
            "key": KEY.hex(),
            "host": "127.0.0.1",
            "port": port,
            "name": "localhost",
            "ca": authority.anchor.read_text(),
        }
        (tmp_path / "fields.json").write_text(json.dumps(fields))
        done = run(board, "identity_write.py", "fields.json")
        assert done.returncode == 0, done.stderr

    return go


def test_a_revoked_board_stops(run, board, authority, install):
    status = verify.status_of("revoked")
    with Peer(authority.server(), Relay(finish=http(status, {"reason": "revoked"}))) as peer:
        install(board, peer.port)
        done = run(board, FIRMWARE / "main.py")
    assert done.returncode == 0, done.stderr
    assert [line["ev"] for line in said_by(done)] == ["boot", "error", "stopped"]
    assert KEY.hex() not in done.stdout


class Line(Relay):
    """A relay that verifies a board, opens its link, lets it ring once, and closes with a code.

    Attributes:
        heard: messages of the board, and at the end its close frame.
        upgrade_headers: of the request for the link.
    """

    def __init__(self, code):
        super().__init__()
        self.code = code
        self.heard = []

    def __call__(self, connection):
        super().__call__(connection)
        request = connection.request
        connection.request = lambda: self._note(request())
        connection.upgrade()
        for message in (None, WELCOME, INVITE):
            if message:
                connection.send(framer.TEXT, messages.encode(message, messages.FROM_RELAY))
            if message is not WELCOME:
                kind, payload = connection.frame()
                assert kind == framer.TEXT
                self.heard.append(messages.decode(payload, messages.FROM_BOARD))
        connection.send(framer.CLOSE, framer.close_payload(self.code, ""))
        self.heard.append(connection.frame())

    def _note(self, request):
        self.upgrade_headers = request[1]
        return request


def lines_until(board, folder, event):
    """Start the firmware and give what it says, up to and including `event`; then pull the plug."""
    command, environment = boards.command_of(board, FIRMWARE / "main.py")
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)
    said = []
    try:
        for text in process.stdout:
            said.append(json.loads(text))
            if said[-1]["ev"] == event:
                break
    finally:
        process.kill()
        with contextlib.closing(process.stdout):
            process.wait(10)
    return said


@pytest.mark.parametrize(("code", "reason", "least_ms"), [(4409, "superseded", 30000), (4403, "revoked", 3600000)])
def test_from_power_on_to_the_end_of_a_link(board, authority, install, tmp_path, code, reason, least_ms):
    relay = Line(code)
    with Peer(authority.server(), relay) as peer:
        install(board, peer.port)
        said = lines_until(board, tmp_path, "waiting")
    assert [line["ev"] for line in said] == [
        "boot", "verified", "online", "caller", "call", "call", "error", "waiting",
    ]  # fmt: skip
    assert said[1]["verify_ms"] > 0 and said[2]["contacts"] == 1
    assert [line.get("state") for line in said[4:6]] == ["RINGING", "ENDED"]
    assert said[5]["name"] == "LINK_LOST"
    assert said[-1]["reason"] == reason and said[-1]["wait_ms"] >= least_ms
    assert relay.upgrade_headers["authorization"] == "Bearer the-token"
    assert [message["t"] for message in relay.heard[:2]] == ["hello", "ringing"]
    assert relay.heard[2] == (framer.CLOSE, framer.close_payload(code, ""))

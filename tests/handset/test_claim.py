"""A claim over real TLS against a relay played by callcore alone: handed over, refused, impostors, silence."""

import hashlib
import json
import socket
import ssl

import pytest
from support.peer import Peer

from callcore import claim, handover, refusals, verify
from callcore.evidence import Begin

SECRET = bytes(range(50, 66))
KEY = bytes(range(100, 132))
KNOWN = {"sn": "SN-1", "model_id": "model-x", "host": "127.0.0.1", "name": "localhost", "time": 1790000000}


def http(status, body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


class Relay:
    """The relay's side of a claim.

    Args:
        secret: of the claim as this relay knows it.
        instead: an HTTP answer in place of the right one, or None.

    Attributes:
        asked: (request line, headers, body) of each request.
        proved: whether the board's proof was right.
    """

    def __init__(self, secret=SECRET, instead=None):
        self.secret = secret
        self.instead = instead
        self.asked = []
        self.proved = None

    def __call__(self, connection):
        self.asked.append(connection.request())
        if self.instead:
            connection.answer(self.instead)
            return
        self.claim = handover.parse(self.asked[0][2])
        said = self.claim.begin
        th = claim.transcript(Begin(said.sn, "model-x", 1, said.uid, said.dn, ""), "C-7", self.claim.cb)
        self.proved = handover.check_proof(self.secret, th, self.claim.proof)
        connection.answer(http(200, handover.answer(self.secret, th, 4, KEY)))


@pytest.fixture
def take(run, authority, tmp_path):
    """Let a board claim; gives what it printed."""
    server = authority.server()

    def go(board, relay, *arguments, tls_1_2=False, **changes):
        with Peer(server, relay, tls_1_2) as peer:
            ticket = {**KNOWN, "port": peer.port, "ca": authority.anchor.read_text(), "claim_id": "C-7"}
            ticket |= {"secret": SECRET.hex(), **changes}
            (tmp_path / "ticket").write_text(json.dumps(ticket))
            done = run(board, "claim_try.py", "ticket", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert SECRET.hex() not in done.stdout + done.stderr
        return json.loads(done.stdout)

    go.certificate = ssl.PEM_cert_to_DER_cert(server[0].read_text())
    return go


@pytest.mark.parametrize("tls_1_2", [False, True], ids=["tls1.3", "tls1.2"])
def test_a_board_gets_an_identity_with_its_key(take, board, tls_1_2, authority):
    relay = Relay()
    said = take(board, relay, tls_1_2=tls_1_2)
    assert said["kind"] == "claimed", said
    fields = said["fields"]
    port = fields.pop("port")
    assert isinstance(port, int)
    assert fields == {**KNOWN, "ca": authority.anchor.read_text(), "kv": 4, "key": KEY.hex()}
    assert relay.proved


def test_what_a_board_says_and_what_it_binds(take, board):
    relay = Relay()
    take(board, relay)
    ((line, headers, body),) = relay.asked
    assert line == "POST /v1/claim HTTP/1.1" and headers["host"] == "localhost"
    said = json.loads(body)
    assert (said["v"], said["sn"], said["model_id"], said["claim_id"]) == (1, "SN-1", "model-x", "C-7")
    assert relay.claim.cb == hashlib.sha256(take.certificate).digest(), "in the first words already"
    assert SECRET.hex() not in body.decode() and "kv" not in said


def test_a_relay_without_the_secret_hands_nothing_over(take, board):
    said = take(board, Relay(secret=b"x" * 16))
    assert (said["kind"], said["reason"]) == ("AttestError", "server_not_proved") and "fields" not in said


@pytest.mark.parametrize("reason", ["claim_refused", "claim_bound", "cb_mismatch", "rate_limited", "unavailable"])
def test_a_refusal_is_told_with_its_reason(take, reason):
    problem = {"status": verify.status_of(reason), "reason": reason, "detail": "You have won a prize"}
    said = take("unix32", Relay(instead=http(problem["status"], problem)))
    assert (said["kind"], said["reason"]) == ("AttestError", reason)
    assert said["detail"] == refusals.REASONS[reason][2]


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"body":"{}","sproof":"AA=="}', b"\xff"])
def test_an_answer_of_somebody_else_is_told_so(take, body):
    assert take("unix", Relay(instead=http(200, body)))["reason"] == "bad_answer"


def test_an_impostor_hears_nothing(run, stranger, authority, tmp_path, board):
    relay = Relay()
    with Peer(stranger.server(), relay) as peer:
        ticket = {**KNOWN, "port": peer.port, "ca": authority.anchor.read_text(), "claim_id": "C-7"}
        (tmp_path / "ticket").write_text(json.dumps({**ticket, "secret": SECRET.hex()}))
        said = json.loads(run(board, "claim_try.py", "ticket").stdout)
    assert (said["kind"], said["reason"]) == ("LinkError", "tls_wrong_ca")
    assert relay.asked == []


def test_a_relay_that_falls_silent_in_the_handshake_is_given_up(run, authority, tmp_path, board):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ticket = {**KNOWN, "port": listener.getsockname()[1], "ca": authority.anchor.read_text(), "claim_id": "C-7"}
        (tmp_path / "ticket").write_text(json.dumps({**ticket, "secret": SECRET.hex()}))
        said = json.loads(run(board, "claim_try.py", "ticket", 300).stdout)
    assert (said["kind"], said["reason"]) == ("LinkError", "timeout")


@pytest.mark.parametrize(
    "changes",
    [{"secret": "no hex"}, {"secret": None}, {"secret": "0"}, {"host": ""}, {"port": "1"}, {"ca": 7}],
)
def test_a_record_that_is_no_claim_is_told_so(take, changes):
    said = take("unix32", Relay(), **changes)
    assert (said["kind"], said["reason"]) == ("StoreError", "record_damaged")


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", "\x00"])
def test_a_record_that_is_no_object_is_told_so(run, tmp_path, text):
    (tmp_path / "ticket").write_text(text)
    said = json.loads(run("unix", "claim_try.py", "ticket").stdout)
    assert (said["kind"], said["reason"]) == ("StoreError", "record_damaged")


def test_cases(check, board):
    check(board, "claim_cases.py")

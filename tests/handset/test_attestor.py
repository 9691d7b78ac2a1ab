"""Verification over real TLS against a relay played by callcore alone: granted, refused, impostors, silence."""

import hashlib
import json
import ssl

import pytest
from support.peer import Peer

from callcore import attest, refusals
from callcore import verify as relay_half

KEY = bytes(range(100, 132))
OTHER_KEY = bytes(range(32, 64))
NONCE = b"n" * 32
GRANT = relay_half.grant_body("the-token", 3600, 1790000000, 12, "/v1/link", b"s" * 32)


def http(status, body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
    )


class Relay:
    """The relay's side of a verification.

    Args:
        key: the board's key as this relay knows it.
        begin, finish: an HTTP answer in place of the right one, or None.

    Attributes:
        asked: (request line, headers, body) of each request.
        proved: whether the board's proof was right.
    """

    def __init__(self, key=KEY, begin=None, finish=None, body=GRANT):
        self.keys = attest.Keys(key)
        self.instead = begin, finish
        self.body = body
        self.asked = []
        self.proved = None

    def __call__(self, connection):
        self.asked.append(connection.request())
        connection.answer(self.instead[0] or http(200, relay_half.challenge("S1", NONCE, 30)))
        if self.instead[0]:
            return
        self.asked.append(connection.request())
        begin, finish = relay_half.parse_begin(self.asked[0][2]), relay_half.parse_finish(self.asked[1][2])
        th = attest.transcript(begin, NONCE, finish.sid, finish.ctr, finish.cb)
        self.proved = relay_half.check_proof(self.keys.auth, th, finish.proof)
        self.finish = finish
        connection.answer(self.instead[1] or http(200, relay_half.grant(self.keys.auth, th, self.body)))


@pytest.fixture
def verify(run, authority, tmp_path):
    """Let a board verify with a relay; gives what it printed."""
    server = authority.server()

    def go(board, relay, *arguments, tls_1_2=False):
        with Peer(server, relay, tls_1_2) as peer:
            fields = {
                "sn": "SN-1",
                "model_id": "model-x",
                "kv": 3,
                "key": KEY.hex(),
                "host": "127.0.0.1",
                "port": peer.port,
                "name": "localhost",
                "ca": authority.anchor.read_text(),
            }
            (tmp_path / "fields.json").write_text(json.dumps(fields))
            done = run(board, "attest_try.py", "fields.json", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert KEY.hex() not in done.stdout + done.stderr
        return json.loads(done.stdout)

    go.certificate = ssl.PEM_cert_to_DER_cert(server[0].read_text())
    return go


@pytest.mark.parametrize("tls_1_2", [False, True], ids=["tls1.3", "tls1.2"])
def test_a_board_with_the_right_key_is_granted_a_session(verify, board, tls_1_2):
    relay = Relay()
    said = verify(board, relay, tls_1_2=tls_1_2)
    assert said["kind"] == "granted", said
    assert said["grant"] == {"token": "the-token", "exp": 3600, "now": 1790000000, "epoch": 12, "ws": "/v1/link"}
    assert relay.proved


def test_what_a_board_says_about_itself(verify, board):
    relay = Relay()
    verify(board, relay)
    (begin, begin_headers, begin_body), (finish, finish_headers, _) = relay.asked
    assert begin == "POST /v1/verify/begin HTTP/1.1" and finish == "POST /v1/verify/finish HTTP/1.1"
    for headers in (begin_headers, finish_headers):
        assert headers["host"] == "localhost" and headers["content-type"] == "application/json"
    said = json.loads(begin_body)
    assert (said["sn"], said["model_id"], said["kv"], said["uid"]) == ("SN-1", "model-x", 3, "020000000007")
    assert said["fw"] == "1.2.3" and said["v"] == 1


def test_the_certificate_that_was_seen_is_bound_into_the_proof(verify, board):
    relay = Relay()
    verify(board, relay)
    assert relay.finish.cb == hashlib.sha256(verify.certificate).digest()


def test_nonces_differ_and_numbers_go_up_across_restarts(verify, board):
    relays = [Relay(), Relay(), Relay()]
    for relay in relays:
        verify(board, relay)
    assert len({json.loads(relay.asked[0][2])["dn"] for relay in relays}) == 3
    assert [relay.finish.ctr for relay in relays] == [1, 65, 129]


def test_a_relay_that_does_not_know_the_key_is_refused_by_the_board(verify, board):
    relay = Relay(OTHER_KEY)
    said = verify(board, relay)
    assert (said["kind"], said["reason"]) == ("AttestError", "server_not_proved")
    assert relay.proved is False and "the-token" not in json.dumps(said)


def test_a_grant_that_was_changed_on_the_way_is_refused(verify, board, monkeypatch):
    right = relay_half.grant

    def changed(key, th, body):
        return {**right(key, th, body), "body": body.replace("3600", "3601")}

    monkeypatch.setattr(relay_half, "grant", changed)
    relay = Relay()
    said = verify(board, relay)
    assert (said["kind"], said["reason"]) == ("AttestError", "server_not_proved") and relay.proved


@pytest.mark.parametrize("reason", ["auth_failed", "rate_limited", "unavailable"])
def test_refusals_before_the_proof(verify, board, reason):
    status = relay_half.status_of(reason)
    said = verify(board, Relay(begin=http(status, {"type": "about:blank", "status": status, "reason": reason})))
    assert (said["kind"], said["reason"]) == ("AttestError", reason)
    assert said["detail"] == refusals.REASONS[reason][2]


@pytest.mark.parametrize("reason", ["cb_mismatch", "counter_rollback", "uid_mismatch", "suspended", "revoked"])
def test_refusals_after_the_proof(verify, board, reason):
    status = relay_half.status_of(reason)
    said = verify(board, Relay(finish=http(status, {"status": status, "reason": reason, "detail": "<script>"})))
    assert (said["kind"], said["reason"]) == ("AttestError", reason)
    assert "<script>" not in said["detail"]


@pytest.mark.parametrize(
    "answer",
    [
        http(200, b"{"),
        http(200, {}),
        http(200, {"sid": "S1", "nonce": "short", "ttl": 30}),
        http(418, {"reason": "teapot"}),
        http(401, b"<html>"),
        http(403, {"reason": "auth_failed"}),  # another status than this reason has
        http(500, b""),
    ],
    ids=["cut", "empty", "nonce", "teapot", "html", "status", "500"],
)
def test_answers_that_are_none(verify, board, answer):
    said = verify(board, Relay(begin=answer))
    assert (said["kind"], said["reason"]) == ("AttestError", "bad_answer")


def test_an_answer_that_is_not_http(verify, board):
    said = verify(board, Relay(begin=b"220 mail.example ESMTP\r\n\r\n\r\n"))
    assert (said["kind"], said["reason"]) == ("LinkError", "http_garbage")


def test_a_relay_that_hangs_up_between_the_requests(verify, board):
    class Gone(Relay):
        def __call__(self, connection):
            connection.request()
            connection.answer(http(200, relay_half.challenge("S1", NONCE, 30)))

    said = verify(board, Gone())
    assert (said["kind"], said["reason"]) == ("LinkError", "link_lost")


def test_a_relay_that_falls_silent(verify, board):
    class Silent(Relay):
        def __call__(self, connection):
            connection.request()
            with pytest.raises((EOFError, OSError)):
                connection.request()  # until the board gives up

    said = verify(board, Silent(), 300)
    assert (said["kind"], said["reason"]) == ("LinkError", "timeout")


def test_cases(check, board):
    """T-ID-13, the board's part."""
    check(board, "attestor_cases.py")

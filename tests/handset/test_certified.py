"""Boards that show a certificate, over real TLS to a relay played by callcore alone: granted, refused, changed.

Power cuts in a change are in tests/powerloss, the relay's judgement in tests/relay/test_certified_boards.py.
"""

import base64
import json

import pytest
from support.peer import Peer
from test_attestor import NONCE, http

from callcore import attest
from callcore import verify as relay_half
from callcore.verify import certified_key


class Relay:
    """The relay's side; it asks for certificates, and knows some.

    Args:
        known: (certificate, private key) of those it lets in.
        offers: what it offers, session by session: (certificate, private key), or None.

    Attributes:
        shown: the certificate of each connection that got through the handshake; None: it showed none.
    """

    def __init__(self, *known, offers=()):
        self.known = dict(known)
        self.offers = list(offers)
        self.shown = []
        self.kvs = []

    def __call__(self, connection):
        shown = connection.stream.getpeercert(True)
        _, _, asked = connection.request()
        self.shown.append(shown)
        begin = relay_half.parse_begin(asked)
        self.kvs.append(begin.kv)
        connection.answer(http(200, relay_half.challenge("S1", NONCE, 30)))
        finish = relay_half.parse_finish(connection.request()[2])
        keys = attest.Keys(certified_key(self.known.get(shown, bytes(32))))
        th = attest.transcript(begin, NONCE, finish.sid, finish.ctr, finish.cb)
        if not relay_half.check_proof(keys.auth, th, finish.proof):
            connection.answer(http(401, {"status": 401, "reason": "auth_failed"}))
            return
        offer = self.offers.pop(0) if self.offers else None
        rotate = None
        if offer:
            self.known[offer[0]] = offer[1]
            rotate = begin.kv + 1, attest.masked_key(keys.wrap, th, offer[1]), offer[0]
        body = relay_half.grant_body(f"T{len(self.shown)}", 3600, 1790000000, 12, "/v1/link", b"s" * 32, rotate)
        connection.answer(http(200, relay_half.grant(keys.auth, th, body)))


def fields(pair):
    return {"cert": base64.b64encode(pair[0]).decode(), "key": pair[1].hex()}


@pytest.fixture
def verify(run, authority, tmp_path):
    """Let a board with a certificate, and maybe the next one, verify; gives what it printed."""
    server = authority.server()

    def go(board, relay, own, coming=None, tls_1_2=False):
        with Peer(server, relay, tls_1_2, authority.anchor) as peer:
            said = {"sn": "SN-1", "model_id": "model-x", "kv": 3, "host": "127.0.0.1", "port": peer.port}
            said |= {"name": "localhost", "ca": authority.anchor.read_text(), **fields(own)}
            if coming:
                said["next"] = {"kv": 4, **fields(coming)}
            (tmp_path / "fields.json").write_text(json.dumps(said))
            done = run(board, "certified_try.py", "fields.json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert own[1].hex() not in done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return go


versions = pytest.mark.parametrize("tls_1_2", [False, True], ids=["tls1.3", "tls1.2"])


@versions
def test_a_board_shows_its_certificate_and_proves_the_key_of_it(verify, authority, board, tls_1_2):
    own = authority.board()
    relay = Relay(own)
    assert verify(board, relay, own, tls_1_2=tls_1_2)["said"] == ["granted T1"]
    assert relay.shown == [own[0]]


@versions
def test_certificates_that_a_relay_does_not_take_are_named(verify, authority, stranger, board, tls_1_2):
    mixed = authority.board()[0], authority.board()[1]
    for wrong in (stranger.board(), authority.board(to_days=-1), authority.board(from_days=1), mixed):
        relay = Relay()
        found = verify(board, relay, wrong, tls_1_2=tls_1_2)
        assert found["said"] == ["tls_client_cert_refused"] and relay.shown == []
        assert (found["kv"], found["cert"]) == (3, [fields(wrong)["cert"]]), "no refusal changes what it holds"


def test_a_good_certificate_of_nobody_is_a_wrong_proof(verify, authority, board):
    own = authority.board()
    assert verify(board, Relay(authority.board()), own)["said"] == ["auth_failed"]


@versions
def test_a_new_certificate_is_proved_over_a_connection_of_its_own(verify, authority, board, tls_1_2):
    own, coming = authority.board(), authority.board()
    relay = Relay(own, offers=[coming])
    found = verify(board, relay, own, tls_1_2=tls_1_2)
    assert found["said"] == ["again", "granted T2"]
    assert (found["kv"], found["next"], found["cert"]) == (4, 0, [fields(coming)["cert"]])
    assert relay.shown == [own[0], coming[0]] and relay.kvs == [3, 4]


@versions
def test_a_next_certificate_that_tls_refuses_is_followed_by_its_own(verify, authority, stranger, board, tls_1_2):
    own, coming = authority.board(), stranger.board()
    relay = Relay(own)
    found = verify(board, relay, own, coming, tls_1_2)
    assert found["said"] == ["again", "granted T1"] and relay.shown == [own[0]]
    assert (found["kv"], found["next"]) == (3, 4)


def test_a_next_certificate_that_the_relay_does_not_know_is_followed_by_its_own(verify, authority, board):
    own, coming, another = (authority.board() for _ in range(3))
    relay = Relay(own, offers=[another])
    found = verify(board, relay, own, coming)
    assert found["said"] == ["again", "granted T2"] and relay.shown == [coming[0], own[0]]
    assert (found["kv"], found["next"]) == (3, 4), "the newest one waits for the next session"


def test_cases(check, board):
    """T-ID-13, the part of a board with a certificate."""
    check(board, "certified_cases.py")

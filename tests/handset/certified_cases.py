"""Runs on a board that has a certificate: it changes, and whatever is lost, refused or not written on the way, it can go on."""

import small_relay
from small_relay import FIRST, SmallRelay, attempt, certificate

from callcore.errors import AttestError, LinkError, StoreError
from handset import certified, identity
from handset.marks import MARKS, Marks
from handset.places import Folder, Nvs
from handset.store import Store

PLACES = (Nvs("certified"), Folder("."))
# of one session in which the certificate changes: two verifications, each over a connection of its own
MESSAGES = 8


def text(key):
    return small_relay.fields(key=key, is_certified=True)["cert"]


class Board:
    """A board with a certificate, and its relay; `reset` starts the board anew from what it has stored."""

    def __init__(self):
        self.relay = SmallRelay(certified=True)
        self.said = small_relay.wire(self.relay)
        store = Store(PLACES)
        store.forget(MARKS)
        store.forget(identity.IDENTITY)
        identity.save(store, small_relay.fields(is_certified=True))
        self.reset()

    def reset(self):
        self.store = Store(PLACES)
        self.who = identity.load(self.store)
        self.marks = Marks(self.store)

    def attempt(self):
        try:
            return attempt(self.store, self.who, self.marks)["token"]
        except (LinkError, AttestError) as error:
            return error.reason

    def keys(self):
        """What it holds; what it has stored is the same, and each key has its certificate."""
        stored = identity.load(Store(PLACES))
        held = (self.who.kv, self.who.key, self.who.next)
        assert held == (stored.kv, stored.key, stored.next)
        assert self.who.cert == stored.cert == (text(self.who.key),)
        assert self.who.next is None or self.who.next[2] == text(self.who.next[1])
        return held[:2] + ((held[2] and held[2][:2]),)

    def has_settled(self):
        assert self.keys() == (self.relay.kv, self.relay.key, None) and self.relay.coming is None


def test_a_certificate_changes_over_two_connections():
    board = Board()
    assert board.attempt() == "t1" and board.relay.messages == 4
    board.relay.rotate()
    assert board.attempt() == "t3" and board.relay.messages == 4 + MESSAGES
    assert board.keys() == (2, b"\x81" * 32, None)
    board.has_settled()
    board.reset()
    board.relay.rotate()
    assert board.attempt() == "t5"
    board.has_settled()


def test_every_message_lost_and_every_pair_of_them():
    losses = [(n,) for n in range(1, MESSAGES + 1)] * 2
    losses += [(n, m) for n in range(1, MESSAGES + 1) for m in range(n + 1, MESSAGES + 1)]
    for at, lost in enumerate(losses):
        for resets in (at % 3 == 0,):
            board = Board()
            board.relay.rotate()
            board.relay.lost = lost
            for _ in lost:
                board.attempt()
                if resets:
                    board.reset()
            board.relay.lost = ()
            said = board.attempt()
            assert said[0] == "t", (lost, said)
            if board.relay.coming:  # its next one was refused once, so its own was shown
                board.attempt()
            board.has_settled()


def cut_off_before_the_proof():
    """A board that holds both certificates, and has proved neither."""
    board = Board()
    board.relay.rotate()
    board.relay.lost = (5, 7)
    assert board.attempt() == "tls_client_cert_refused"
    board.relay.lost = ()
    assert board.keys() == (1, FIRST, (2, b"\x81" * 32))
    return board


def test_a_relay_put_back_to_before_it_made_the_certificate():
    board = Board()
    before = board.relay.saved()
    for resets in (False, True):
        board = cut_off_before_the_proof()
        board.relay.restore(before)
        for _ in range(3):
            assert board.attempt()[0] == "t"
            assert board.keys() == (1, FIRST, (2, b"\x81" * 32))
            if resets:
                board.reset()
        board.relay.rotate(salt=1)
        assert board.attempt()[0] == "t", "on the certificate that it has; the new one in the place of the refused one"
        assert board.keys() == (1, FIRST, (2, b"\x82" * 32))
        assert board.attempt()[0] == "t"
        board.has_settled()


def test_a_relay_that_changes_its_mind_each_time_is_not_followed_without_end():
    board = cut_off_before_the_proof()
    board.reset()
    real = board.relay._finished

    def finished(data):
        board.relay.coming = bytes([0x90 + board.relay.finishes]) * 32
        return real(data)

    board.relay._finished = finished
    for _ in range(3):
        before = board.relay.finishes
        assert board.attempt()[0] == "t" and board.relay.finishes == before + 2
        assert board.keys()[0] == 1


def test_no_refusal_changes_what_it_holds():
    for reason in ("cb_mismatch", "counter_rollback", "uid_mismatch", "sn_conflict", "suspended", "revoked"):
        board = cut_off_before_the_proof()
        board.relay.refuse = {board.relay.finishes + 1: reason}
        assert board.attempt() == reason
        assert board.keys() == (1, FIRST, (2, b"\x81" * 32))


def test_a_certificate_that_is_none_is_passed_over():
    board = Board()
    board.relay.rotate()

    def refuses(anchor, pair):
        raise ValueError("invalid cert")

    certified.tls.context = refuses
    assert board.attempt() == "t1" and board.keys() == (1, FIRST, None)
    assert board.said == [("rotate", None)]


def test_a_key_without_a_certificate_is_passed_over():
    board = Board()
    board.relay.rotate()
    real = small_relay.verify.grant_body
    small_relay.verify.grant_body = lambda *args: real(*args[:6], args[6] and args[6][:2])
    try:
        assert board.attempt() == "t1" and board.keys() == (1, FIRST, None)
    finally:
        small_relay.verify.grant_body = real


def test_flash_that_takes_nothing_keeps_the_session():
    for error in (StoreError("storage", "full"), certified.rekey.LocalError("a record of 9999 bytes")):
        board = Board()
        board.relay.rotate()

        def fails(fact, body, error=error):
            raise error

        board.store.save = fails
        board.marks = Marks(Store(PLACES))
        assert board.attempt() == "t1" and board.who.next is None


def test_the_private_key_as_the_tls_library_takes_it():
    der, key = certified._pair((1, FIRST, text(FIRST)))
    assert der == certificate(FIRST)
    # RFC 5915: SEQUENCE of 119 bytes: version, 32 bytes of number, [0] P-256, [1] 66 bytes of point
    assert key[:2] == b"\x30\x77" and len(key) == 121
    assert key[2:7] == b"\x02\x01\x01\x04\x20" and key[7:39] == FIRST
    assert key[39:41] == b"\xa0\x0a" and key[51:53] == b"\xa1\x44" and key[53:57] == b"\x03\x42\x00\x04"
    assert certified._pair((1, FIRST, "?"))[0] in (b"", b"\xfb"[:0])

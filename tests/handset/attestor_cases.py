"""Runs on a board: its key changes, and whatever is lost, refused or not written on the way, it can go on (T-ID-13)."""

import small_relay
from small_relay import FIRST, SmallRelay, attempt

from callcore.errors import AttestError, LinkError, StoreError
from handset import identity
from handset.marks import MARKS, Marks
from handset.places import Folder, Nvs
from handset.store import Store

PLACES = (Nvs("rotation"), Folder("."))
# of one session in which the key changes: two verifications of two requests and two answers
MESSAGES = 8


class Board:
    """A board and its relay; `reset` starts the board anew from what it has stored."""

    def __init__(self):
        self.relay = SmallRelay()
        self.said = small_relay.wire(self.relay)
        store = Store(PLACES)
        store.forget(MARKS)
        store.forget(identity.IDENTITY)
        identity.save(store, small_relay.fields())
        self.reset()

    def reset(self):
        self.store = Store(PLACES)
        self.who = identity.load(self.store)
        self.marks = Marks(self.store)

    def attempt(self):
        """Verify once; gives the token or the reason why not."""
        try:
            return attempt(self.store, self.who, self.marks)["token"]
        except (LinkError, AttestError) as error:
            return error.reason

    def keys(self):
        """What it holds; what it has stored is the same."""
        stored = identity.load(Store(PLACES))
        held = (self.who.kv, self.who.key, self.who.next)
        assert held == (stored.kv, stored.key, stored.next)
        return held

    def comes_in(self, tries=1):
        """See that it is granted a session within so many attempts."""
        said = [self.attempt() for _ in range(tries)]
        assert said[-1][0] == "t" and self.relay.granted, said

    def has_settled(self):
        """See that board and relay hold one key, and the same."""
        assert self.keys() == (self.relay.kv, self.relay.key, None) and self.relay.coming is None


def test_the_key_changes_within_one_session():
    board = Board()
    board.comes_in()
    assert board.keys() == (1, FIRST, None)
    board.relay.rotate()
    board.comes_in()
    assert board.relay.granted == 3 and board.relay.messages == 4 + MESSAGES
    assert board.keys() == (2, b"\x81" * 32, None)
    board.has_settled()
    board.relay.rotate()
    board.reset()
    board.comes_in()
    assert board.keys() == (3, b"\x82" * 32, None)
    board.has_settled()


def test_every_message_lost_and_every_pair_of_them():
    losses = [(n,) for n in range(1, MESSAGES + 1)]
    losses += [(n, m) for n in range(1, MESSAGES + 1) for m in range(n + 1, n + MESSAGES + 1)]
    for lost in losses:
        for resets in (False, True):
            board = Board()
            board.relay.rotate()
            board.relay.lost = lost
            for _ in lost:
                board.attempt()
                if resets:
                    board.reset()
            board.relay.lost = ()
            board.comes_in()
            board.has_settled()


def cut_off_before_the_proof():
    """A board that holds both keys, and has proved neither."""
    board = Board()
    board.relay.rotate()
    board.relay.lost = (5,)
    assert board.attempt() == "link_lost"
    assert board.keys() == (1, FIRST, (2, b"\x81" * 32))
    return board


def test_a_relay_put_back_to_before_it_made_the_key():
    board = Board()
    before = board.relay.saved()
    for resets in (False, True):
        board = cut_off_before_the_proof()
        board.relay.restore(before)
        for _ in range(3):
            board.comes_in()
            assert board.keys() == (1, FIRST, (2, b"\x81" * 32))
            if resets:
                board.reset()
        board.relay.rotate(salt=1)
        board.comes_in()
        assert board.keys() == (2, b"\x82" * 32, None)
        board.has_settled()


def test_a_relay_put_back_to_any_moment_of_the_change():
    for lost in range(5, MESSAGES + 1):
        board = Board()
        copies = [board.relay.saved()]
        board.relay.rotate()
        copies.append(board.relay.saved())
        board.relay.lost = (lost,)
        assert board.attempt() == "link_lost"
        copies.append(board.relay.saved())
        for copy in copies:
            relay_then = board.relay.saved()
            board.relay.restore(copy)
            board.comes_in()
            if board.who.next is None:
                break  # it has given the old key up; older copies are out of its reach
            board.relay.restore(relay_then)


def test_what_any_refusal_changes_is_nothing():
    for reason in ("cb_mismatch", "counter_rollback", "uid_mismatch", "sn_conflict", "suspended", "revoked"):
        for at in (1, 2):
            board = Board()
            board.relay.rotate()
            board.relay.refuse = {at: reason}
            if at == 1:
                assert board.attempt() == reason
                assert board.keys() == (1, FIRST, None)
            else:
                assert board.attempt() == "t1", "the session that it has is good"
                assert board.said == [("rotate", reason)]
                assert board.keys() == (1, FIRST, (2, b"\x81" * 32))
                board.relay.refuse = {3: reason}
                assert board.attempt() == reason
                assert board.keys() == (1, FIRST, (2, b"\x81" * 32)), "and its other key is not tried"
            board.relay.refuse = {}
            board.reset()
            board.comes_in()
            board.has_settled()


def test_a_retired_key_is_followed_by_the_other_one_once():
    board = cut_off_before_the_proof()
    board.relay.refuse = {2: "kv_retired", 3: "kv_retired"}
    board.relay.coming, kept = None, board.relay.coming
    board.relay.kv, board.relay.key = 2, kept
    assert board.attempt() == "auth_failed", "its other key is no good"
    assert board.relay.finishes == 3
    board.comes_in()
    board.has_settled()


def test_a_board_without_another_key_tries_none():
    board = Board()
    board.relay.kv, board.relay.key = 2, b"x" * 32
    assert board.attempt() == "auth_failed"
    assert board.relay.finishes == 1 and board.keys() == (1, FIRST, None)


def test_a_relay_that_does_not_prove_itself_changes_nothing():
    board = Board()
    board.relay.rotate()
    board.relay.forge = True
    assert board.attempt() == "server_not_proved"
    assert board.keys() == (1, FIRST, None)
    board = cut_off_before_the_proof()
    board.relay.forge = True
    assert board.attempt() == "server_not_proved"
    assert board.keys() == (1, FIRST, (2, b"\x81" * 32)) and board.relay.finishes == 2
    board.relay.forge = False
    board.comes_in()
    board.has_settled()


class Frail:
    """A place that cannot be written at its nth write and after."""

    def __init__(self, place, good):
        self.where = place.where
        self.read = place.read
        self.remove = place.remove
        self._place = place
        self.good = good

    def write(self, name, blob):
        if name == "identity":
            self.good -= 1
            if self.good < 0:
                raise OSError(28)
        self._place.write(name, blob)


def test_flash_that_cannot_be_written():
    for broken in ((0,), (1,), (0, 1)):
        for good in (0, 1):
            board = Board()
            places = [Frail(place, good if at in broken else 99) for at, place in enumerate(PLACES)]
            board.store = Store(places)
            board.who = identity.load(board.store)
            board.relay.rotate()
            for _ in range(3):
                board.comes_in()
                # the key of one place alone is not used: that place may rot
                assert good or board.who.kv == board.relay.kv == 1
                assert (board.relay.coming is None) == bool(good)
            board.reset()
            board.comes_in()
            board.comes_in()
            board.has_settled()


def test_a_fault_of_the_flash_is_told_and_the_call_is_not_lost():
    board = Board()
    board.relay.rotate()

    def fails(fact, body):
        raise StoreError("storage", "full")

    board.store.save = fails
    board.marks = Marks(Store(PLACES))
    board.comes_in()
    assert board.said == [("rotate", "storage")] and board.who.next is None


def test_the_next_key_of_a_next_key_in_one_write():
    """The relay rotates again before the board could write that the first change is done."""
    board = cut_off_before_the_proof()
    relay = board.relay
    relay.kv, relay.key, relay.coming = 2, relay.coming, None
    relay.rotate()
    board.comes_in()
    assert board.keys() == (3, b"\x82" * 32, None)
    board.has_settled()

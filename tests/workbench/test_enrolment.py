"""What is to be done about a key: every mixture of what relay and board can say."""

import itertools

import pytest

from tincall.errors import OperatorError
from tincall.workbench import enrolment
from tincall.workbench.enrolment import ENROL, KEEP, RENEW, Device

SN, CHIP, OTHER = "SN-1", "c0ffee", "bad1dea"
ASKS = {"sn": SN, "kv": 2, "next_kv": 0}


def device(state="active", kv=2, next_kv=0, uid=CHIP, epoch=3):
    return Device(SN, state, kv, next_kv, uid, epoch)


NEW = device("new", 1, 0, "", 0)
FRESH = {**ASKS, "kv": 1}


@pytest.mark.parametrize(
    ("known", "held", "again", "expected"),
    [
        (None, None, False, ENROL),
        (None, FRESH, False, ENROL),  # taken back since the cable went
        (NEW, None, False, RENEW),  # cut between the relay's answer and the board's store
        (NEW, FRESH, False, KEEP),
        (NEW, {**ASKS, "kv": 7}, False, RENEW),
        (NEW, FRESH, True, RENEW),
        (device(), ASKS, False, KEEP),
        (device(), ASKS, True, RENEW),
        (device(), None, True, RENEW),  # its flash was erased
        (device(next_kv=3), {**ASKS, "kv": 3}, False, KEEP),  # the board has moved on, the relay has not heard of it
        (device(kv=3), {**ASKS, "next_kv": 3}, False, KEEP),
        (None, {**ASKS, "sn": "SN-2"}, True, ENROL),
    ],
)
def test_what_is_to_be_done(known, held, again, expected):
    assert enrolment.decide(SN, known, held, CHIP, again) == expected


@pytest.mark.parametrize(
    ("known", "held", "uid", "again", "says", "hint"),
    [
        (None, {**ASKS, "sn": "SN-2"}, CHIP, False, "this board is SN-2", "--again"),
        (device(), None, CHIP, False, "not on the board any more", "--again"),
        (device(), {**ASKS, "kv": 1}, CHIP, False, "not on the board any more", "--again"),
        (device(), None, OTHER, False, "another board", "--forget"),
        (device(), ASKS, OTHER, True, "another board", "--forget"),  # a copied flash is no proof
        (device("suspended"), ASKS, CHIP, False, "switched off", "resume"),
        (device("revoked"), ASKS, CHIP, True, "for good", "--forget"),
        (device("conflict"), ASKS, CHIP, True, "two boards", "show"),
    ],
)
def test_what_is_refused_with_what_to_do(known, held, uid, again, says, hint):
    with pytest.raises(OperatorError, match=says) as refused:
        enrolment.decide(SN, known, held, uid, again)
    assert hint in refused.value.hint


def test_nothing_is_ever_taken_from_a_verified_board_without_the_operators_word():
    states = ("new", "active", "suspended", "conflict", "revoked")
    holds = (None, ASKS, FRESH, {**ASKS, "sn": "SN-2"})
    for state, epoch, held, uid in itertools.product(states, (0, 1), holds, (CHIP, OTHER)):
        known = device(state, epoch=epoch, uid=CHIP if epoch else "")
        try:
            done = enrolment.decide(SN, known, held, uid, again=False)
        except OperatorError as refused:
            assert refused.hint
            continue
        assert epoch == 0 or (done == KEEP and uid == CHIP)


def test_a_board_is_verified_only_by_the_chip_and_the_key_that_the_relay_saw():
    assert enrolment.is_verified(device(), ASKS, CHIP)
    assert not enrolment.is_verified(device(), ASKS, OTHER)
    assert not enrolment.is_verified(device(), None, CHIP)
    assert not enrolment.is_verified(NEW, FRESH, "")
    assert not enrolment.is_verified(None, ASKS, CHIP)


def test_the_relays_words_are_read():
    told = {"sn": SN, "state": "active", "kv": 2, "next_key_s": 9, "uid": CHIP, "epoch": 4, "counter": 1}
    assert Device.of(told) == device(next_kv=3, epoch=4)

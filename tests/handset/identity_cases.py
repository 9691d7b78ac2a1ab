"""Runs on a board: the identity's fields, and a counter that never gives a number twice."""

import binascii
import json

from callcore.attest import Keys
from callcore.errors import StoreError
from handset import identity
from handset.identity import COUNTER, RESERVE, Counter
from handset.store import Store

KEY = bytes(range(32, 64))
SEAL = Keys(KEY).store
FIELDS = {
    "sn": "SN-1",
    "model_id": "model-x",
    "kv": 2,
    "key": binascii.hexlify(KEY).decode(),
    "host": "relay.example",
    "port": 8443,
    "name": "relay.example",
    "ca": "-----BEGIN CERTIFICATE-----\n",
}


def fresh():
    box = Store("who")
    box.forget(identity.IDENTITY)
    box.forget(COUNTER)
    return box


def fault_of(act):
    try:
        act()
    except StoreError as error:
        return error
    raise AssertionError("no error")


def test_what_was_saved_is_loaded():
    box = fresh()
    identity.save(box, FIELDS)
    who = identity.load(Store("who"))
    assert (who.sn, who.model_id, who.kv, who.host, who.port) == ("SN-1", "model-x", 2, "relay.example", 8443)
    assert who.name == "relay.example" and who.anchor == FIELDS["ca"].encode()
    assert who.key == KEY and who.store_key == SEAL


def test_a_board_without_identity_is_told_what_to_do():
    error = fault_of(lambda: identity.load(fresh()))
    assert error.reason == "record_missing" and "enrol" in error.detail


def test_a_damaged_identity_is_not_a_missing_one():
    box = fresh()
    box.save(identity.IDENTITY, b"x")
    with open("who/identity.a", "r+b") as file:
        file.write(b"T?")
    error = fault_of(lambda: identity.load(box))
    assert error.reason == "record_damaged" and "identity.a" in error.detail


def test_what_is_no_identity_is_damaged():
    for body in (b"", b"{", b"[]", b"7", b"null", b'"text"', b"\xff\xfe", b"{}"):
        box = fresh()
        box.save(identity.IDENTITY, body)
        assert fault_of(lambda box=box: identity.load(box)).reason == "record_damaged", body


def test_each_field_is_needed_and_of_its_kind_and_named():
    for name in FIELDS:
        for bad in (None, "", 1.5, [], {}, True) if name in ("kv", "port") else (None, "", 7, [], b"x"):
            fields = dict(FIELDS)
            fields[name] = bad
            error = fault_of(lambda fields=fields: identity.save(fresh(), fields))
            assert error.reason == "record_damaged" and name in error.detail, (name, bad)
        fields = dict(FIELDS)
        del fields[name]
        assert name in fault_of(lambda fields=fields: identity.Identity(fields)).detail


def test_a_bad_identity_leaves_the_old_one():
    box = fresh()
    identity.save(box, FIELDS)
    fault_of(lambda: identity.save(box, {}))
    assert identity.load(box).sn == "SN-1"


def test_a_key_of_another_form_is_refused_and_never_shown():
    for key in ("zz" * 32, "ab" * 31, "ab" * 33, "a", "  " + "ab" * 31, 5):
        fields = dict(FIELDS)
        fields["key"] = key
        error = fault_of(lambda fields=fields: identity.Identity(fields))
        assert error.reason == "record_damaged" and "abab" not in error.detail and "zz" not in error.detail


def test_no_secret_in_what_an_identity_prints():
    who = identity.Identity(FIELDS)
    assert FIELDS["key"] not in repr(who) and FIELDS["key"] not in str(who)


def test_the_longest_chain_that_is_foreseen_fits():
    fields = dict(FIELDS)
    fields["ca"] = "x" * 3000
    box = fresh()
    identity.save(box, fields)
    assert len(identity.load(box).anchor) == 3000
    assert json.dumps(fields)


def test_numbers_go_up_one_by_one():
    counter = Counter(fresh(), SEAL)
    assert [counter.draw() for _ in range(200)] == list(range(1, 201))


def test_a_reset_skips_numbers_and_repeats_none():
    box = fresh()
    last = 0
    for draws in (0, 1, 3, RESERVE - 1, RESERVE, RESERVE + 1, 2 * RESERVE, 5):
        counter = Counter(box, SEAL)
        for _ in range(draws):
            number = counter.draw()
            assert number > last
            last = number
        assert last <= 1000


class Slow(Store):
    """A store that counts what is written and can refuse."""

    written = 0
    full = False

    def save(self, fact, body, key=b""):
        if self.full:
            raise StoreError("storage", "no room")
        self.written += 1
        Store.save(self, fact, body, key)


def test_sixty_four_numbers_cost_one_reservation():
    fresh()
    box = Slow("who")
    counter = Counter(box, SEAL)
    assert box.written == 0
    counter.draw()
    reserving = box.written
    for _ in range(RESERVE - 1):
        counter.draw()
    assert box.written == reserving <= 2
    counter.draw()
    assert box.written == 2 * reserving


def test_a_number_whose_ceiling_could_not_be_written_is_not_given():
    fresh()
    box = Slow("who")
    counter = Counter(box, SEAL)
    for _ in range(RESERVE):
        counter.draw()
    box.full = True
    for _ in range(3):
        assert fault_of(counter.draw).reason == "storage"
    box.full = False
    assert counter.draw() == RESERVE + 1


def test_either_copy_of_the_counter_may_rot_and_no_number_comes_twice():
    for draws in (1, RESERVE, RESERVE + 1, 3 * RESERVE):
        for rotten in ("who/counter.a", "who/counter.b"):
            box = fresh()
            counter = Counter(box, SEAL)
            for _ in range(draws):
                last = counter.draw()
            try:
                with open(rotten, "r+b") as file:
                    file.seek(16)
                    file.write(b"?")
            except OSError:
                continue  # it has one copy only
            assert Counter(box, SEAL).draw() > last, (draws, rotten)


def test_a_counter_rotten_in_both_copies_or_of_another_key_is_an_error():
    box = fresh()
    Counter(box, SEAL).draw()
    assert fault_of(lambda: Counter(box, b"x" * 32)).reason == "record_damaged"
    box.save(COUNTER, b"twelve", SEAL)
    assert fault_of(lambda: Counter(box, SEAL)).reason == "record_damaged"

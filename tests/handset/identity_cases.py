"""Runs on a board: the identity's fields, checked one by one."""

import binascii
import json

from callcore.errors import StoreError
from handset import identity
from handset.places import Folder, Nvs
from handset.store import Store

KEY = bytes(range(32, 64))
PLACES = (Nvs("who"), Folder("."))
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
    box = Store(PLACES)
    box.forget(identity.IDENTITY)
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
    who = identity.load(Store(PLACES))
    assert (who.sn, who.model_id, who.kv, who.host, who.port) == ("SN-1", "model-x", 2, "relay.example", 8443)
    assert who.name == "relay.example" and who.anchor == FIELDS["ca"].encode()
    assert who.key == KEY


def test_a_board_without_identity_is_told_what_to_do():
    error = fault_of(lambda: identity.load(fresh()))
    assert error.reason == "record_missing" and "enrol" in error.detail


def test_a_damaged_identity_is_not_a_missing_one():
    box = fresh()
    box.save(identity.IDENTITY, b"x")
    for place in PLACES:
        place.write("identity", b"T?")
    error = fault_of(lambda: identity.load(box))
    assert error.reason == "record_damaged" and "NVS who/identity" in error.detail


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


def test_what_may_be_there_beside_it():
    who = identity.Identity(FIELDS)
    assert who.time_s == 0 and who.next is None
    fields = dict(FIELDS)
    fields["time"] = 1790000000
    fields["next"] = {"kv": 3, "key": "a5" * 32}
    box = fresh()
    assert identity.save(box, fields) is True
    who = identity.load(box)
    assert who.time_s == 1790000000 and who.next == (3, b"\xa5" * 32) and who.key == KEY
    assert identity.read(box) == fields


def test_what_is_there_beside_it_is_whole():
    for name, bad in (
        ("time", None),
        ("time", "soon"),
        ("time", True),
        ("next", None),
        ("next", []),
        ("next", {"kv": 3}),
        ("next", {"kv": 3, "key": "a5" * 31}),
        ("next", {"key": "a5" * 32}),
    ):
        fields = dict(FIELDS)
        fields[name] = bad
        error = fault_of(lambda fields=fields: identity.save(fresh(), fields))
        assert error.reason == "record_damaged" and "a5a5" not in error.detail, (name, bad)


def test_other_anchors_are_stored_with_the_time_and_the_rest_stays():
    box = fresh()
    identity.save(box, dict(FIELDS, sntp="time.example", later=[1]))
    who = identity.load(box)
    who.trust(box, b"other", 1795000000)
    assert (who.anchor, who.time_s, who.sntp) == (b"other", 1795000000, "time.example")
    assert identity.read(Store(PLACES)) == dict(FIELDS, ca="other", time=1795000000, sntp="time.example", later=[1])
    who.trust(box, b"third", 1700000000)
    assert identity.load(Store(PLACES)).time_s == who.time_s == 1795000000


def test_anchors_that_one_place_alone_took_are_not_in_force():
    class Deaf(Folder):
        def write(self, name, blob):
            raise OSError(28)

    box = fresh()
    identity.save(box, FIELDS)
    who = identity.load(box)
    who.trust(Store((PLACES[0], Deaf("."))), b"other", 5)
    assert (who.anchor, who.time_s) == (FIELDS["ca"].encode(), 0)

"""Runs on a board: which keys its record holds, written in one piece; what leads there is in attestor_cases.py."""

import small_relay

from handset import identity, rekey
from handset.places import Folder, Nvs
from handset.store import Store

KEY = small_relay.FIRST
PLACES = (Nvs("rekey"), Folder("."))


def made():
    box = Store(PLACES)
    box.forget(identity.IDENTITY)
    identity.save(box, dict(small_relay.fields(kv=2), time=7))
    return box


def test_keys_are_changed_in_one_record():
    box = made()
    who = identity.load(box)
    new = b"n" * 32
    assert rekey.write(box, who, (2, KEY), (3, new)) is True
    stored = identity.load(Store(PLACES))
    assert (stored.kv, stored.key, stored.next) == (who.kv, who.key, who.next) == (2, KEY, (3, new))
    assert stored.time_s == 7 and stored.sn == "SN-1"
    assert rekey.write(box, who, (3, new), None) is True
    stored = identity.load(Store(PLACES))
    assert (stored.kv, stored.key, stored.next) == (who.kv, who.key, who.next) == (3, new, None)
    assert "next" not in identity.read(box)


def test_keys_that_one_place_alone_has_are_not_used():
    box = made()
    who = identity.load(box)
    saved = box.save
    box.save = lambda fact, body: saved(fact, body) and False
    assert rekey.write(box, who, (2, KEY), (3, b"n" * 32)) is False
    assert (who.kv, who.key, who.next) == (2, KEY, None)

"""Stored records: golden bytes, every flipped bit, every cut, and the choice between two copies."""

import json
from binascii import hexlify, unhexlify

from callcore import record
from callcore.errors import LocalError, StoreError
from callcore.mac import hmac_sha256

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/record.json") as file:
    VECTORS = json.load(file)

KEY = b"k" * 32


def reason_of(blob, kind, key=b""):
    try:
        record.unpack(blob, kind, key)
    except StoreError as error:
        assert error.detail
        return error.reason
    return ""


def refused(call, *args):
    try:
        call(*args)
    except LocalError as error:
        return error.detail
    raise AssertionError("not refused")


def test_golden_records_both_ways():
    for case in VECTORS["sound"]:
        body = unhexlify(case["body"])
        key = unhexlify(case["key"])
        assert hexlify(record.pack(case["kind"], case["generation"], body, key)).decode() == case["blob"]
        assert record.unpack(unhexlify(case["blob"]), case["kind"], key) == (case["generation"], body)


def test_golden_bad_records():
    for case in VECTORS["unsound"]:
        found = reason_of(unhexlify(case["blob"]), case["kind"], unhexlify(case["key"]))
        assert found == case["reason"], case["what"]


def test_every_flipped_bit_is_damage():
    for key in (b"", KEY):
        good = record.pack(3, 9, b"a fact", key)
        for bit in range(8 * len(good)):
            bad = bytearray(good)
            bad[bit >> 3] ^= 1 << (bit & 7)
            assert reason_of(bytes(bad), 3, key) == "record_damaged", bit


def test_every_cut_is_damage():
    for key in (b"", KEY):
        good = record.pack(3, 9, b"a fact", key)
        for length in range(1, len(good)):
            assert reason_of(good[:length], 3, key) == "record_damaged", length
            # as an erased rest of a torn write
            torn = good[:length] + b"\xff" * (len(good) - length)
            assert torn == good or reason_of(torn, 3, key) == "record_damaged", length


def test_a_key_that_lies_in_the_body():
    def key_in(body):
        return body[:32] if len(body) >= 32 else b""

    body = KEY + b" and more"
    blob = record.pack(1, 5, body, key_in)
    assert blob == record.pack(1, 5, body, KEY)
    assert record.unpack(blob, 1, key_in) == (5, body)
    assert "no key" in refused(record.pack, 1, 5, b"short", key_in)
    assert reason_of(record.pack(1, 5, b"short", KEY), 1, key_in) == "record_damaged"
    # a body without a key is not sealed by the empty one
    data = record.pack(1, 5, b"short")[: -record.CRC_BYTES]
    assert reason_of(data + hmac_sha256(b"", data)[: record.MAC_BYTES], 1, key_in) == "record_damaged"


def test_a_body_has_a_bound():
    assert record.unpack(record.pack(1, 1, bytes(4096)), 1) == (1, bytes(4096))
    assert "4096" in refused(record.pack, 1, 1, bytes(4097))


def test_kind_and_generation_have_bounds():
    for kind, generation in ((-1, 0), (0x10000, 0), (0, -1), (0, 0x100000000)):
        refused(record.pack, kind, generation, b"")


def test_what_was_read_may_be_any_kind_of_bytes():
    blob = record.pack(1, 2, b"body", KEY)
    assert record.unpack(bytearray(blob), 1, KEY) == (2, b"body")
    assert record.unpack(memoryview(blob), 1, KEY) == (2, b"body")


def test_no_error_shows_the_body_or_the_key():
    blob = bytearray(record.pack(1, 2, b"SECRET", b"KEYKEY" * 6))
    blob[-1] ^= 1
    try:
        record.unpack(bytes(blob), 1, b"KEYKEY" * 6)
    except StoreError as error:
        assert "SECRET" not in error.detail and "KEY" not in error.detail
        return
    raise AssertionError("not refused")


def examined(generation):
    return record.examine(record.pack(1, generation, b"%d" % generation), 1)


def test_the_newer_of_two_sound_copies_wins():
    assert record.newest(examined(4), examined(5)) == (5, b"5")
    assert record.newest(examined(5), examined(4)) == (5, b"5")
    assert record.newest((5, b"first"), (5, b"second")) == (5, b"first")
    assert record.newest(examined(0xFFFFFFFF), examined(0x7FFFFFFF)) == (0xFFFFFFFF, b"4294967295")


def test_one_sound_copy_is_enough_whatever_the_other_is():
    for other in (b"", b"garbage", b"TinC\x02\xfd" + bytes(20)):
        bad = record.examine(other, 1)
        assert isinstance(bad, StoreError)
        assert record.newest(examined(4), bad) == (4, b"4")
        assert record.newest(bad, examined(4)) == (4, b"4")


def test_of_two_bad_copies_the_graver_reason_is_told_and_both_are_named():
    missing = StoreError("record_missing", "MISSING")
    damaged = StoreError("record_damaged", "DAMAGED")
    storage = StoreError("storage", "STORAGE")
    newer = StoreError("record_newer", "NEWER")
    order = (newer, storage, damaged, missing)
    for a in order:
        for b in order:
            try:
                record.newest(a, b)
            except StoreError as error:
                assert error.reason == order[min(order.index(a), order.index(b))].reason
                assert a.detail in error.detail and b.detail in error.detail
            else:
                raise AssertionError("not refused")

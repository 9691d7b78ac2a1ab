"""Stored records: golden bytes, every flipped bit, every cut."""

import json
from binascii import hexlify, unhexlify

from callcore import record
from callcore.errors import LocalError, StoreError

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

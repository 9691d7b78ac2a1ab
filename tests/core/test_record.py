"""Stored records: golden bytes, every flipped bit, every cut."""

import json
from binascii import hexlify, unhexlify

from callcore import record
from callcore.errors import LocalError, StoreError

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/record.json") as file:
    VECTORS = json.load(file)


def reason_of(blob, kind):
    try:
        record.unpack(blob, kind)
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
        assert hexlify(record.pack(case["kind"], case["generation"], body)).decode() == case["blob"]
        assert record.unpack(unhexlify(case["blob"]), case["kind"]) == (case["generation"], body)


def test_golden_bad_records():
    for case in VECTORS["unsound"]:
        assert reason_of(unhexlify(case["blob"]), case["kind"]) == case["reason"], case["what"]


def test_every_flipped_bit_is_damage():
    good = record.pack(3, 9, b"a fact")
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit >> 3] ^= 1 << (bit & 7)
        assert reason_of(bytes(bad), 3) == "record_damaged", bit


def test_every_cut_is_damage():
    good = record.pack(3, 9, b"a fact")
    for length in range(1, len(good)):
        assert reason_of(good[:length], 3) == "record_damaged", length
        # as an erased rest of a torn write
        torn = good[:length] + b"\xff" * (len(good) - length)
        assert torn == good or reason_of(torn, 3) == "record_damaged", length


def test_a_body_has_a_bound():
    assert record.unpack(record.pack(1, 1, bytes(3970)), 1) == (1, bytes(3970))
    assert "3970" in refused(record.pack, 1, 1, bytes(3971))


def test_kind_and_generation_have_bounds():
    for kind, generation in ((-1, 0), (0x10000, 0), (0, -1), (0, 0x100000000)):
        refused(record.pack, kind, generation, b"")


def test_what_was_read_may_be_any_kind_of_bytes():
    blob = record.pack(1, 2, b"body")
    assert record.unpack(bytearray(blob), 1) == (2, b"body")
    assert record.unpack(memoryview(blob), 1) == (2, b"body")


def test_the_longest_record_is_what_nvs_takes():
    assert len(record.pack(1, 1, bytes(record.MAX_BODY_BYTES))) == record.MAX_BYTES == 4000


def test_no_error_shows_the_body():
    blob = bytearray(record.pack(1, 2, b"SECRET"))
    blob[-1] ^= 1
    try:
        record.unpack(bytes(blob), 1)
    except StoreError as error:
        assert "SECRET" not in error.detail
        return
    raise AssertionError("not refused")

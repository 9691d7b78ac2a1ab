"""HMAC and HKDF against the published cases; comparison."""

import json
from binascii import hexlify, unhexlify

from callcore import mac
from callcore.errors import LocalError

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/mac.json") as file:
    VECTORS = json.load(file)


def refused(call, *args):
    try:
        call(*args)
    except LocalError as error:
        return error.detail
    raise AssertionError("not refused")


def test_hmac_of_rfc_4231():
    assert len(VECTORS["hmac_sha256"]) == 7
    for case in VECTORS["hmac_sha256"]:
        made = mac.hmac_sha256(unhexlify(case["key"]), unhexlify(case["data"]))
        assert len(made) == mac.MAC_BYTES
        assert hexlify(made).decode()[: len(case["mac"])] == case["mac"]


def test_keys_around_the_block_size():
    # a key of 64 bytes is used as it is, one of 65 is hashed; trailing zeros of a short key change nothing (RFC 2104)
    assert mac.hmac_sha256(b"k" * 64, b"x") != mac.hmac_sha256(mac.sha256(b"k" * 64), b"x")
    assert mac.hmac_sha256(b"k" * 65, b"x") == mac.hmac_sha256(mac.sha256(b"k" * 65), b"x")
    assert mac.hmac_sha256(b"k", b"x") == mac.hmac_sha256(b"k" + bytes(63), b"x")
    assert mac.hmac_sha256(b"", b"") == mac.hmac_sha256(bytes(64), b"")


def test_expand_of_rfc_5869():
    assert len(VECTORS["hkdf_expand"]) == 3
    for case in VECTORS["hkdf_expand"]:
        okm = mac.hkdf_expand(unhexlify(case["prk"]), unhexlify(case["info"]), len(case["okm"]) // 2)
        assert hexlify(okm).decode() == case["okm"]


def test_expand_to_any_length_is_a_prefix_of_a_longer_one():
    whole = mac.hkdf_expand(b"p" * 32, b"info", 100)
    for n in (0, 1, 31, 32, 33, 64, 99):
        assert mac.hkdf_expand(b"p" * 32, b"info", n) == whole[:n]


def test_expand_refuses_what_the_rfc_does_not_allow():
    assert "8160" in refused(mac.hkdf_expand, b"p" * 32, b"", 8161)
    assert "-1" in refused(mac.hkdf_expand, b"p" * 32, b"", -1)
    assert "31" in refused(mac.hkdf_expand, b"p" * 31, b"", 32)
    assert len(mac.hkdf_expand(b"p" * 32, b"", 8160)) == 8160


def test_equal_sees_every_bit():
    a = bytes(range(32))
    assert mac.equal(a, bytes(range(32)))
    for bit in range(256):
        b = bytearray(a)
        b[bit >> 3] ^= 1 << (bit & 7)
        assert not mac.equal(a, bytes(b)), bit


def test_equal_of_other_lengths():
    assert not mac.equal(b"abc", b"ab")
    assert not mac.equal(b"", b"a")
    assert mac.equal(b"", b"")


class Counting:
    """Bytes that count how often they are looked at."""

    def __init__(self, data):
        self.data = data
        self.looks = 0

    def __len__(self):
        return len(self.data)

    def __getitem__(self, at):
        self.looks += 1
        return self.data[at]


def test_equal_looks_at_every_byte_wherever_they_differ():
    for other in (b"x" + bytes(31), bytes(31) + b"x", bytes(32)):
        counting = Counting(bytes(32))
        mac.equal(counting, other)
        assert counting.looks == 32

"""Sealed keys: what opens them and what does not."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tincall.relay.key_box import KeyBox
from tincall.wechat.sealing import Sealing

KEK = bytes(range(32, 64))
KEY = b"k" * 32


def test_a_key_comes_back_and_never_looks_the_same_twice():
    box = KeyBox(KEK)
    first, second = (box.seal("SN-1", 1, KEY) for _ in range(2))
    assert box.open("SN-1", 1, first) == box.open("SN-1", 1, second) == KEY
    assert first != second
    assert (len(first), first[:12] == second[:12], KEY in first) == (60, False, False)


@pytest.mark.parametrize(("sn", "kv"), [("SN-2", 1), ("SN-1", 2), ("SN-1|1", 1), ("", 1)])
def test_it_opens_for_its_own_number_and_version_only(sn, kv):
    box = KeyBox(KEK)
    assert box.open(sn, kv, box.seal("SN-1", 1, KEY)) is None


def test_it_opens_under_its_own_key_encryption_key_only():
    assert KeyBox(b"x" * 32).open("SN-1", 1, KeyBox(KEK).seal("SN-1", 1, KEY)) is None


def test_every_bit_counts():
    box = KeyBox(KEK)
    sealed = box.seal("SN-1", 1, KEY)
    for bit in range(len(sealed) * 8):
        spoilt = bytearray(sealed)
        spoilt[bit // 8] ^= 1 << bit % 8
        assert box.open("SN-1", 1, bytes(spoilt)) is None, bit


@pytest.mark.parametrize("sealed", [b"", b"x" * 11, b"x" * 12, b"x" * 27])
def test_what_is_too_short_is_no_sealed_key(sealed):
    assert KeyBox(KEK).open("SN-1", 1, sealed) is None
    assert KeyBox(KEK).reseal("SN-1", 1, sealed) is None


def test_what_was_sealed_for_another_purpose_is_no_key():
    box = KeyBox(KEK)
    for bound_to in (("SN-1", "1"), ("devices", "SN-1"), ("tincall device key", "SN-1", "1")):
        assert box.open("SN-1", 1, Sealing(KEK).seal(KEY, *bound_to)) is None


def test_a_claims_secret_opens_for_its_own_number_and_claim_only_and_is_no_key():
    box, secret = KeyBox(KEK), b"s" * 16
    sealed = box.seal_claim("SN-1", "C1", secret)
    assert (box.open_claim("SN-1", "C1", sealed), len(sealed)) == (secret, 44)
    for sn, claim_id in (("SN-2", "C1"), ("SN-1", "C2"), ("SN-1|C1", "")):
        assert box.open_claim(sn, claim_id, sealed) is None
    assert KeyBox(b"x" * 32).open_claim("SN-1", "C1", sealed) is None
    assert box.open("SN-1", 1, box.seal_claim("SN-1", "1", KEY)) is None
    assert box.open_claim("SN-1", "1", box.seal("SN-1", 1, KEY)) is None


def test_a_key_without_a_purpose_is_sealed_anew_and_no_other():
    box = KeyBox(KEK)
    old = b"n" * 12 + AESGCM(KEK).encrypt(b"n" * 12, KEY, b"SN-1|1")
    assert box.open("SN-1", 1, old) is None
    assert box.open("SN-1", 1, box.reseal("SN-1", 1, old)) == KEY
    assert box.reseal("SN-2", 1, old) is None
    assert box.reseal("SN-1", 1, box.seal("SN-1", 1, KEY)) is None


def test_nothing_shows_the_key_encryption_key():
    assert KEK.hex() not in repr(KeyBox(KEK)) and repr(KEK) not in repr(KeyBox(KEK))

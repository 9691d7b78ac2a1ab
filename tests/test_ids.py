"""Names of new things: their form, and that randomness is an argument."""

import base64
import itertools

from tincall import ids


def counting():
    numbers = itertools.count(1)
    return lambda n: bytes([next(numbers)] * n)


def test_call_ids_are_short_plain_and_new():
    found = {ids.call_id() for _ in range(500)}
    assert len(found) == 500
    assert all(len(one) == 20 and one == one.lower() and one.isalnum() for one in found)


def test_tokens_hold_256_bits_of_the_given_randomness():
    token = ids.token(counting())
    assert base64.urlsafe_b64decode(token + "=") == bytes([1] * 32)


def test_challenge_ids_are_sixteen_url_safe_characters():
    assert len(ids.challenge_id()) == 16
    assert set(ids.challenge_id(lambda n: b"\xff" * n)) == {"_"}


def test_an_ssrc_is_never_zero_and_never_taken():
    given = iter([bytes(4), b"\x00\x00\x00\x07", b"\x00\x00\x00\x08"])
    assert ids.ssrc(lambda n: next(given), taken=(7,)) == 8

"""Runs on a board: masking keys are fresh, unpredictable, and the whole counter counts."""

import gc
import os

import cryptolib
import micropython

from handset import masks
from handset.masks import MaskKeys


def take(keys, count):
    taken = []
    for _ in range(count):
        at = keys.draw()
        taken.append(bytes(keys.buf[at : at + 4]))
    return taken


def test_no_key_comes_twice_in_a_row_or_in_step():
    taken = take(MaskKeys(), 2000)
    # of 2,000 random keys of 32 bits two are alike once in 2,000 runs, three in a row never
    assert len(set(taken)) >= 1995


def test_two_links_have_nothing_in_common():
    first = set(take(MaskKeys(), 500))
    second = set(take(MaskKeys(), 500))
    assert len(first & second) <= 2


def test_every_bit_is_as_often_set_as_not():
    ones = [0] * 32
    for key in take(MaskKeys(), 2000):
        for bit in range(32):
            ones[bit] += key[bit >> 3] >> (bit & 7) & 1
    # six standard deviations of a fair coin thrown 2,000 times: 134
    assert all(866 < count < 1134 for count in ones), ones


def test_keys_are_aes_256_of_a_counter_under_a_random_key():
    drawn = []
    real = os.urandom

    class Random:
        def urandom(self, n):
            drawn.append(real(n))
            return drawn[-1]

    masks.os = Random()
    try:
        keys = MaskKeys()
    finally:
        masks.os = os
    assert [len(secret) for secret in drawn] == [32]
    aes = cryptolib.aes(drawn[0], 1)
    # past 256 refills, where the counter carries
    for refill in range(1, 301):
        want = b"".join(aes.encrypt(bytes((n, refill & 255, refill >> 8)) + bytes(13)) for n in range(16))
        assert b"".join(take(keys, 64)) == want, refill


def test_drawing_takes_no_heap():
    keys = MaskKeys()

    def locked():
        before = gc.mem_alloc()
        micropython.heap_lock()
        for _ in range(1000):
            keys.draw()
        micropython.heap_unlock()
        return gc.mem_alloc() - before

    locked()
    assert locked() <= 64

"""Moving and masking against the plain rule, at every offset and length; the interpreter's half is the one under test."""

from callcore.compat import MICROPYTHON
from callcore.mask import mask, move

KEY = b"\x01\x80\xff\x5a"
LENGTHS = tuple(range(41)) + (63, 64, 65, 160, 172)


def pattern(n):
    """Bytes that differ from their neighbours at every distance up to 250."""
    return bytearray((i * 37 + i // 250) & 255 for i in range(n))


def by_the_rule(buf, off, n, key):
    """RFC 6455 section 5.3, octet by octet."""
    for i in range(n):
        buf[off + i] ^= key[i % 4]
    return buf


def test_mask_by_the_rule_at_every_offset_and_length():
    for off in range(41):
        for n in LENGTHS:
            buf = pattern(off + n + 9)
            assert mask(buf, off, n, KEY, 0) == n
            assert buf == by_the_rule(pattern(off + n + 9), off, n, KEY), (off, n)


def test_twice_is_nothing():
    buf = pattern(200)
    mask(buf, 13, 160, KEY, 0)
    assert buf != pattern(200)
    mask(buf, 13, 160, KEY, 0)
    assert buf == pattern(200)


def test_the_key_stands_anywhere():
    store = bytearray(b"\x99\x98\x97") + KEY + b"\x96"
    for n in range(9):
        buf = pattern(20)
        mask(buf, 5, n, store, 3)
        assert buf == by_the_rule(pattern(20), 5, n, KEY), n


def test_the_key_may_stand_in_the_same_buffer():
    for at in range(9):
        for n in range(41):
            # before the masked bytes, as in a frame, and right behind them
            for key_off, off in ((at, at + 4), (at + n, at)):
                buf = pattern(at + n + 12)
                buf[key_off : key_off + 4] = KEY
                expected = by_the_rule(bytearray(buf), off, n, KEY)
                assert mask(buf, off, n, buf, key_off) == n
                assert buf == expected, (at, n, key_off)


def test_a_key_of_zeros_changes_nothing():
    buf = pattern(50)
    assert mask(buf, 3, 40, bytes(4), 0) == 40
    assert buf == pattern(50)


def test_move_at_every_pair_of_offsets():
    source = pattern(300)
    for dst_off in range(9):
        for src_off in range(9):
            for n in LENGTHS:
                target = bytearray(b"\xa5" * (dst_off + n + 9))
                assert move(target, dst_off, source, src_off, n) == n
                expected = b"\xa5" * dst_off + source[src_off : src_off + n] + b"\xa5" * 9
                assert target == expected, (dst_off, src_off, n)
    assert source == pattern(300)


def test_move_down_inside_one_buffer():
    for distance in range(41):
        for n in LENGTHS:
            for dst_off in range(4):
                buf = pattern(260)
                expected = bytearray(buf)
                expected[dst_off : dst_off + n] = buf[dst_off + distance : dst_off + distance + n]
                move(buf, dst_off, buf, dst_off + distance, n)
                assert buf == expected, (distance, n, dst_off)


def test_views_and_bytes_serve_as_sources():
    store = pattern(64)
    target = bytearray(16)
    move(target, 0, memoryview(store), 8, 16)
    assert target == store[8:24]
    move(target, 0, bytes(store), 9, 16)
    assert target == store[9:25]


if MICROPYTHON:
    import micropython

    def under_lock(buf):
        micropython.heap_lock()
        try:
            mask(buf, 4, 172, buf, 0)
            mask(buf, 7, 3, KEY, 0)
            move(buf, 0, buf, 8, 172)
            move(buf, 1, buf, 3, 5)
        finally:
            micropython.heap_unlock()

    def test_no_heap_is_taken():
        under_lock(pattern(200))

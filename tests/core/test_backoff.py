"""Retry delays."""

from callcore.backoff import SUPERSEDED_MS, Backoff, between_ms
from callcore.errors import LocalError


def refused(*args):
    try:
        Backoff(*args)
    except LocalError:
        return True
    return False


def test_the_longest_delays_double_up_to_the_cap():
    backoff = Backoff(500, 10000)
    assert [backoff.next_ms(255) for _ in range(7)] == [500, 1000, 2000, 4000, 8000, 10000, 10000]


def test_the_shortest_delays_are_half_of_them():
    backoff = Backoff(500, 10000)
    assert [backoff.next_ms(0) for _ in range(7)] == [250, 500, 1000, 2000, 4000, 5000, 5000]


def test_every_byte_gives_a_delay_between_and_a_larger_byte_no_smaller_one():
    delays = [Backoff(1000, 1000).next_ms(byte) for byte in range(256)]
    assert delays[0] == 500 and delays[255] == 1000
    assert delays == sorted(delays)
    assert len(set(delays)) == 256


def test_reset_starts_again():
    backoff = Backoff(500, 10000)
    for _ in range(5):
        backoff.next_ms(128)
    backoff.reset()
    assert backoff.next_ms(255) == 500


def test_a_cap_of_the_first_delay_keeps_it():
    backoff = Backoff(2, 2)
    assert [backoff.next_ms(byte) for byte in (0, 255, 0)] == [1, 2, 1]


def test_the_largest_cap_stays_in_half_of_the_ring_of_times():
    backoff = Backoff(0x10000000, 0x1FFFFFFF)
    assert [backoff.next_ms(255) for _ in range(3)] == [0x10000000, 0x1FFFFFFF, 0x1FFFFFFF]


def test_what_is_no_delay_is_refused():
    for args in ((0, 10), (1, 10), (-5, 10), (10, 9), (2, 0x20000000)):
        assert refused(*args), args
    assert not refused(2, 0x1FFFFFFF)


def test_a_superseded_board_waits_30_to_300_s():
    low_ms, high_ms = SUPERSEDED_MS
    assert between_ms(low_ms, high_ms, 0) == 30000
    assert between_ms(low_ms, high_ms, 255) == 300000
    assert 30000 < between_ms(low_ms, high_ms, 100) < 300000

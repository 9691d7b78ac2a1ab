"""Sequence numbers that wrap."""

from callcore.seqnum import seq_diff


def test_small_steps_both_ways():
    for start in (0, 1, 32767, 32768, 65534, 65535):
        for steps in (0, 1, 2, 31, 1000, 32767, -1, -2, -32768):
            assert seq_diff((start + steps) % 65536, start) == steps


def test_the_wrap():
    assert seq_diff(0, 65535) == 1
    assert seq_diff(65535, 0) == -1


def test_half_a_ring_counts_as_behind():
    assert seq_diff(32768, 0) == -32768
    assert seq_diff(0, 32768) == -32768
    assert seq_diff(32767, 0) == 32767


def test_it_is_the_nearer_way_round_for_every_distance():
    for distance in range(0, 65536, 7):
        signed = distance if distance < 32768 else distance - 65536
        for base in (0, 40000, 65535):
            assert seq_diff((base + distance) % 65536, base) == signed

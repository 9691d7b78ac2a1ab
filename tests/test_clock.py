"""Clocks: the ring of machines, a monotonic time that stays, a manual clock that moves when told."""

import pytest

from callcore.compat import ticks_add, ticks_diff
from tincall.clock import RING_MS, ManualClock, SystemClock, now_ms


def test_manual_clock_moves_all_its_times_together():
    clock = ManualClock(start_ms=5)
    before = clock.unix_ms()
    clock.advance(1500)
    assert (clock.now_ms(), clock.monotonic_s(), clock.unix_ms() - before) == (1505, 1.505, 1500)


def test_manual_clock_keeps_to_the_ring_of_the_machines():
    clock = ManualClock(start_ms=RING_MS - 1)
    early = clock.now_ms()
    clock.advance(3)
    assert clock.now_ms() == 2
    assert ticks_diff(clock.now_ms(), early) == 3
    assert ticks_add(early, 3) == clock.now_ms()


def test_manual_clock_refuses_to_go_back():
    with pytest.raises(ValueError, match="-1"):
        ManualClock().advance(-1)


def test_system_clock_agrees_with_the_function_and_stays_in_the_ring():
    clock = SystemClock()
    assert 0 <= clock.now_ms() < RING_MS
    assert abs(ticks_diff(now_ms(), clock.now_ms())) < 1000
    assert clock.monotonic_s() <= clock.monotonic_s()
    assert clock.unix_ms() > ManualClock.UNIX_START_MS - 10**12

"""Attempts a minute by key: a burst, then a steady trickle; a bounded table."""

import pytest

from tincall.relay.rates import Attempts, Rates
from tincall.settings import LimitSettings


def test_a_minutes_worth_at_once_then_one_at_a_time():
    rates = Rates(10)
    assert [rates.take("a", 100.0) for _ in range(10)] == [0.0] * 10
    assert rates.take("a", 100.0) == pytest.approx(6.0)
    assert rates.take("a", 103.0) == pytest.approx(3.0)
    assert rates.take("a", 106.01) == 0.0
    assert rates.take("a", 106.01) > 0


def test_asking_in_vain_costs_nothing():
    rates = Rates(1)
    rates.take("a", 0.0)
    for second in range(1, 59):
        assert rates.take("a", float(second)) == pytest.approx(60 - second)
    assert rates.take("a", 60.1) == 0.0


def test_keys_do_not_share():
    rates = Rates(1)
    assert rates.take("a", 0.0) == 0.0
    assert rates.take("b", 0.0) == 0.0
    assert rates.take("a", 0.0) > 0


def test_what_is_given_back_can_be_taken_again_and_never_piles_up():
    rates = Rates(2)
    for _ in range(50):
        assert rates.take("a", 0.0) == 0.0
        rates.give_back("a", 0.0)
    assert [rates.take("a", 0.0) > 0 for _ in range(3)] == [False, False, True]
    rates.give_back("never heard of", 0.0)
    assert len(rates) == 1


def test_the_table_is_bounded_and_forgets_who_was_idle_longest():
    rates = Rates(1, keys_max=3)
    for second, key in enumerate(("a", "b", "c", "a", "d")):
        rates.take(key, float(second) / 100)
    assert len(rates) == 3
    assert rates.take("a", 0.1) > 0
    assert rates.take("b", 0.1) == 0.0


def test_attempts_count_by_address_and_by_number_at_an_address():
    attempts = Attempts(LimitSettings(attempts_per_minute=2, attempts_per_minute_address=3))
    assert [attempts.take("SN-1", "a", 0.0) > 0 for _ in range(3)] == [False, False, True]
    assert attempts.take("SN-1", "b", 0.0) == 0, "nobody is locked out from elsewhere"
    assert attempts.take("SN-2", "a", 0.0) > 0, "the address has had its three"
    attempts.give_back("SN-1", "b", 0.0)
    assert [attempts.take("SN-1", "b", 0.0) > 0 for _ in range(3)] == [False, False, True]


def test_what_is_given_back_late_makes_no_more_than_a_minutes_worth():
    rates = Rates(2)
    assert rates.take("a", 0.0) == 0
    rates.give_back("a", 90.0)  # it has grown back by then
    assert [rates.take("a", 90.0) > 0 for _ in range(3)] == [False, False, True]


def test_of_two_waits_the_longer_is_told():
    attempts = Attempts(LimitSettings(attempts_per_minute=1, attempts_per_minute_address=2))
    assert [attempts.take("board", "192.0.2.1", 0.0) for _ in range(3)] == [0, 60, 60]

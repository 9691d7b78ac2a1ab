"""Buckets and doors: what is let through, what is not, and that nothing is kept of those who left."""

import pytest
from pydantic import ValidationError

from tincall.clock import RING_MS
from tincall.relay.limits import Bucket, Doors, Limits
from tincall.settings import LimitSettings


def taken(bucket: Bucket, per_s: int, seconds: int, start_ms: int = 0) -> int:
    """Take at an even rate until refused; gives how many were let through, all of them at most."""
    for i in range(per_s * seconds):
        if not bucket.take((start_ms + i * 1000 // per_s) % RING_MS):
            return i
    return per_s * seconds


@pytest.mark.parametrize("per_s", [1, 50, 75])
def test_a_bucket_lets_its_own_rate_through_for_ever(per_s: int) -> None:
    assert taken(Bucket(75, 300, 0), per_s, 120) == per_s * 120


def test_a_bucket_cuts_ten_times_the_rate_within_two_seconds() -> None:
    assert taken(Bucket(75, 300, 0), 750, 10) < 2 * 750


def test_a_bucket_cuts_a_rate_one_third_too_high_in_the_end() -> None:
    assert taken(Bucket(75, 300, 0), 100, 60) < 60 * 100


def test_a_bucket_takes_a_burst_after_a_stall_and_no_more() -> None:
    bucket = Bucket(75, 300, 0)
    assert all(bucket.take(10) for _ in range(300))
    assert not bucket.take(10)


def test_a_refused_bucket_comes_back_with_time() -> None:
    bucket = Bucket(10, 10, 0)
    assert taken(bucket, 1000, 1) < 100
    assert bucket.take(2000)


def test_a_bucket_left_alone_longer_than_the_ring_can_tell_is_full() -> None:
    bucket = Bucket(75, 300, 0)
    bucket.left = 0
    for hours in range(1, 400):
        bucket.settle(hours * 3_600_000 % RING_MS)
    assert bucket.left == 300


def test_a_bucket_works_across_the_end_of_the_ring() -> None:
    assert taken(Bucket(75, 75, RING_MS - 500), 50, 10, start_ms=RING_MS - 500) == 500


def test_doors_cap_one_address_and_let_the_next_in() -> None:
    doors = Doors(Limits(connections=10, connections_per_address=2))
    assert doors.enter("a") == "" == doors.enter("a")
    assert "one address" in doors.enter("a")
    assert doors.enter("b") == ""
    doors.leave("a")
    assert doors.enter("a") == ""
    assert doors.total == 3


def test_doors_cap_the_total() -> None:
    doors = Doors(Limits(connections=2, connections_per_address=2))
    assert doors.enter("a") == "" == doors.enter("b")
    assert "2 connections" in doors.enter("c")


def test_doors_remember_nobody_who_left() -> None:
    doors = Doors(Limits())
    for i in range(1000):
        assert doors.enter(f"192.0.2.{i}") == ""
        doors.leave(f"192.0.2.{i}")
    assert doors.total == 0
    assert doors._inside == {}


def test_the_defaults_are_those_of_the_settings() -> None:
    assert Limits.of(LimitSettings()) == Limits()


def test_settings_raise_a_rate_with_its_burst() -> None:
    limits = Limits.of(LimitSettings(media_per_s=5000, handshake_s=0.5))
    assert (limits.media_per_s, limits.media_burst, limits.handshake_ms) == (5000, 20_000, 500)


def test_no_time_of_the_settings_is_nought_when_it_is_rounded() -> None:
    limits = Limits.of(LimitSettings(handshake_s=0.001, request_s=0.001, idle_s=0.001))
    assert (limits.handshake_ms, limits.request_ms, limits.idle_ms) == (1, 1, 1)
    for name in ("handshake_s", "request_s", "idle_s"):
        with pytest.raises(ValidationError):
            LimitSettings(**{name: 0.0009})


def test_an_hour_of_patience_gives_one_burst_and_no_more():
    bucket = Bucket(10, 5, 0)
    assert all(bucket.take(0) for _ in range(5))
    assert [bucket.take(3_600_000) for _ in range(6)] == [True] * 5 + [False]

"""Runs on a board: time in the ring, the calendar and what may set it, dates."""

import asyncio
import time

from callcore.compat import ticks_diff
from handset import clock

FLOOR_S = 1795000000  # November 2026
DAY_S = 86400


class Ticks:
    """A `time` whose counter shows what is wanted; an interpreter's own may count beyond 2**30."""

    def __init__(self, ticks):
        self._ticks = ticks

    def ticks_ms(self):
        return self._ticks


class Calendar:
    """A `time` and an `RTC` that are one clock, which stands still."""

    def __init__(self, shows_s):
        self.shows_s = shows_s
        self.sets = 0
        self.gmtime = time.gmtime

    def time(self):
        return self.shows_s - clock._FROM_1970_S + 0.75

    def set(self, unix_s):
        self.shows_s = unix_s
        self.sets += 1


def with_calendar(shows_s, work):
    """Call `work(calendar)` on a board that has just been switched on and shows a time."""
    calendar = Calendar(shows_s)
    real = clock._set
    clock.time, clock._set = calendar, calendar.set
    clock._was_set, clock._floor_s = False, FLOOR_S
    try:
        work(calendar)
    finally:
        clock.time, clock._set = time, real
        clock._was_set = False


async def nap():
    await clock.sleep_ms(30)


def test_time_stays_in_the_ring_and_moves_on():
    before = clock.now_ms()
    asyncio.run(nap())
    after = clock.now_ms()
    assert 0 <= before < 0x40000000 and 0 <= after < 0x40000000
    assert 29 <= ticks_diff(after, before) < 10000


def test_the_ring_holds_whatever_the_interpreter_counts():
    try:
        for ticks in (0, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFFF):
            clock.time = Ticks(ticks)
            assert clock.now_ms() == ticks % 0x40000000
    finally:
        clock.time = time


def test_a_clock_below_the_floor_is_raised_to_it_and_no_other_is_touched():
    def work(calendar):
        clock.raise_to(FLOOR_S)
        assert clock.now_s() == FLOOR_S
        clock.raise_to(FLOOR_S - 1)
        clock.raise_to(FLOOR_S)
        assert calendar.sets == 1
        assert clock.known_s() == 0  # the floor is no time that anybody has said to be now

    with_calendar(946684800, work)


def test_what_a_proved_relay_says_is_the_time_in_both_directions():
    for off_s in (-20 * 365 * DAY_S, -6, 6, 15 * 365 * DAY_S):

        def work(calendar):
            clock.correct(FLOOR_S + DAY_S)
            assert calendar.shows_s == FLOOR_S + DAY_S == clock.known_s()

        with_calendar(FLOOR_S + DAY_S + off_s, work)


def test_a_clock_that_is_right_within_some_seconds_is_left_alone():
    for off_s in (-5, 0, 5):

        def work(calendar):
            clock.correct(FLOOR_S)
            assert calendar.sets == 0 and clock.known_s() == calendar.shows_s

        with_calendar(FLOOR_S + off_s, work)


def test_nobody_sets_it_to_before_the_floor():
    def work(calendar):
        clock.correct(FLOOR_S - 100 * DAY_S)
        assert calendar.shows_s == FLOOR_S

    with_calendar(FLOOR_S - 200 * DAY_S, work)


def test_a_hint_counts_from_the_floor_to_five_years_beyond_it():
    for said_s, is_taken in (
        (0, False),
        (FLOOR_S - 1, False),
        (FLOOR_S, True),
        (FLOOR_S + 1826 * DAY_S, True),
        (FLOOR_S + 1827 * DAY_S, False),
        (1 << 33, False),
    ):

        def work(calendar, said_s=said_s, is_taken=is_taken):
            clock.hint(said_s)
            assert (calendar.shows_s == said_s) is is_taken
            assert (clock.known_s() > 0) is is_taken

        with_calendar(FLOOR_S - DAY_S, work)


def test_the_date_is_written_year_first():
    now = time.gmtime()
    text = clock.date_text()
    assert len(text) == 10 and text[4] == text[7] == "-"
    assert (int(text[:4]), int(text[5:7])) == (now[0], now[1])

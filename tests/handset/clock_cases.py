"""Runs on a board: time in the ring, time of day, dates."""

import asyncio
import time

from callcore.compat import ticks_diff
from handset import clock


class Ticks:
    """A `time` whose counter shows what is wanted; an interpreter's own may count beyond 2**30."""

    def __init__(self, ticks):
        self._ticks = ticks

    def ticks_ms(self):
        return self._ticks


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


def test_the_date_is_written_year_first():
    now = time.gmtime()
    text = clock.date_text()
    assert len(text) == 10 and text[4] == text[7] == "-"
    assert (int(text[:4]), int(text[5:7])) == (now[0], now[1])

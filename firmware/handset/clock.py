"""The only reader of `time`: milliseconds in the ring of callcore, today's date, and sleeping."""

import asyncio
import time

sleep_ms = asyncio.sleep_ms


def now_ms():
    """Give the monotonic time in ms, in the ring of 2**30 ms that `callcore.compat` compares; allocates nothing."""
    return time.ticks_ms() & 0x3FFFFFFF


def date_text():
    """Give today's date as the board sees it, `YYYY-MM-DD`: for messages about certificates."""
    now = time.gmtime()
    return "%04d-%02d-%02d" % (now[0], now[1], now[2])

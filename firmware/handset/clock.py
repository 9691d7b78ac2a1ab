"""The only reader of `time`: milliseconds in the ring of callcore, seconds since 1970, and sleeping."""

import asyncio
import time

_EPOCH_S = 946684800 if time.gmtime(0)[0] == 2000 else 0  # an ESP32 counts from 2000, the unix port from 1970

sleep_ms = asyncio.sleep_ms


def now_ms():
    """Give the monotonic time in ms, in the ring of 2**30 ms that `callcore.compat` compares; allocates nothing."""
    return time.ticks_ms() & 0x3FFFFFFF


def unix_s():
    """Give the time of day in whole seconds since 1970; integers only, since a board's floats hold 24 bits."""
    return int(time.time()) + _EPOCH_S


def date_text():
    """Give today's date as the board sees it, `YYYY-MM-DD`: for messages about certificates."""
    now = time.gmtime()
    return "%04d-%02d-%02d" % (now[0], now[1], now[2])

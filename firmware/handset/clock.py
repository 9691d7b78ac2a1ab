"""The only reader of `time`: milliseconds in the ring of callcore, the calendar, and sleeping.

Rules about the calendar: it is there for the dates of certificates. A chip wakes in the year 2000, so at power-up it is set to
the *floor*, the latest time that is known to have been; what the relay says in a proved grant sets it right. It is never set to
before the floor. Where nobody has set it since power-up, a time server may give a hint, which counts within bounds only.
Calendar times here are seconds since 1970, whatever year the port counts from.
"""

import asyncio
import time

from callcore.compat import const

sleep_ms = asyncio.sleep_ms

_CLOSE_S = const(5)  # a grant is a second or two old when it is read
_FROM_1970_S = 946684800 if time.gmtime(0)[0] == 2000 else 0  # chips count from 2000
_YEARS_S = const(157788000)  # 5 years: a hint that is further ahead than a board lies in a box is none

_floor_s = 0
_was_set = False


def now_ms():
    """Give the monotonic time in ms, in the ring of 2**30 ms that `callcore.compat` compares; allocates nothing."""
    return time.ticks_ms() & 0x3FFFFFFF


def now_s():
    """Give the calendar time as the board sees it."""
    return int(time.time()) + _FROM_1970_S


def known_s():
    """Give the calendar time, or 0 while nobody has said since power-up what it is."""
    return now_s() if _was_set else 0


def raise_to(floor_s):
    """Take note of the floor, and set the calendar to it if it is before that."""
    global _floor_s
    _floor_s = floor_s
    if now_s() < floor_s:
        _set(floor_s)


def hint(said_s):
    """Set the calendar to what somebody has said who proved nothing, unless that is before the floor or 5 years beyond it."""
    if _floor_s <= said_s <= _floor_s + _YEARS_S:
        correct(said_s)


def correct(true_s):
    """Set the calendar to a time that somebody who proved himself has said, or to the floor if that is later."""
    global _was_set
    _was_set = True
    true_s = max(true_s, _floor_s)
    if abs(now_s() - true_s) > _CLOSE_S:
        _set(true_s)


def date_text():
    """Give today's date as the board sees it, `YYYY-MM-DD`: for messages about certificates."""
    now = time.gmtime()
    return "%04d-%02d-%02d" % (now[0], now[1], now[2])


def _set(unix_s):
    import machine  # here, since it is needed once a start

    t = time.gmtime(unix_s - _FROM_1970_S)
    machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))

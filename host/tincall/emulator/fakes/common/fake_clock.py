"""`machine.RTC` of the emulated board: the calendar that this interpreter reads, its TLS library included.

A board with a clock of its own runs under libfaketime, which adds the seconds in a file to the computer's calendar; setting the
clock writes that file. The monotonic clock is left alone. A board without one shows the computer's calendar, which a board
cannot set.
"""

import os
import sys
import time

from lines import outside

_FILE = "FAKETIME_TIMESTAMP_FILE"
# the C library of the 32-bit port counts seconds in 32 bits; a chip's does not
_LAST_S = 0x7FFFFFFF - 86400 if sys.maxsize <= 0x7FFFFFFF else 1 << 40


class RTC:
    """The real-time clock; every object is the same one."""

    def datetime(self, fields=None):
        """Give or set (year, month, day, weekday, hours, minutes, seconds, microseconds); the weekday is not looked at."""
        if fields is None:
            now = time.gmtime()
            return (now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0)
        path = os.getenv(_FILE)
        if path:
            with outside.open(path, "r") as file:
                offset_s = int(file.read())
            offset_s += min(_unix_s(fields), _LAST_S) - int(time.time())
            with outside.open(path + ".new", "w") as file:
                file.write("%+d\n" % offset_s)
            outside.rename(path + ".new", path)
        return None


def _unix_s(fields):
    """Count the seconds since 1970; by hand, since `mktime` of a 32-bit port ends in 2038."""
    year, month, day = fields[0], fields[1], fields[2]
    # the year begins in March, so that the day that it may lack is its last (days from 0000-03-01)
    year -= month < 3
    month = (month + 9) % 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - 719468
    return ((days * 24 + fields[4]) * 60 + fields[5]) * 60 + fields[6]

"""What may only rise, in one record: the counter of verifications and the time floor. They outlive every identity.

The counter is written ahead: the board stores a ceiling, uses the 64 numbers below it, and stores the next ceiling before the
first number above it. So a power cut skips numbers and never repeats one. Both copies of the record have the ceiling before a
number below it is used: whichever rots, the other still knows. The time floor, the latest time that is known to have been,
goes along with each ceiling and is written by itself once a day at most. If power fails while they are written, a reader
finds the old pair or the new one.
"""

from callcore.compat import const
from callcore.errors import StoreError

MARKS = ("marks", 2)
RESERVE = const(64)
_DAY_S = const(86400)


class Marks:
    """The board's marks.

    Args:
        store: a Store.

    Attributes:
        floor_s: a time that has been, seconds since 1970; 0 when none is known.

    Raises:
        StoreError: they are there and cannot be read: `record_damaged`, `record_newer` or `storage`.
    """

    def __init__(self, store):
        self._store = store
        self._ceiling = self.floor_s = 0
        try:
            self._ceiling, self.floor_s = [int(word) for word in store.load(MARKS).decode().split()]
        except StoreError as error:
            if error.reason != "record_missing":
                raise
        except ValueError:
            raise StoreError("record_damaged", "the marks are no two numbers")
        self._stored_s = self.floor_s
        self._last = self._ceiling  # what was used below the ceiling before the last reset is not known

    def draw(self):
        """Give the next number of a verification; every 64th time it stores a ceiling first.

        Raises:
            StoreError: the ceiling could not be stored.
        """
        if self._last >= self._ceiling:
            self._keep(self._last + RESERVE)
        self._last += 1
        return self._last

    def raise_floor(self, now_s):
        """Take note of a time that is known to be; an earlier one than the floor changes nothing.

        Args:
            now_s: seconds since 1970.

        Raises:
            StoreError: it could not be stored, which is tried once a day; `floor_s` is raised all the same.
        """
        if now_s > self.floor_s:
            self.floor_s = now_s
            if now_s - self._stored_s >= _DAY_S:
                self._keep(self._ceiling)

    def _keep(self, ceiling):
        self._store.save(MARKS, b"%d %d" % (ceiling, self.floor_s))
        self._ceiling = ceiling
        self._stored_s = self.floor_s

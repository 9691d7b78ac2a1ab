"""How many attempts one key (an address, a serial number at an address) may make a minute; time is an argument.

Token buckets in a table that never grows past its bound: the key that was idle longest is forgotten first, which forgives
it what it had used up. That is harmless, since whoever can use so many keys is not held by a limit on each.
"""

from collections import OrderedDict

from tincall.settings import LimitSettings

KEYS_MAX = 16_384  # about 3 MB; far above the boards of one node


class Rates:
    """Token buckets by key; each holds a minute's worth.

    Args:
        per_minute: attempts a minute, above 0; also the burst.
        keys_max: most keys remembered.
    """

    def __init__(self, per_minute: int, keys_max: int = KEYS_MAX) -> None:
        self._per_minute = per_minute
        self._keys_max = keys_max
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now_s: float) -> float:
        """Count one attempt.

        Returns:
            0 when it is allowed, else the seconds until the next one is.
        """
        left = self._now(key, now_s)
        if left < 1:
            self._put(key, left, now_s)
            return (1 - left) * 60 / self._per_minute
        self._put(key, left - 1, now_s)
        return 0.0

    def give_back(self, key: str, now_s: float) -> None:
        """Forgive one attempt, since it turned out well."""
        if key in self._left:
            self._put(key, min(self._per_minute, self._now(key, now_s) + 1), now_s)

    def __len__(self) -> int:
        return len(self._left)

    def _now(self, key: str, now_s: float) -> float:
        left, then_s = self._left.get(key, (float(self._per_minute), now_s))
        return min(self._per_minute, left + (now_s - then_s) * self._per_minute / 60)

    def _put(self, key: str, left: float, now_s: float) -> None:
        self._left[key] = (left, now_s)
        self._left.move_to_end(key)
        while len(self._left) > self._keys_max:
            self._left.popitem(last=False)


class Attempts:
    """Attempts of boards to be let in, by address and by serial number at an address.

    Never by serial number alone: nobody may lock a board out by knocking in its name elsewhere.

    Args:
        limits: attempts a minute.
    """

    def __init__(self, limits: LimitSettings) -> None:
        self._boards = Rates(limits.attempts_per_minute)
        self._addresses = Rates(limits.attempts_per_minute_address)

    def take(self, sn: str, address: str, now_s: float) -> float:
        """Count one attempt.

        Returns:
            0 when it is allowed, else the seconds until the next one is.
        """
        return max(self._addresses.take(address, now_s), self._boards.take(f"{sn} {address}", now_s))

    def give_back(self, sn: str, address: str, now_s: float) -> None:
        """Forgive one attempt, since it turned out well."""
        self._addresses.give_back(address, now_s)
        self._boards.give_back(f"{sn} {address}", now_s)

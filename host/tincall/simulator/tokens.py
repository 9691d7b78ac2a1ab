"""Access tokens and quotas as the platform hands them out; no I/O.

Rules: the stable token is the same at every question until 5 minutes before its end; then a new one is made and the
older lives to its end. A forced refresh kills the older at once. A plain token (`getAccessToken`) is apart from it: each
question makes a new one, and the older lives 5 minutes more. A token that is replaced is answered 40001, one that is past
its time 42001, one that never was 40014.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace

from tincall.clock import Clock
from tincall.ids import Random
from tincall.simulator.numbers import Refused

TOKEN_S = 7200
OVERLAP_S = 300
DAY_S = 86_400
FORCED_A_DAY = 20
FORCED_APART_S = 30
STABLE_A_MINUTE = 10_000
KNOWN_MAX = 256
# bytes of randomness: 136 characters
TOKEN_BYTES = 102

REPLACED = "replaced"
EXPIRED = "expired"


@dataclass(frozen=True)
class _Token:
    text: str
    appid: str
    until_s: float
    is_replaced: bool = False


class Tokens:
    """The tokens of all apps.

    Args:
        clock: the time.
        random: for the tokens.
        token_s: how long a token is good.
    """

    def __init__(self, clock: Clock, random: Random, token_s: float = TOKEN_S) -> None:
        self.token_s = token_s
        self._clock = clock
        self._random = random
        self._known: dict[str, _Token] = {}
        self._stable: dict[str, str] = {}
        self._plain: dict[str, str] = {}
        self._forced_s: dict[str, list[float]] = {}

    def stable(self, appid: str, force: bool) -> tuple[str, int]:
        """Give the stable token and how many seconds it is good.

        Raises:
            Refused: 45009 or 45011, forced too often.
        """
        now_s = self._clock.monotonic_s()
        current = self._known.get(self._stable.get(appid, ""))
        if force:
            self._count_force(appid, now_s)
            if current is not None:
                self._known[current.text] = replace(current, is_replaced=True)
            current = None
        margin_s = min(OVERLAP_S, self.token_s / 2)
        if current is None or current.is_replaced or current.until_s - now_s <= margin_s:
            current = self._make(appid, now_s)
            self._stable[appid] = current.text
        return current.text, round(current.until_s - now_s)

    def plain(self, appid: str) -> tuple[str, int]:
        """Give a new plain token; the older one lives a little longer."""
        now_s = self._clock.monotonic_s()
        older = self._known.get(self._plain.get(appid, ""))
        if older is not None:
            self._known[older.text] = replace(older, until_s=min(older.until_s, now_s + OVERLAP_S))
        made = self._make(appid, now_s)
        self._plain[appid] = made.text
        return made.text, int(self.token_s)

    def check(self, text: str) -> str:
        """Give the app that a token stands for.

        Raises:
            Refused: 41001, 40014, 40001 or 42001.
        """
        if not text:
            raise Refused(41001)
        token = self._known.get(text)
        if token is None:
            raise Refused(40014)
        if token.is_replaced:
            raise Refused(40001)
        if self._clock.monotonic_s() >= token.until_s:
            raise Refused(42001)
        return token.appid

    def kill(self, text: str, how: str) -> None:
        """Let a token die before its time.

        Args:
            text: the token; one that is not known stays so.
            how: `REPLACED` or `EXPIRED`.
        """
        token = self._known.get(text)
        if token is not None and how == REPLACED:
            self._known[text] = replace(token, is_replaced=True)
        elif token is not None:
            self._known[text] = replace(token, until_s=self._clock.monotonic_s())

    def _make(self, appid: str, now_s: float) -> _Token:
        made = _Token(base64.urlsafe_b64encode(self._random(TOKEN_BYTES)).decode(), appid, now_s + self.token_s)
        self._known[made.text] = made
        while len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]
        return made

    def _count_force(self, appid: str, now_s: float) -> None:
        times = self._forced_s.setdefault(appid, [])
        times[:] = [at_s for at_s in times if now_s - at_s < DAY_S]
        if times and now_s - times[-1] < FORCED_APART_S:
            raise Refused(45011)
        if len(times) >= FORCED_A_DAY:
            raise Refused(45009)
        times.append(now_s)


class Quotas:
    """How often each app may ask for what.

    Args:
        clock: the time.
        daily: questions a day for each path, of one app.
    """

    MINUTE_S = 60

    def __init__(self, clock: Clock, daily: int = 100_000) -> None:
        self.daily: dict[str, int] = {}
        self._default = daily
        self._clock = clock
        self._day: dict[tuple[str, str], int] = {}
        self._minute: dict[tuple[str, str], int] = {}
        self._day_s = self._minute_s = clock.monotonic_s()

    def count(self, appid: str, path: str) -> None:
        """Count a question.

        Raises:
            Refused: 45009 or 45011.
        """
        self._turn()
        key = appid, path
        if self._day.get(key, 0) >= self.daily.get(path, self._default):
            raise Refused(45009)
        if self._minute.get(key, 0) >= STABLE_A_MINUTE:
            raise Refused(45011)
        self._day[key] = self._day.get(key, 0) + 1
        self._minute[key] = self._minute.get(key, 0) + 1

    def state(self, appid: str, path: str) -> dict[str, int]:
        """Give what `openapi/quota/get` tells of a path."""
        self._turn()
        limit = self.daily.get(path, self._default)
        used = self._day.get((appid, path), 0)
        return {"daily_limit": limit, "used": used, "remain": limit - used}

    def clear(self, appid: str) -> None:
        """Forget what an app has used."""
        for store in (self._day, self._minute):
            for key in [key for key in store if key[0] == appid]:
                del store[key]

    def _turn(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._day_s >= DAY_S:
            self._day.clear()
            self._day_s = now_s
        if now_s - self._minute_s >= self.MINUTE_S:
            self._minute.clear()
            self._minute_s = now_s

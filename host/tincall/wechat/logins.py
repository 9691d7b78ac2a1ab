"""Who has logged in through the mini program: one row a person, one good session each, known by its hash.

A new login ends the older one of the same person. What is stored opens nothing: the token itself is told once. A session
ends when it is `SESSION_S` old, however much it is used: a stolen token must not live for ever, and a new login costs its
owner nothing, since the mini program logs in silently.
"""

from __future__ import annotations

import hashlib
import os

from sqlalchemy import Connection, delete, insert, select, update

from tincall import ids
from tincall.clock import Clock
from tincall.ids import Random
from tincall.relay.store.engine import Database
from tincall.relay.store.models import wechat_people

SESSION_S = 12 * 3_600


class Logins:
    """The sessions of the mini program's users.

    Args:
        database: open, with this version's schema.
        clock: the time.
        random: source of bytes for tokens.
        session_s: how old a session may get.
    """

    def __init__(
        self, database: Database, clock: Clock, random: Random = os.urandom, session_s: int = SESSION_S
    ) -> None:
        self._database = database
        self._clock = clock
        self._random = random
        self.session_s = session_s

    async def log_in(self, openid: str) -> str:
        """Begin a session for a person the platform has vouched for; gives the bearer token, this one time.

        If power fails, the new session is good or the older one still is.
        """
        token = ids.token(self._random)
        await self._database.run(_log_in, openid, _hashed(token), self._clock.unix_ms() // 1000)
        return token

    async def who(self, token: str) -> str | None:
        """Tell whose session a bearer token is; gives the openid, or None: nobody's, or it is over."""
        now_s = self._clock.unix_ms() // 1000
        row = await self._database.read(_find, _hashed(token))
        # a clock that was set back makes nothing older than it is: then the session is over, too
        if row is None or not 0 <= now_s - row[1] < self.session_s:
            return None
        return str(row[0])

    async def log_out(self, openid: str) -> None:
        """End a person's session; if power fails, it is good or forgotten."""
        await self._database.run(_forget, openid)


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _log_in(connection: Connection, openid: str, session_hash: bytes, now_s: int) -> None:
    here = wechat_people.c.openid == openid
    values = {"session_hash": session_hash, "seen_s": now_s}
    if connection.execute(update(wechat_people).where(here).values(values)).rowcount == 0:
        connection.execute(insert(wechat_people).values(openid=openid, created_s=now_s, **values))


def _find(connection: Connection, session_hash: bytes) -> tuple[str, int] | None:
    here = wechat_people.c.session_hash == session_hash
    row = connection.execute(select(wechat_people.c.openid, wechat_people.c.seen_s).where(here)).first()
    return None if row is None else (row.openid, row.seen_s)


def _forget(connection: Connection, openid: str) -> None:
    connection.execute(delete(wechat_people).where(wechat_people.c.openid == openid))

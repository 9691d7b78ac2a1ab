"""Invites: codes by which a person with the mini program comes to be a board's contact, made by operators, good once.

A code is 60 random bits in 12 letters and digits that are hard to mistake for each other (the alphabet of Crockford's
base 32), so it can be read out or typed. An invite belongs to whoever used it first: used again by the same person it does
the same again, which makes an answer that was lost harmless; for everybody else it is worth nothing. Stored is only the
hash. Every code that is not good is refused in the same words, so that nothing can be learnt by trying.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, func, insert, select, update

from tincall.clock import Clock
from tincall.ids import Random
from tincall.relay.store.engine import Database
from tincall.relay.store.models import wechat_invites

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARS = 12
GROUP_CHARS = 4
# what people type for what they were told
_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})

LIFE_S = 86_400  # an operator who shows the code to somebody needs minutes; a letter takes a day
LIFE_MAX_S = 30 * 86_400
OPEN_MAX = 32  # of one board, as many as a board keeps contacts; the oldest goes when there are more


@dataclass(frozen=True, slots=True)
class Invite:
    """What an invite lets its owner do.

    Args:
        sn: serial number of the board.
        name: what the board will show; empty: the person says it.
        expires_s: seconds since 1970.
        code: as people read it; empty where it is not known any more.
    """

    sn: str
    name: str
    expires_s: int
    code: str = field(default="", repr=False)


class Invites:
    """The invites of this relay.

    Args:
        database: open, with this version's schema.
        clock: the time.
        random: source of bytes for new codes.
    """

    def __init__(self, database: Database, clock: Clock, random: Random = os.urandom) -> None:
        self._database = database
        self._clock = clock
        self._random = random

    async def make(self, sn: str, name: str = "", life_s: int = LIFE_S) -> Invite:
        """Make an invite to a board; if power fails, it is good or unknown.

        Args:
            sn: serial number of an enrolled board.
            name: at most 64 characters.
            life_s: how long it is good, 1 to `LIFE_MAX_S`.
        """
        now_s = self._now_s()
        raw = "".join(ALPHABET[byte % len(ALPHABET)] for byte in self._random(CODE_CHARS))
        code = "-".join(raw[i : i + GROUP_CHARS] for i in range(0, CODE_CHARS, GROUP_CHARS))
        invite = Invite(sn, name, now_s + min(max(1, life_s), LIFE_MAX_S), code)
        await self._database.run(_make, invite, raw, now_s)
        return invite

    async def use(self, code: str, openid: str) -> Invite | None:
        """Use an invite; from here it is this person's. If power fails, it is unused or this person's.

        Args:
            code: as it was typed; trust nothing of it.
            openid: of the person.

        Returns:
            None: the code is unknown, another person's, or too old.
        """
        raw = read(code)
        return None if raw is None else await self._database.run(_use, raw, openid, self._now_s())

    async def forget(self, sn: str, openid: str = "") -> int:
        """Remove a person's invites to a board, or all of the board's; gives how many there were."""
        return await self._database.run(_forget, sn, openid)

    def _now_s(self) -> int:
        return self._clock.unix_ms() // 1000


def read(code: str) -> str | None:
    """Bring a code as a person types it into its one form; None: it can be none."""
    if not code.isascii() or len(code) > 4 * CODE_CHARS:
        return None
    raw = code.upper().translate(_ALIKE)
    return raw if len(raw) == CODE_CHARS and all(c in ALPHABET for c in raw) else None


def _hashed(raw: str) -> bytes:
    return hashlib.sha256(raw.encode()).digest()


def _make(connection: Connection, invite: Invite, raw: str, now_s: int) -> None:
    connection.execute(delete(wechat_invites).where(wechat_invites.c.expires_s <= now_s))
    values = {"sn": invite.sn, "name": invite.name, "openid": "", "expires_s": invite.expires_s}
    connection.execute(insert(wechat_invites).values(code_hash=_hashed(raw), **values))
    here = (wechat_invites.c.sn == invite.sn) & (wechat_invites.c.openid == "")
    if connection.execute(select(func.count()).where(here)).scalar_one() > OPEN_MAX:
        first = select(wechat_invites.c.code_hash).where(here, wechat_invites.c.code_hash != _hashed(raw))
        oldest = first.order_by(wechat_invites.c.expires_s).limit(1).scalar_subquery()
        connection.execute(delete(wechat_invites).where(wechat_invites.c.code_hash == oldest))


def _use(connection: Connection, raw: str, openid: str, now_s: int) -> Invite | None:
    here = (wechat_invites.c.code_hash == _hashed(raw)) & (wechat_invites.c.expires_s > now_s)
    mine = here & wechat_invites.c.openid.in_(("", openid))
    if connection.execute(update(wechat_invites).where(mine).values(openid=openid)).rowcount == 0:
        return None
    row = connection.execute(select(wechat_invites).where(here)).one()
    return Invite(row.sn, row.name, row.expires_s)


def _forget(connection: Connection, sn: str, openid: str) -> int:
    leaving = delete(wechat_invites).where(wechat_invites.c.sn == sn)
    return connection.execute(leaving.where(wechat_invites.c.openid == openid) if openid else leaving).rowcount

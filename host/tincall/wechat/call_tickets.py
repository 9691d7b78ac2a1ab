"""One-time call ids that the mini program is given: each lets one person call one board once, for a short time.

A ticket goes from `new` to `used` or `cancelled` and never back; the condition is part of the one statement, so two
pushes with one id cannot both use it. Stored is only the hash, so that nobody who reads the database can call. The
functions take a connection, so that whoever uses a ticket does it in the transaction of what it is used for.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from tincall import ids
from tincall.clock import Clock
from tincall.ids import Random
from tincall.relay.store.engine import Database
from tincall.relay.store.models import TICKET_STATES, wechat_call_tickets

NEW, USED, CANCELLED = TICKET_STATES
LIFE_S = 120  # from the tap on the contact to the push: a few seconds, with room for a slow phone
KEPT_S = 86_400  # a ticket that is over is kept for a day, so that what it is refused for can be told

# why a ticket is not good
UNKNOWN_TICKET = "unknown_call_id"
USED_TICKET = "used_call_id"
CANCELLED_TICKET = "cancelled_call_id"
EXPIRED_TICKET = "expired_call_id"
FOREIGN_TICKET = "call_id_of_another"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A one-time call id; see the table `wechat_call_tickets`."""

    call_id: str = field(repr=False)
    openid: str = field(repr=False)
    sn: str
    state: str
    expires_s: int


class CallTickets:
    """The one-time call ids of this relay.

    Args:
        database: open, with this version's schema.
        clock: the time.
        random: source of bytes for new ids.
        life_s: how long a new id is good.
    """

    def __init__(self, database: Database, clock: Clock, random: Random = os.urandom, life_s: int = LIFE_S) -> None:
        self._database = database
        self._clock = clock
        self._random = random
        self._life_s = life_s

    async def issue(self, openid: str, sn: str) -> Ticket:
        """Give a person a new call id for a board; if power fails, it is good or unknown."""
        now_s = self._clock.unix_ms() // 1000
        ticket = Ticket(ids.call_id(self._random), openid, sn, NEW, now_s + self._life_s)
        await self._database.run(_issue, ticket, now_s)
        return ticket

    async def cancel(self, call_id: str, openid: str) -> bool:
        """Make an unused call id worthless; if power fails, it is good or cancelled.

        Returns:
            False: it is not this person's, or it is not new any more.
        """
        return await self._database.run(_cancel, call_id, openid)

    async def revoke(self, sn: str, openid: str = "") -> int:
        """Make all unused call ids of a board worthless, or one person's for it; gives how many there were."""
        return await self._database.run(_revoke, sn, openid)

    async def find(self, call_id: str) -> Ticket | None:
        """Look one up; None: it is not ours or long over."""
        return await self._database.read(find, call_id)


def find(connection: Connection, call_id: str) -> Ticket | None:
    """Look a ticket up in the caller's transaction."""
    here = wechat_call_tickets.c.id_hash == hashed(call_id)
    row = connection.execute(select(wechat_call_tickets).where(here)).first()
    return None if row is None else Ticket(call_id, row.openid, row.sn, row.state, row.expires_s)


def fault(ticket: Ticket | None, sn: str, openid: str, now_s: int) -> str:
    """Say in a word why a ticket does not let this person call this board now; empty: it does.

    Args:
        ticket: what was found.
        sn: serial number of the board that is called.
        openid: who calls; empty when the platform did not say.
        now_s: seconds since 1970.
    """
    if ticket is None:
        return UNKNOWN_TICKET
    if ticket.sn != sn or (openid and ticket.openid != openid):
        return FOREIGN_TICKET
    if ticket.state == USED:
        return USED_TICKET
    if ticket.state == CANCELLED:
        return CANCELLED_TICKET
    return EXPIRED_TICKET if now_s >= ticket.expires_s else ""


def use(connection: Connection, call_id: str) -> bool:
    """Use a ticket up in the caller's transaction; False: it is not new any more."""
    return connection.execute(update(wechat_call_tickets).where(_new(call_id)).values(state=USED)).rowcount == 1


def hashed(call_id: str) -> bytes:
    """Give what is stored of a call id."""
    return hashlib.sha256(call_id.encode()).digest()


def _cancel(connection: Connection, call_id: str, openid: str) -> bool:
    here = _new(call_id) & (wechat_call_tickets.c.openid == openid)
    return connection.execute(update(wechat_call_tickets).where(here).values(state=CANCELLED)).rowcount == 1


def _revoke(connection: Connection, sn: str, openid: str) -> int:
    here = (wechat_call_tickets.c.sn == sn) & (wechat_call_tickets.c.state == NEW)
    revoking = update(wechat_call_tickets).where(here).values(state=CANCELLED)
    return connection.execute(revoking.where(wechat_call_tickets.c.openid == openid) if openid else revoking).rowcount


def _new(call_id: str) -> ColumnElement[bool]:
    return (wechat_call_tickets.c.id_hash == hashed(call_id)) & (wechat_call_tickets.c.state == NEW)


def _issue(connection: Connection, ticket: Ticket, now_s: int) -> None:
    connection.execute(delete(wechat_call_tickets).where(wechat_call_tickets.c.expires_s < now_s - KEPT_S))
    connection.execute(
        insert(wechat_call_tickets).values(
            id_hash=hashed(ticket.call_id),
            openid=ticket.openid,
            sn=ticket.sn,
            state=ticket.state,
            expires_s=ticket.expires_s,
        )
    )

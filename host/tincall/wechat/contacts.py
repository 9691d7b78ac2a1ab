"""Whom each board may call: openids behind short opaque names, and whether their owners have agreed.

The rows are in the database for good and in memory for every question of a hot path, as the devices are. A contact whose
owner refused or withdrew is kept, with its id, since people change their minds; boards are not shown it. Whoever must act
at once on a change puts a function into `watchers`.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from tincall.clock import Clock
from tincall.ids import Random
from tincall.logs import get
from tincall.relay.store.engine import Database
from tincall.relay.store.models import CONSENT_STATES, wechat_contacts

UNKNOWN, GRANTED, REFUSED, WITHDRAWN = CONSENT_STATES
ID_BYTES = 5  # 8 characters; two that meet are told apart before they are stored
NAME_MAX_CHARS = 64
OPENID_MAX_CHARS = 128

log = get("wechat.contacts")


@dataclass(frozen=True, slots=True)
class Contact:
    """One person that one board may call; see the table `wechat_contacts`."""

    sn: str
    contact_id: str
    openid: str = field(repr=False)
    name: str
    consent: str
    updated_s: int

    @property
    def is_shown(self) -> bool:
        """Whether the board may offer this person to be called."""
        return self.consent in (UNKNOWN, GRANTED)


class Contacts:
    """The contacts of all boards; `load` before use.

    Args:
        database: open, with this version's schema.
        clock: the time.
        random: source of bytes for new ids.
    """

    def __init__(self, database: Database, clock: Clock, random: Random = os.urandom) -> None:
        self._database = database
        self._clock = clock
        self._random = random
        self._by_id: dict[str, Contact] = {}
        self._writing = asyncio.Lock()
        self.watchers: list[Callable[[str], None]] = []

    async def load(self) -> None:
        """Read all contacts."""
        rows = await self._database.read(lambda connection: connection.execute(select(wechat_contacts)).all())
        self._by_id = {row.contact_id: Contact(**row._mapping) for row in rows}

    def get(self, contact_id: str) -> Contact | None:
        """Find a contact; None: there is none of that id."""
        return self._by_id.get(contact_id)

    def of(self, sn: str) -> list[Contact]:
        """Give a board's contacts, shown or not, by name."""
        return sorted((one for one in self._by_id.values() if one.sn == sn), key=lambda one: (one.name, one.contact_id))

    def find(self, sn: str, openid: str) -> Contact | None:
        """Find a person among a board's contacts."""
        return next((one for one in self._by_id.values() if one.sn == sn and one.openid == openid), None)

    def shown(self, sn: str) -> list[dict[str, str]]:
        """Give `id` and `name` of those that a board may call."""
        return [{"id": one.contact_id, "name": one.name} for one in self.of(sn) if one.is_shown]

    def of_person(self, openid: str) -> list[Contact]:
        """Give a person's entries with all boards, by serial number."""
        return sorted((one for one in self._by_id.values() if one.openid == openid), key=lambda one: one.sn)

    async def put(self, sn: str, openid: str, name: str, consent: str) -> Contact:
        """Add a person to a board's contacts, or change name and consent of one who is there; the id stays.

        If power fails, the contact is there as before or as given.

        Args:
            sn: serial number of an enrolled board.
            openid: at most `OPENID_MAX_CHARS`.
            name: what the board shows, cut to `NAME_MAX_CHARS`; the id if empty.
            consent: one of `CONSENT_STATES`.
        """
        if consent not in CONSENT_STATES or not 0 < len(openid) <= OPENID_MAX_CHARS:
            raise ValueError("a contact needs an openid and a consent of CONSENT_STATES")
        async with self._writing:
            before = self.find(sn, openid)
            contact_id = before.contact_id if before is not None else self._new_id()
            contact = Contact(
                sn, contact_id, openid, _clean(name) or contact_id, consent, self._clock.unix_ms() // 1000
            )
            await self._database.run(_put, contact)
            self._by_id[contact_id] = contact
        self._tell(sn, before, contact)
        return contact

    async def set_consent(self, contact_id: str, consent: str) -> bool:
        """Note what a person has decided; False: there is no such contact.

        If power fails, a reader finds the old state or the new one.
        """
        async with self._writing:
            before = self._by_id.get(contact_id)
            if before is None or before.consent == consent:
                return before is not None
            contact = replace(before, consent=consent, updated_s=self._clock.unix_ms() // 1000)
            await self._database.run(_put, contact)
            self._by_id[contact_id] = contact
        log.info("consent", sn=contact.sn, contact=contact_id, consent=consent, before=before.consent)
        self._tell(contact.sn, before, contact)
        return True

    async def forget(self, sn: str, openid: str = "") -> int:
        """Remove a person from a board's contacts, or all of the board's; gives how many there were.

        If power fails, all of them are there or none.
        """
        async with self._writing:
            gone = [one for one in self.of(sn) if not openid or one.openid == openid]
            if not gone:
                return 0
            await self._database.run(_delete, sn, openid)
            for one in gone:
                del self._by_id[one.contact_id]
        for watcher in self.watchers:
            watcher(sn)
        return len(gone)

    def _new_id(self) -> str:
        while True:
            made = base64.b32encode(self._random(ID_BYTES)).decode("ascii").lower()
            if made not in self._by_id:
                return made

    def _tell(self, sn: str, before: Contact | None, after: Contact) -> None:
        if before is None or (before.name, before.is_shown) != (after.name, after.is_shown):
            for watcher in self.watchers:
                watcher(sn)


def _clean(name: str) -> str:
    """Make a name fit for a small display: one line, printable, short."""
    return "".join(c for c in name if c.isprintable()).strip()[:NAME_MAX_CHARS]


def _put(connection: Connection, contact: Contact) -> None:
    values: dict[str, Any] = {column.name: getattr(contact, column.name) for column in wechat_contacts.c}
    here = wechat_contacts.c.contact_id == contact.contact_id
    if connection.execute(update(wechat_contacts).where(here).values(values)).rowcount == 0:
        connection.execute(insert(wechat_contacts).values(values))


def _delete(connection: Connection, sn: str, openid: str) -> None:
    leaving = delete(wechat_contacts).where(wechat_contacts.c.sn == sn)
    connection.execute(leaving.where(wechat_contacts.c.openid == openid) if openid else leaving)

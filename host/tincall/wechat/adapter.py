"""The WeChat side of one relay, built of its parts: what the switchboard needs of it, and what the web port serves for it.

Order of a start: `open` (what is on disk, the platform's API), `attach` to the switchboard, `sweep` (what a relay that died
left open), and only then may pushes come. `close` goes after the calls have ended and before the workers do.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from tincall.clock import Clock
from tincall.logs import get
from tincall.relay.cdr import Records
from tincall.relay.registry import Registry
from tincall.relay.store.engine import Database
from tincall.relay.switchboard import Switchboard
from tincall.settings import CallSettings, DataFolder, WechatSettings
from tincall.wechat import api, payload
from tincall.wechat.call_tickets import CallTickets
from tincall.wechat.contacts import Contacts
from tincall.wechat.credentials import Credentials, load
from tincall.wechat.inbox import Inbox
from tincall.wechat.notify import Notify
from tincall.wechat.phone_leg import Patience, WeChatLeg
from tincall.wechat.phone_legs import PhoneLegs, Question
from tincall.wechat.rooms import Rooms, Workers
from tincall.wechat.sealing import Sealing
from tincall.wechat.token_store import TokenStore
from tincall.wechat.web import PushRoutes

RING_MOST_MS = 55_000  # the platform ends ringing after 60 s; the relay does it first, so that it knows why

log = get("wechat")


@dataclass(frozen=True, slots=True)
class Ground:
    """What the relay has already when the adapter is opened.

    Args:
        folder: the data folder.
        database: open.
        registry: the enrolled boards.
        kek: key-encryption key.
        workers: gives a worker; raises CallError.
        clock: the time.
    """

    folder: DataFolder
    database: Database
    registry: Registry
    kek: bytes
    workers: Workers
    clock: Clock


class Adapter:
    """The parts; `open` makes them.

    Attributes:
        settings: of [wechat].
        credentials: what the console gave.
        api: the platform's interfaces.
        contacts: whom boards may call.
        tickets: one-time call ids.
        legs: phones' legs.
        rooms: open rooms.
        key: of payloads.
    """

    def __init__(self, ground: Ground, settings: WechatSettings, calls: CallSettings, credentials: Credentials) -> None:
        self.settings = settings
        self.credentials = credentials
        self.key = payload.derive_key(ground.kek)
        self._ground = ground
        sealing = Sealing(ground.kek)
        store = TokenStore(ground.database, sealing, settings.appid)
        self.api = api.connect(settings, credentials.secret, store, ground.clock)
        self.contacts = Contacts(ground.database, ground.clock)
        self.tickets = CallTickets(ground.database, ground.clock)
        self.rooms = Rooms(ground.database, sealing, ground.clock, ground.workers)
        self.legs = PhoneLegs(
            ground.workers,
            self._ask,
            self.contacts,
            self.rooms,
            self.model_of,
            self.key,
            ground.clock,
            _patience(settings, calls),
            settings.busy_reason == 9,
            settings.room_type,
        )
        self._inbox = Inbox(ground.database, ground.clock)
        self._notify: Notify | None = None

    @classmethod
    async def open(cls, ground: Ground, settings: WechatSettings, calls: CallSettings) -> Adapter:
        """Make the parts and read what is on disk.

        Raises:
            OperatorError: status 2; an appid without its secrets, or secrets that are none.
        """
        adapter = cls(ground, settings, calls, load(ground.folder, settings))
        await adapter.contacts.load()
        return adapter

    def attach(self, exchange: Switchboard, records: Records) -> list[APIRouter]:
        """Join with the switchboard; gives the routes for the web port."""
        self.contacts.watchers.append(exchange.contacts_changed)
        self._notify = Notify(
            self.settings.appid,
            self.key,
            self._inbox,
            self.rooms,
            self.legs,
            self.tickets,
            self.contacts,
            exchange,
            records,
            self.model_of,
            self._ground.clock,
        )
        is_sealed = self.settings.answer == "encrypted"
        return [PushRoutes(self.credentials.push, self._notify, self._ground.clock, is_sealed).router()]

    async def sweep(self) -> None:
        """Finish what a relay that died left open: its pushes are over, its rooms are hung up in the background."""
        pushes, rooms = await self._inbox.sweep(), await self.rooms.sweep()
        if pushes or rooms:
            log.warning("a relay that died left something open", pushes=pushes, rooms=rooms)

    async def phone_leg(self, contact_id: str) -> WeChatLeg:
        """Make the leg of a person that a board calls; see `PhoneLegs.out`."""
        return await self.legs.out(contact_id)

    def model_of(self, sn: str) -> str | None:
        """Give the model id under which the platform knows a board; None: it is not enrolled here."""
        device = self._ground.registry.get(sn)
        return None if device is None else self.settings.model_id or device.model_id

    async def close(self) -> None:
        """End what goes on beside calls, and the connections to the platform."""
        if self._notify is not None:
            await self._notify.stop()
        await self.legs.stop()
        await self.rooms.stop()
        await self.api.close()

    async def _ask(self, question: Question) -> None:
        await self.api.call(question.sn, question.openid, question.payload, question.name, question.model_id)


def _patience(settings: WechatSettings, calls: CallSettings) -> Patience:
    return Patience(
        push_ms=int(settings.push_wait_s * 1000),
        ring_ms=min(calls.ring_ms, RING_MOST_MS),
        peer_ms=int(settings.peer_wait_s * 1000),
    )

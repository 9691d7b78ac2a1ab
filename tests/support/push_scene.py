"""The WeChat side of a relay in memory, but for its database: boards that speak frames, workers of the test, pushes."""

import asyncio
from collections.abc import Callable
from typing import Any

from callcore import framer
from support.board_end import HELLO, BoardEnd, text
from support.room_workers import RoomWorkers
from tincall.relay.limits import Limits
from tincall.relay.session import Session
from tincall.relay.switchboard import Switchboard
from tincall.settings import CallSettings
from tincall.wechat import payload
from tincall.wechat.call_tickets import CallTickets
from tincall.wechat.contacts import GRANTED, Contacts
from tincall.wechat.inbox import Inbox
from tincall.wechat.notify import Notify
from tincall.wechat.payload import CallToken
from tincall.wechat.phone_leg import Patience
from tincall.wechat.phone_legs import PhoneLegs
from tincall.wechat.rooms import Rooms

APPID = "wx0123456789abcdef"
KEY = bytes(range(32))
MODELS = {"SN-1": "m1", "SN-2": "m1"}
PCMA = {"codec": "PCMA", "ptime": 20}


class Board(BoardEnd):
    """A board on a link of the scene."""

    def __init__(self, scene, sn):
        super().__init__()
        self.sn = sn
        self._clock = scene.clock
        self.session = Session(self.take, self.vanishes, Limits(), self._clock.now_ms())
        self.session.owner = self.line = scene.switchboard.connect(sn, self.session, "192.0.2.1", self._clock.now_ms())
        self.say(HELLO)

    def say(self, message):
        """Send one message."""
        self.session.receive(text(message), self._clock.now_ms())

    def dials(self, to, call_id="c1"):
        """Call a contact."""
        self.say({"t": "invite", "call": call_id, "to": to, "media": {"codecs": ["PCMA"], "ptimes": [20]}})

    def vanishes(self):
        """Break the connection."""
        asyncio.get_running_loop().call_soon(self.session.gone, self._clock.now_ms())

    def closes(self):
        """Say goodbye."""
        data = framer.encode(framer.CLOSE, framer.close_payload(1000, ""), b"\1\2\3\4")
        self.session.receive(data, self._clock.now_ms())


class PushScene:
    """Everything about pushes; `async with PushScene(store, sealing)`.

    Attributes:
        questions: what the platform was asked.
        on_question: does something when it is asked; raises to refuse.
    """

    def __init__(self, store: Any, sealing: Any, patience: Patience | None = None, **calls: Any) -> None:
        self.store, self.sealing, self.clock = store, sealing, store.clock
        self.questions: list[Any] = []
        self.on_question: Callable[[Any], Any] | None = None
        self._patience = patience
        self._calls = calls
        self._rooms_made = 0

    async def __aenter__(self):
        self.workers = RoomWorkers()
        self.build()
        self.mum = await self.contacts.put("SN-1", "openid-mum", "Mum", GRANTED)
        return self

    def build(self):
        """Make the relay's parts over the store, as a start does."""
        database, clock = self.store.database, self.clock
        self.contacts = Contacts(database, clock)
        self.tickets = CallTickets(database, clock)
        self.rooms = Rooms(database, self.sealing, clock, self.workers.take)
        self.inbox = Inbox(database, clock)
        self.legs = PhoneLegs(
            self.workers.take, self._ask, self.contacts, self.rooms, MODELS.get, KEY, clock, self._patience
        )
        self.switchboard = Switchboard(
            self.legs.out,
            self.store.records,
            lambda sn: self.contacts.shown(sn),
            clock,
            CallSettings(**self._calls),
            plays_phones=False,
        )
        self.notify = Notify(
            APPID,
            KEY,
            self.inbox,
            self.rooms,
            self.legs,
            self.tickets,
            self.contacts,
            self.switchboard,
            self.store.records,
            MODELS.get,
            clock,
        )

    async def __aexit__(self, *_):
        await self.switchboard.stop()
        await self.notify.stop()
        await self.legs.stop()
        await self.rooms.stop()
        await self.workers.close()

    async def _ask(self, question):
        self.questions.append(question)
        if self.on_question is not None:
            await self.on_question(question)

    def board(self, sn="SN-1"):
        """Connect a board."""
        return Board(self, sn)

    def event(self, text, sn="SN-1", room_id=None, openid="openid-mum", **changes):
        """Make the event of a push with that payload."""
        self._rooms_made += 1
        return {
            "ToUserName": "gh_1",
            "FromUserName": openid,
            "CreateTime": 1_760_000_000,
            "MsgType": "event",
            "Event": "iot_voip_notify",
            "Action": "join_voip_room",
            "Payload": text,
            "RoomId": room_id or f"room-{self._rooms_made}",
            "SessionKey": "canary-session",
            "ServerToken": "canary-server",
            "ModelId": "m1",
            "Sn": sn,
            **changes,
        }

    async def ticket(self, sn="SN-1", openid="openid-mum"):
        """Give somebody a one-time payload; gives it with its call id."""
        ticket = await self.tickets.issue(openid, sn)
        return payload.make(KEY, CallToken(ticket.call_id, "in")), ticket.call_id

    async def push(self, event, is_heard=True):
        """Take a push as the web port does; gives the number that is answered."""
        answer = await self.notify.take(event)
        if is_heard:
            self.notify.answered(answer)
        return answer.number

    async def record(self, call_id):
        """Give a call's record when it has ended."""
        for _ in range(3000):
            found = next((one for one in await self.store.records.list() if one["call_id"] == call_id), None)
            if found is not None and found["state"] == "ended":
                return found
            await asyncio.sleep(0.001)
        raise AssertionError(f"{call_id} never ended: {found}")

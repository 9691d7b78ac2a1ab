"""A phone met through the platform, played by the test: a `WorkerParty` behind a `WeChatLeg`; the platform pushes at once."""

import asyncio

from support.legs import OFFER

from callcore import causes
from contracts.worker_party import WorkerParty
from tincall.clock import SystemClock
from tincall.wechat.phone_leg import WeChatLeg
from tincall.wechat.rooms import Room
from tincall.wechat.vocabulary import Status
from tincall.worker.leg import WorkerLeg
from tincall.worker.process import Limits

ROOM = Room("wx1", "room-1", "c-1", "board-1", "m1", "out", "voice", "server", "session", "payload", 0)
CALL_OF_PHONE = Room("wx1", "room-1", "c-1", "board-1", "m1", "in", "voice", "server", "session", "payload", 0)
# what the platform says when a phone ends a call with that cause
STATUS_OF = {
    causes.REJECTED: Status.REJECTED,
    causes.BUSY: Status.BUSY,
    causes.ORIGINATOR_CANCEL: Status.CANCELED,
    causes.NO_ANSWER: Status.TIMEOUT,
}


class Platform:
    """The hooks of a leg: rings at once, and remembers what it is told about rooms."""

    def __init__(self, pushes=True):
        self.told = []
        self.expected = []
        self.pushes = pushes
        self.fault = None
        self.asked = asyncio.Event()
        self.asked.set()

    async def ask(self, leg, call):
        self.told.append("ask")
        if self.pushes and leg.claim():
            leg.enter(ROOM)
        await self.asked.wait()
        if self.fault is not None:
            raise self.fault

    def expect(self, leg):
        self.expected.append(leg)

    def expect_no_more(self, leg):
        if leg in self.expected:
            self.expected.remove(leg)

    def joined(self, room):
        self.told.append("joined")

    def over(self, room):
        self.told.append("over")

    def abandon(self, room):
        self.told.append("abandon")

    def refused(self, leg, error):
        self.told.append(f"refused {error.number}")


class WeChatParty(WorkerParty):
    """A phone that does what the test says."""

    platform: Platform

    @classmethod
    async def make(cls, role, limits=None, platform=None, patience=None, clock=None):
        limits = limits or Limits()
        party = cls(limits)
        party.platform = platform or Platform()
        party.is_caller = role == "caller"
        await party.say({"t": "ready", "v": 1, "kind": "test", "codecs": ["PCMA"]})
        await party.process.ready
        room = CALL_OF_PHONE if party.is_caller else None
        phone = {"room": room.fields()} if party.is_caller else {}
        party.worker = WorkerLeg(party.process, phone, limits)
        party.leg = WeChatLeg(party.worker, party.platform, clock or SystemClock(), patience, "mum", room)
        if party.is_caller:
            party.leg.place(OFFER)
            await asyncio.sleep(0)
            party.control.drain()
            assert party.messages.pop(0)["role"] == "caller"
            party.words.clear()
        return party

    async def ring(self):
        await self.status(Status.CALLING)
        await super().ring()

    async def answer(self):
        await self.status(Status.TALKING)
        await super().answer()

    async def hang_up(self, cause):
        hung_up = Status.HANGUP_BY_CALLER if self.is_caller else Status.HANGUP_BY_CALLEE
        await self.status(STATUS_OF.get(cause, hung_up))
        await super().hang_up(cause)

    async def status(self, number):
        await self.say({"t": "status", "number": int(number)})

    def _told(self, datagram):
        super()._told(datagram)
        # the room is no word to a person
        self.words[:] = [word for word in self.words if word != "room"]

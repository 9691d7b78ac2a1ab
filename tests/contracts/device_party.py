"""The board's end of a `DeviceLeg`, played by the test: a session in memory, the board's own words through it."""

import asyncio

from support.board_end import HELLO, BoardEnd, frame, text
from support.legs import OFFER

from callcore import framer
from contracts.leg_contract import Party
from tincall.clock import now_ms
from tincall.relay.device_leg import DeviceLeg
from tincall.relay.limits import Limits
from tincall.relay.session import Session

CALL = OFFER.call_id
NO_FIGURES = {"received": 0, "lost": 0, "late": 0, "concealed": 0, "jitter_ms": 0, "buffer_ms": 0, "underruns": 0}
WELCOME = {"t": "welcome", "v": 1, "now": 0, "heartbeat_ms": 10_000, "contacts": [], "features": []}


class Owner:
    """The owner of the party's session: hands everything to the leg."""

    def __init__(self, party):
        self._party = party

    def hello(self, message):
        return {**WELCOME, "settings": {"ring_ms": 60_000}}

    def heard(self, message, now_ms):
        self._party.leg.heard(message, now_ms)

    def gone(self, now_ms):
        self._party.leg.lost(now_ms)


class DeviceParty(Party):
    """A board that does what the test says."""

    def __init__(self):
        super().__init__()
        self._end = BoardEnd()
        self._told = 0
        self._is_answered = False
        self.session = Session(self._take, lambda: None, Limits(), now_ms())
        self.session.owner = Owner(self)
        self._send(text(HELLO))
        self.words.clear()
        self.leg = DeviceLeg(self.session, CALL, now_ms, OFFER.ring_ms)
        self._ticker = asyncio.get_running_loop().create_task(self._tick())

    @classmethod
    async def make(cls, role):
        party = cls()
        if role == "caller":
            party._say("invite", to="mum", media={"codecs": ["PCMA"], "ptimes": [20]})
        return party

    async def ring(self):
        self._say("ringing")

    async def answer(self):
        self._is_answered = True
        self._say("answer", media={"codec": "PCMA", "ptime": 20})

    async def hang_up(self, cause):
        is_talking = self._is_answered or "answer" in self.words
        self._say("bye" if is_talking else "reject" if "invite" in self.words else "cancel", cause=cause)

    async def speak(self, made):
        for packet in made:
            self._send(frame(framer.BINARY, packet))

    async def report(self, figures):
        up = {"sent": figures.get("sent", 0), "dropped": 0}
        self._say("stats", final=True, up=up, down={**NO_FIGURES, "received": figures.get("received", 0)})

    async def vanish(self):
        asyncio.get_running_loop().call_soon(self.session.gone, now_ms())

    async def stall(self):
        self.session.pause(now_ms())

    async def close(self):
        self._ticker.cancel()

    async def _tick(self):
        while True:
            await asyncio.sleep(0.005)
            self.leg.tick(now_ms())

    def _say(self, kind, **fields):
        self._send(text({"t": kind, "call": CALL, **fields}))

    def _send(self, data):
        self.session.receive(data, now_ms())

    def _take(self, data):
        self._end.take(data)
        self.heard[:] = self._end.packets
        self.words += [message["t"] for message in self._end.texts[self._told :]]
        self._told = len(self._end.texts)

"""An open device port on loopback for tests, with a switchboard and a verifier that do as told behind it."""

import asyncio
import contextlib

import uvloop

from support.exchange import PHONES, FakePhone, FakeRecords
from support.legs import until
from support.plain_client import PlainClient
from tincall.clock import SystemClock
from tincall.relay.gate import serve
from tincall.relay.limits import Limits
from tincall.relay.switchboard import Switchboard
from tincall.relay.tls import server_context
from tincall.relay.verifier import Answer, Grant

OFFER = {"codecs": ["PCMA"], "ptimes": [20]}
LOOPS = {"asyncio": None, "uvloop": uvloop.new_event_loop}


class FakeVerifier:
    """Says yes to the token `good-<sn>`, and to requests what the test wants."""

    def __init__(self):
        self.asked = []
        self.hold = None
        self.more = {}

    async def begin(self, body, address):
        return await self._answer("begin", body, address)

    async def finish(self, body, address, shown=b""):
        return await self._answer("finish", body, address)

    async def _answer(self, name, body, address):
        self.asked.append((name, body, address))
        if self.hold is not None:
            await self.hold.wait()
        if body == b"refuse":
            return Answer(429, {"status": 429, "reason": "rate_limited"}, {"Retry-After": "7"})
        return Answer(200, {"asked": name, **self.more})

    def token(self, bearer, shown=b""):
        return Grant(bearer[5:], 1, 0.0) if bearer.startswith("good-") else None


class Port:
    """An open gate, and what a test asks of it."""

    def __init__(self, gate, authority, verifier, switchboard, phones):
        self.gate = gate
        self.anchor = authority.anchor
        self.verifier = verifier
        self.switchboard = switchboard
        self.phones = phones
        self.clients = []

    async def client(self, newest="1.3"):
        self.clients.append(await PlainClient.connect(self.gate.port, self.anchor, newest))
        return self.clients[-1]

    async def link(self, sn="board-1", newest="1.3"):
        return await (await self.client(newest)).link(f"good-{sn}")

    async def raw(self):
        return await asyncio.open_connection("127.0.0.1", self.gate.port)

    async def phone(self):
        await self.until(lambda: self.phones and self.phones[-1].offer)
        return self.phones[-1]

    async def empty(self):
        await self.until(lambda: not self.gate.connections)

    async def until(self, condition):
        await until(condition)


@contextlib.asynccontextmanager
async def port(authority, certificate, newest="1.3", verifier=None, **limits):
    phones = []

    async def phone_leg(phone_id):
        phones.append(FakePhone())
        return phones[-1]

    verifier = verifier or FakeVerifier()
    switchboard = Switchboard(phone_leg, FakeRecords(), lambda sn: PHONES, SystemClock())
    context = server_context(*certificate, newest)
    gate = await serve("127.0.0.1", 0, context, verifier, switchboard, Limits(**{"linger_ms": 300, **limits}))
    opened = Port(gate, authority, verifier, switchboard, phones)
    trouble = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: trouble.append(context))
    try:
        yield opened
    finally:
        for client in opened.clients:
            await client.close()
        await gate.close()
        assert gate.connections == 0
        assert trouble == []


async def call(here, client):
    """Let a board call and the phone answer; gives the phone's leg and what the board was told to speak."""
    client.say({"t": "invite", "call": "c1", "to": "mum", "media": OFFER})
    phone = await here.phone()
    phone.rings()
    phone.answers()
    await client.until(lambda: client.heard("answer"))
    return phone, client.last("answer")["media"]

"""The relay's real parts in one process, but for the device port: what scenarios of the platform are played against.

Its one board does what a scenario's `device` says. Its workers are processes, its database is a file, its push URL is a port.
"""

import asyncio
from pathlib import Path

from fastapi import FastAPI

from callcore import causes
from support.board_end import HELLO, BoardEnd, media, text
from tincall.clock import SystemClock
from tincall.relay.api import Api, build
from tincall.relay.cdr import Records
from tincall.relay.limits import Limits
from tincall.relay.registry import Registry
from tincall.relay.session import Session
from tincall.relay.store.engine import Database
from tincall.relay.switchboard import Switchboard
from tincall.settings import CallSettings, DataFolder, WechatSettings
from tincall.simulator.server import SimulatorServer
from tincall.wechat.adapter import Adapter, Ground
from tincall.wechat.contacts import GRANTED
from tincall.wechat.payload import CallToken, make
from tincall.wechat.vocabulary import PlatformError
from tincall.wechat.web import BODIES
from tincall.worker import process
from tincall.worker.supervisor import Supervisor

KEK = bytes(range(32))
OPERATOR = "operator-token-operator-token-0001"
SN = "board-1"
NO_FIGURES = {"received": 0, "lost": 0, "late": 0, "concealed": 0, "jitter_ms": 0, "buffer_ms": 0, "underruns": 0}
ANSWER_AFTER_S = 0.2
# the scenarios that test_soak plays in a row: most take about a second; the rest waits for time limits
IN_A_ROW = [
    "answered", "busy", "consent_missing", "device_cancels", "in_answered", "in_busy", "in_device_hangs_up", "in_payload_used",
    "in_push_repeated", "in_rejected", "in_strange_payload", "in_xml_pushes", "not_approved", "other_apps_openid",
    "out_of_credit", "phone_hangs_up", "push_during", "push_first", "push_first_repeated", "push_repeated_1",
    "push_repeated_3", "push_repeated_concurrently", "rejected", "token_expired", "token_invalid", "token_replaced",
    "wrong_appid", "wrong_openid", "wrong_signature", "xml_pushes",
]  # fmt: skip


class Board(BoardEnd):
    """A board with a person at it who does what a scenario says.

    Args:
        relay: whose board it is.
        does: see `tincall.simulator.scenario.DevicePart`.
    """

    def __init__(self, relay, does):
        super().__init__()
        self._clock = relay.clock
        self._does = does
        self._loop = asyncio.get_running_loop()
        self._seen = 0
        self._sent = 0
        self._talk = None
        self.session = Session(self.take, lambda: None, Limits(), self._clock.now_ms())
        self.session.owner = relay.switchboard.connect(SN, self.session, "192.0.2.1", self._clock.now_ms())
        self.say(HELLO)

    def take(self, data):
        super().take(data)
        while self._seen < len(self.texts):
            self._seen += 1
            # a board does nothing from inside the relay's own step
            self._loop.call_soon(self._react, self.texts[self._seen - 1])

    def say(self, message):
        self.session.receive(text(message), self._clock.now_ms())

    def dials(self, contact_id, call_id):
        self.say({"t": "invite", "call": call_id, "to": contact_id, "media": {"codecs": ["PCMA"], "ptimes": [20]}})
        if self._does.does == "cancel":
            self._later(self._does.after_ms, lambda: self._unless_over(call_id, {"t": "cancel", "call": call_id}))

    def leaves(self):
        """End the link."""
        if self._talk is not None:
            self._talk.cancel()
        self.session.gone(self._clock.now_ms())

    def _react(self, message):
        call_id = message.get("call")
        if message["t"] == "invite":
            self._rung(call_id, message["media"])
        elif message["t"] == "answer":
            self._talks(call_id, message["media"]["ssrc"])
        elif message["t"] == "ended":
            if self._talk is not None:
                self._talk.cancel()
            stats = {"up": {"sent": self._sent, "dropped": 0}, "down": {**NO_FIGURES, "received": len(self.packets)}}
            self.say({"t": "stats", "call": call_id, "final": True, **stats})

    def _rung(self, call_id, offered):
        if self._does.does == "busy":
            self.say({"t": "reject", "call": call_id, "cause": causes.BUSY})
            return
        self.say({"t": "ringing", "call": call_id})
        if self._does.does == "reject":
            self._later(200, lambda: self._unless_over(call_id, {"t": "reject", "call": call_id, "cause": 21}))
        elif self._does.does != "no_answer":
            self._later(ANSWER_AFTER_S * 1000, lambda: self._answers(call_id, offered))

    def _answers(self, call_id, offered):
        if self._unless_over(call_id, {"t": "answer", "call": call_id, "media": {"codec": "PCMA", "ptime": 20}}):
            self._talks(call_id, offered["ssrc"])

    def _talks(self, call_id, ssrc):
        self._talk = self._loop.create_task(self._speak(ssrc))
        if self._does.does == "hang_up":
            self._later(self._does.after_ms, lambda: self._unless_over(call_id, {"t": "bye", "call": call_id}))

    def _unless_over(self, call_id, message):
        if any(one["call"] == call_id for one in self.heard("ended")):
            return False
        self.say({"cause": causes.NORMAL, **message} if message["t"] == "bye" else message)
        return True

    async def _speak(self, ssrc):
        while True:
            self.session.receive(media(self._sent, ssrc), self._clock.now_ms())
            self._sent += 1
            await asyncio.sleep(0.02)

    def _later(self, wait_ms, act):
        self._loop.call_later(wait_ms / 1000, act)


class RealRelay:
    """The relay.

    Args:
        platform: the simulator's URL.
        console: the app's credentials.
        folder: for its data.
        command: program and arguments of a worker.
        device: what the board's person does.
        encrypted: answers pushes so.
        ring_ms: how long anything rings.
    """

    def __init__(self, platform, console, folder, command, device, encrypted=False, ring_ms=3000):
        self.console = console
        self.clock = SystemClock()
        self._folder = Path(folder)
        self._command = command
        self._device = device
        self._settings = WechatSettings(
            appid=console.appid,
            model_id=console.model_id,
            base_url=platform,
            answer="encrypted" if encrypted else "clear",
            push_wait_s=4,
            peer_wait_s=4,
            request_s=5,
        )
        self._calls = CallSettings(ring_ms=ring_ms)
        self._numbers = 0
        # records of calls before the one that is waited for
        self.base = 0

    async def start(self, openid="alice"):
        """Build it and connect its board; gives the push URL."""
        for name, word in (
            ("wechat-app.secret", self.console.secret),
            ("wechat-push.token", self.console.push_token),
            ("wechat-push.key", self.console.aes_key),
        ):
            path = self._folder / name
            path.write_text(word)
            path.chmod(0o600)
        self._database = Database.open(self._folder / "tincall.db")
        self.records = Records(self._database, self.clock)
        registry = Registry(self._database, KEK, self.clock)
        await registry.load()
        await registry.enrol(SN, "tincall")
        self.supervisor = Supervisor(self._command, 1, process.Limits(workers=32))
        await self.supervisor.start()
        # most scenarios are one call: no spare is needed after it
        self.supervisor._target = 0
        folder = DataFolder(self._folder)
        ground = Ground(folder, self._database, registry, KEK, self.supervisor.take, self.clock)
        self.adapter = await Adapter.open(ground, self._settings, self._calls)
        self.switchboard = Switchboard(
            self.adapter.phone_leg,
            self.records,
            self.adapter.contacts.shown,
            self.clock,
            self._calls,
            plays_phones=False,
        )
        routes = self.adapter.attach(self.switchboard, self.records)
        self._server = await SimulatorServer.open(self._app(registry, routes))
        self.contact = await self.adapter.contacts.put(SN, openid, "Alice", GRANTED)
        self.board = Board(self, self._device)
        if self._device.does == "busy":
            # in a call that the relay knows of, whatever call it is
            self.board.session.owner.leg("another", 60_000)
        await self.warm_up()
        return f"{self._server.url}/wechat/push"

    async def warm_up(self):
        """Be a relay that has been there for a while: with a token that the platform takes, if it gives one."""
        try:
            await self.adapter.api.callback_ips()
        except PlatformError:
            pass

    async def stop(self):
        """Take it apart in the order of `tincall relay`."""
        await self.switchboard.stop()
        self.board.leaves()
        await self._server.close()
        await self.adapter.close()
        await self.supervisor.stop()
        await self._database.close()

    async def offer(self, openid="alice"):
        """Give somebody a one-time payload."""
        ticket = await self.adapter.tickets.issue(openid, SN)
        return make(self.adapter.key, CallToken(ticket.call_id, "in"))

    async def call(self):
        """Let the board call its contact, and wait until it is over."""
        self._numbers += 1
        call_id = f"call-{self._numbers}"
        self.board.dials(self.contact.contact_id, call_id)
        await self.ended(1)

    async def phone_calls(self, control, one):
        """Let the first phone of a scenario call the board as it says, and wait until it is over.

        Args:
            control: client of the simulator's own controls.
            one: the scenario.
        """
        payload = "nobody-gave-this" if one.payload == "strange" else await self.offer()
        asked = {"openid": one.phones[0].id, "sn": SN, "model_id": self.console.model_id, "payload": payload}
        asked["time_limit_ms"] = one.time_limit_ms
        for _ in range(2 if one.payload == "used" else 1):
            room_id = (await control.post("/call", json=asked)).json()["room_id"]
            if one.cancel_after_ms:
                await asyncio.sleep(one.cancel_after_ms / 1000)
                assert (await control.post("/cancel", json={"room_id": room_id})).json() == {"done": True}
            state = ""
            while state != "over":
                await asyncio.sleep(0.05)
                rooms = (await control.get("/ledger")).json()["rooms"]
                state = next(room for room in rooms if room["room_id"] == room_id)["state"]
        if one.expect.records:
            await self.ended(one.expect.records)

    async def ended(self, count):
        """Wait until so many calls are over and reported on; gives their records."""
        while True:
            found = await self.records.list(1000)
            done = [one for one in found if one["state"] == "ended"]
            if len(done) >= self.base + count and not self.switchboard._calls:
                return done
            await asyncio.sleep(0.02)

    def _app(self, registry, routes) -> FastAPI:
        return build(Api(registry, self.records, self.switchboard, lambda: []), OPERATOR, routes, BODIES)

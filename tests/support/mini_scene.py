"""The mini program's side of a relay in memory: real routes, real parts, a real switchboard with boards that speak frames,
and the simulator's platform behind the real API code. No socket; time stands still.
"""

import asyncio
import json
import os

import httpx

from support.exchange import Board, FakePhone, settle
from support.legs import until
from tincall.relay.api import Api, build, operator_only
from tincall.relay.limits import Limits
from tincall.relay.switchboard import Switchboard
from tincall.settings import WechatSettings
from tincall.simulator.accounts import App, User
from tincall.simulator.cloud import Cloud, Request
from tincall.simulator.faults import Fault
from tincall.simulator.ledger import Ledger
from tincall.simulator.room import Order, Times
from tincall.simulator.rooms import Rooms as SimulatedRooms
from tincall.wechat import payload
from tincall.wechat.api import WeChatApi
from tincall.wechat.call_tickets import CallTickets
from tincall.wechat.contacts import Contacts
from tincall.wechat.inbox import Inbox
from tincall.wechat.mini import MiniLimits
from tincall.wechat.mini_side import MiniSide
from tincall.wechat.notify import Notify
from tincall.wechat.rooms import Rooms
from tincall.wechat.tokens import MemoryTokenStore
from tincall.wechat.transport import Transport

APPID = "wx00000000000000aa"
SECRET = "the-secret-of-the-app"
MODEL = "mDL_door"
OPERATOR = "o" * 43
MANY = MiniLimits(*(10_000,) * 6)


class Legs:
    """Makes phones' legs for calls of phones; no board calls here."""

    def __init__(self):
        self.phones = []

    def expected(self, call_id):
        return None

    async def incoming(self, room):
        self.phones.append(FakePhone())
        return self.phones[-1]


class Adapter:
    """What the mini program's side takes of `wechat.adapter.Adapter`."""

    def __init__(self, api, contacts, key):
        self.api, self.contacts, self.key = api, contacts, key
        self.settings = WechatSettings(appid=APPID, model_id=MODEL)


class MiniScene:
    """A relay with the mini program's routes; an async context manager.

    Args:
        store: open; a board `SN-1` named Front door and a board `SN-2` are enrolled in it.
        limits: how often somebody may ask; hardly bounded if not given.
        address: where requests come from.
    """

    def __init__(self, store, limits=MANY, address="192.0.2.7"):
        self.store = store
        self.clock = store.clock
        self.limits = Limits()
        self._address = address
        ledger = Ledger(self.clock)
        self.platform_rooms = SimulatedRooms(self.clock, os.urandom, Times(), ledger)
        self.cloud = Cloud(self.clock, os.urandom, self.platform_rooms, ledger)
        self.cloud.accounts.apps[APPID] = App(APPID, SECRET, models=(MODEL,))
        for openid in ("openid-mum", "openid-dad", "openid-eve"):
            self.cloud.accounts.users[openid] = User(openid, APPID)
        settings = WechatSettings(appid=APPID, model_id=MODEL)
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._platform))
        transport = Transport(client, "https://platform", 5, self.clock)
        self.api = WeChatApi(transport, settings, SECRET, MemoryTokenStore(), self.clock)
        self.contacts = Contacts(store.database, self.clock)
        self.legs = Legs()
        self.switchboard = Switchboard(self._no_phone, store.records, self.contacts.shown, self.clock)
        self.contacts.watchers.append(self.switchboard.contacts_changed)
        key = payload.derive_key(bytes(32))
        self.side = MiniSide(
            Adapter(self.api, self.contacts, key),
            store.database, store.registry, self.switchboard, store.records, self.clock, limits,
        )  # fmt: skip
        self.people, self.calls = self.side.people, self.side.calls
        self.naps = []
        self.calls._sleep = self._nap
        self.notify = Notify(
            APPID, key, Inbox(store.database, self.clock), Rooms(store.database, _Sealing(), self.clock, self._no_phone),
            self.legs, CallTickets(store.database, self.clock), self.contacts, self.switchboard, store.records,
            lambda sn: MODEL if store.registry.get(sn) else None, self.clock,
        )  # fmt: skip
        routes = Api(store.registry, store.records, self.switchboard, list)
        self.app = build(routes, OPERATOR, self.side.routers(operator_only(OPERATOR)))
        self.client = self._client()

    async def __aenter__(self):
        await self.store.registry.enrol("SN-1", MODEL, "Front door")
        await self.store.registry.enrol("SN-2", MODEL)
        await self.contacts.load()
        return self

    async def __aexit__(self, *_):
        await self.client.aclose()
        await self.notify.stop()
        await self.stop_calls()
        await self.side.close()
        await self.api.close()

    async def stop_calls(self):
        """End the calls, and let their phones and boards report at once."""
        stopping = asyncio.create_task(self.switchboard.stop())
        await settle()
        for entry in list(self.switchboard._calls.values()):
            for name in ("device", "phone"):
                entry.call._reports.setdefault(name, {})
            entry.call._settle()
        await stopping

    # requests

    async def ask(self, method, path, session="", **body):
        """Ask as a phone; `session` is the bearer token."""
        headers = {"Authorization": f"Bearer {session}"} if session else {}
        return await self.client.request(method, "/v1/mini" + path, headers=headers, **body)

    async def operate(self, method, path, **body):
        """Ask as an operator."""
        return await self.client.request(method, "/v1" + path, headers={"Authorization": f"Bearer {OPERATOR}"}, **body)

    async def log_in(self, openid="openid-mum"):
        """Log somebody in; gives the session."""
        answer = await self.ask("POST", "/login", json={"code": self.cloud.accounts.login(openid)})
        assert answer.status_code == 200, answer.text
        return answer.json()["session"]

    async def invite(self, sn="SN-1", **more):
        """Make an invite; gives its code."""
        answer = await self.operate("POST", f"/devices/{sn}/invites", json=more)
        assert answer.status_code == 201, answer.text
        return answer.json()["invite"]

    async def bound(self, openid="openid-mum", sn="SN-1", name="Mum"):
        """Log somebody in and let them come to a board; gives the session."""
        session = await self.log_in(openid)
        answer = await self.ask("POST", "/bind", session, json={"invite": await self.invite(sn, name=name)})
        assert answer.status_code == 200, answer.text
        return session

    async def permit(self, session, sn="SN-1"):
        """Ask for a call; gives the permit."""
        answer = await self.ask("POST", "/calls", session, json={"sn": sn})
        assert answer.status_code == 201, answer.text
        return answer.json()

    # the platform and the board

    def board(self, sn="SN-1", **hello):
        """Connect a board."""
        return Board(self, sn, **hello)

    def call_device(self, permit, openid="openid-mum", **changes):
        """Do what `callDevice` does; gives the event that the platform pushes."""
        said = {"sn": permit["sn"], "model_id": permit["model_id"], "payload": permit["payload"]} | changes
        order = Order("in", APPID, openid, room_type=permit["room_type"], name="", **said)
        keys = self.cloud.call_device(order).keys
        return {
            "Event": "iot_voip_notify",
            "Action": "join_voip_room",
            "FromUserName": openid,
            "Payload": order.payload,
            "RoomId": keys.room_id,
            "SessionKey": keys.session_key,
            "ServerToken": keys.server_token,
            "ModelId": order.model_id,
            "Sn": order.sn,
        }

    async def push(self, event):
        """Deliver a push; gives the number that it is answered with."""
        answer = await self.notify.take(event)
        self.notify.answered(answer)
        await self.done()
        return answer.number

    async def done(self):
        """Wait until nothing is under way that a push has brought about."""
        await until(lambda: not self.notify._tasks and not self.switchboard._tasks, "the end of what a push began")

    async def ended(self, board, call_id):
        """Wait for a board's last word on a call, which comes when its record is written; gives it."""
        await until(lambda: any(one["call"] == call_id for one in board.heard("ended")), "the last word")
        return next(one for one in board.heard("ended") if one["call"] == call_id)

    def fails(self, number, path="/sns/jscode2session"):
        """Let the platform's next answer be a number."""
        self.cloud.faults.add(Fault(api=path, number=number))

    def _platform(self, request):
        asked = Request(request.method, request.url.path, dict(request.url.params), request.content)
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(self.cloud.request(asked).fields).encode()))

    def _client(self):
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(self._address, 40_000))
        return httpx.AsyncClient(transport=transport, base_url="https://relay")

    async def _no_phone(self, *_):
        raise AssertionError("nobody calls a phone here")

    async def _nap(self, seconds):
        self.naps.append(seconds)
        await settle()


class _Sealing:
    def seal(self, clear, *bound_to):
        return clear

    def open(self, sealed, *bound_to):
        return sealed

"""The adapter against the simulator, which reads bodies as strictly as the platform: two hands, one contract."""

import pytest

from tincall.clock import SystemClock
from tincall.settings import WechatSettings
from tincall.simulator import web
from tincall.simulator.accounts import App, User
from tincall.simulator.faults import Fault
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service
from tincall.wechat.api import CALL_PATH, connect
from tincall.wechat.tickets import SnTickets
from tincall.wechat.tokens import MemoryTokenStore
from tincall.wechat.vocabulary import PlatformError

APPID, MOBILE = "wx00000000000000aa", "wx00000000000000bb"
SECRET = "5ecret5ecret5ecret5ecret5ecret55"
ALICE, BOB, EVE = (f"o_{name:-<26}" for name in ("alice", "bob", "eve"))


class World:
    """A simulator with two apps and three users; an asynchronous context manager."""

    async def __aenter__(self):
        clock = SystemClock()
        self.service = Service()
        accounts = self.service.cloud.accounts
        accounts.apps[APPID] = App(APPID, SECRET, models=("mDL",))
        accounts.apps[MOBILE] = App(MOBILE, SECRET, mobile=True)
        accounts.add_user(User(ALICE, APPID, consents={"sn-1"}))
        accounts.add_user(User(BOB, APPID, accepts_messages=False))
        accounts.add_user(User(EVE, MOBILE))
        self.server = await SimulatorServer.open(web.build(self.service))
        self.api = self._api(APPID, clock)
        self.mobile = self._api(MOBILE, clock)
        self.tickets = SnTickets(self.api.get_sn_ticket, clock)
        return self

    async def __aexit__(self, *_):
        await self.api.close()
        await self.mobile.close()
        await self.server.close()
        await self.service.stop()

    def plan(self, **fault):
        self.service.cloud.faults.add(Fault(**fault))

    def _api(self, appid, clock):
        settings = WechatSettings(appid=appid, model_id="mDL", base_url=self.server.url, env_version="trial")
        return connect(settings, SECRET, MemoryTokenStore(), clock)


async def number(asking):
    with pytest.raises(PlatformError) as caught:
        await asking
    return caught.value.number


async def test_token_ticket_and_login():
    async with World() as world:
        assert await world.api.tokens.get() == await world.api.tokens.get()
        ticket = await world.tickets.get("sn-1", "mDL")
        assert len(ticket) == 32 and await world.tickets.get("sn-1", "mDL") == ticket
        assert await number(world.api.get_sn_ticket("sn-1", "other")) == 9800003
        assert await number(world.mobile.get_sn_ticket("sn-1")) == 48001
        code = world.service.cloud.accounts.login(ALICE)
        assert (await world.api.code2session(code)).openid == ALICE
        assert await number(world.api.code2session(code)) == 40029


async def test_calls_are_taken_or_refused_for_the_reason_there_is():
    async with World() as world:
        await world.api.call("sn-1", ALICE, "payload-1", "Alice")
        assert await number(world.api.call("sn-1", BOB, "payload-2")) == 9
        assert await number(world.api.call("sn-1", EVE, "payload-3")) == 19
        assert await number(world.api.call("sn-1", "nobody", "payload-4")) == 20
        for planned in (12, 15, -1, 45009, 48001):
            world.plan(api=CALL_PATH, number=planned)
            assert await number(world.api.call("sn-1", ALICE, "payload-5")) == planned


@pytest.mark.parametrize("refused", [40001, 40014, 42001])
async def test_a_token_that_dies_is_replaced_in_the_middle_of_things(refused):
    async with World() as world:
        await world.api.tokens.get()
        world.plan(api=CALL_PATH, number=refused)
        await world.api.call("sn-1", ALICE, "payload-1")


@pytest.mark.parametrize("kind", ["http", "drop", "lost_answer", "garbage"])
async def test_a_call_without_an_answer_may_have_been_made(kind):
    async with World() as world:
        await world.api.tokens.get()
        world.plan(api=CALL_PATH, kind=kind)
        with pytest.raises(PlatformError) as caught:
            await world.api.call("sn-1", ALICE, "payload-1")
        assert (caught.value.number, caught.value.maybe_done) == (None, True)


async def test_groups():
    async with World() as world:
        group = await world.api.create_group("hall")
        assert await number(world.api.create_group("x" * 33)) == 9800012
        added = await world.api.add_to_group(group, [("mDL", "sn-1"), ("mDL", "sn-2")])
        assert [(one.sn, one.meaning.number) for one in added] == [("sn-1", 0), ("sn-2", 0)]
        again = await world.api.add_to_group(group, [("mDL", "sn-1")])
        assert [one.meaning.retry for one in again] == ["done"]
        info = await world.api.group_info(group)
        assert (info["group_name"], len(info["device_list"])) == ("hall", 2)
        removed = await world.api.remove_from_group(group, [("mDL", "sn-2")])
        assert removed[0].meaning.number == 0
        assert await number(world.api.group_info("nothing")) == 9800013


async def test_messages_look_ups_and_android_devices():
    async with World() as world:
        data = {"thing1": {"value": "Door"}}
        await world.api.send_device_message("missed-call", "sn-1", [ALICE], data)
        assert await number(world.api.send_device_message("other", "sn-1", [ALICE], data)) == 40037
        assert await number(world.api.send_device_message("missed-call", "sn-1", [BOB], data)) == 43101
        assert "daily_limit" in await world.api.quota()
        assert await number(world.api.explain("1-2-3")) == 76001
        await world.mobile.add_device(7, ["d1", "d2"], "model")
        assert await number(world.api.add_device(7, ["d1"], "model")) == 48001

"""The WeChat side built of its parts over a real folder and a platform on loopback."""

import pytest
from relay_store import KEK
from support.envelopes import APPID, ENCODING_KEY, EVENT, TOKEN
from support.fake_platform import FakePlatform
from support.legs import Witness, until
from support.push_scene import Board
from support.room_workers import RoomWorkers

from callcore import causes
from tincall.errors import OperatorError
from tincall.relay.switchboard import Switchboard
from tincall.settings import CallSettings, DataFolder, WechatSettings
from tincall.wechat.adapter import Adapter, Ground
from tincall.wechat.contacts import GRANTED
from tincall.wechat.inbox import RING, Entry
from tincall.wechat.rooms import Room, insert_row

CALL_PATH = "/wxa/business/iot/voip/call"
ROOM = Room(APPID, "room-1", "call-1", "SN-1", "mDL", "in", "voice", "token", "key", "pay", 1_790_000_000_000)


def settings(platform=None, **more):
    base_url = platform.url if platform is not None else "https://127.0.0.1:1"
    return WechatSettings(appid=APPID, model_id="mDL", base_url=base_url, **more)


def put_secrets(folder, aes_key=ENCODING_KEY):
    for name, word in (("wechat-app.secret", "s" * 32), ("wechat-push.token", TOKEN), ("wechat-push.key", aes_key)):
        path = folder / name
        path.write_text(word + "\n")
        path.chmod(0o600)


class Side:
    """An adapter and its switchboard; `async with`."""

    def __init__(self, store, folder, wanted, **calls):
        self.store = store
        self._made = (folder, wanted, CallSettings(**calls))

    async def __aenter__(self):
        folder, wanted, calls = self._made
        self.workers = RoomWorkers()
        store = self.store
        await store.registry.enrol("SN-1", "tincall")
        ground = Ground(DataFolder(folder), store.database, store.registry, KEK, self.workers.take, store.clock)
        self.adapter = await Adapter.open(ground, wanted, calls)
        self.switchboard = Switchboard(
            self.adapter.phone_leg, store.records, self.adapter.contacts.shown, store.clock, calls, plays_phones=False
        )
        self.routes = self.adapter.attach(self.switchboard, store.records)
        self.clock = store.clock
        return self

    async def __aexit__(self, *_):
        await self.switchboard.stop()
        await self.adapter.close()
        await self.workers.close()


async def test_a_call_of_a_board_is_asked_for_at_the_platform(store, tmp_path):
    put_secrets(tmp_path)
    with FakePlatform() as platform:
        platform.answers["/cgi-bin/stable_token"] = {"access_token": "t" * 40, "expires_in": 7200}
        platform.answers[CALL_PATH] = {"errcode": 9, "errmsg": "no consent"}
        async with Side(store, tmp_path, settings(platform)) as side:
            mum = await side.adapter.contacts.put("SN-1", "openid-mum", "Mum", GRANTED)
            board = Board(side, "SN-1")
            assert board.last("welcome")["contacts"] == [{"id": mum.contact_id, "name": "Mum"}]
            board.dials(mum.contact_id)
            await until(lambda: board.heard("ended"), "the end")
            assert board.last("ended")["cause"] == causes.BARRED
            asked = platform.asked[-1]
            assert (asked.path, asked.body["openid"], asked.body["sn"]) == (CALL_PATH, "openid-mum", "SN-1")
            assert asked.body["model_id"] == "mDL" and asked.body["listener_name"] == "Mum"
            # who withdrew is shown no more
            await until(lambda: board.heard("contacts"), "the new list")
            assert board.last("contacts")["contacts"] == []


async def test_settings_reach_the_leg(store, tmp_path):
    put_secrets(tmp_path)
    wanted = settings(push_wait_s=0.05)
    async with Side(store, tmp_path, wanted, ring_ms=60_000) as side:
        patience = side.adapter.legs._patience
        assert (patience.push_ms, patience.ring_ms, patience.peer_ms) == (50, 55_000, 20_000)
        mum = await side.adapter.contacts.put("SN-1", "openid-mum", "Mum", GRANTED)
        leg = await side.adapter.phone_leg(mum.contact_id)
        assert Witness(leg) and side.adapter.model_of("SN-1") == "mDL" and side.adapter.model_of("SN-9") is None


async def test_what_a_dead_relay_left_is_finished(store, tmp_path):
    put_secrets(tmp_path)
    async with Side(store, tmp_path, settings()) as side:
        row = side.adapter.rooms.row(ROOM)
        inbox = side.adapter._inbox

        def leave(connection):
            insert_row(connection, row)
            return Entry(APPID, "room-1", 0, "", "call-1", "in", RING)

        await inbox.store(leave)
        await side.adapter.sweep()
        await until(lambda: not side.adapter.rooms._tasks, "the hang-up")
        assert await side.adapter.rooms.open() == []
        assert (await inbox.find(APPID, "room-1")).state == "done"
        assert side.workers.made[0].room["room_id"] == "room-1"


async def test_there_is_one_route_for_pushes(store, tmp_path):
    put_secrets(tmp_path)
    async with Side(store, tmp_path, settings()) as side:
        (router,) = side.routes
        assert {(route.path, *route.methods) for route in router.routes} == {
            ("/wechat/push", "GET"),
            ("/wechat/push", "POST"),
        }
        assert EVENT["Action"] == "join_voip_room"


@pytest.mark.parametrize("missing", ["wechat-app.secret", "wechat-push.token", "wechat-push.key"])
async def test_a_missing_secret_is_told(store, tmp_path, missing):
    put_secrets(tmp_path)
    (tmp_path / missing).unlink()
    ground = Ground(DataFolder(tmp_path), store.database, store.registry, KEK, RoomWorkers().take, store.clock)
    with pytest.raises(OperatorError) as caught:
        await Adapter.open(ground, settings(), CallSettings())
    assert missing in caught.value.message and caught.value.status == 2


async def test_secrets_are_shown_nowhere(store, tmp_path):
    put_secrets(tmp_path)
    async with Side(store, tmp_path, settings()) as side:
        shown = repr(vars(side.adapter)) + repr(side.adapter.credentials)
        assert "s" * 32 not in shown and TOKEN not in shown

"""Open rooms: sealed on disk, removed when over, hung up when left."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select
from support.legs import until
from support.room_workers import RoomWorkers

from callcore import causes
from tincall.clock import ManualClock
from tincall.relay.store.models import wechat_rooms
from tincall.wechat import rooms as rooms_file
from tincall.wechat.rooms import OLDEST_MS, Room, Rooms, insert_row
from tincall.wechat.sealing import Sealing
from tincall.wechat.vocabulary import Reason

NOW_MS = ManualClock.UNIX_START_MS
OUT = Room(
    "wx1", "room-1", "call-1", "SN-1", "m1", "out", "voice", "canary-token", "canary-key", "canary-pay", NOW_MS, True
)
IN = Room("wx1", "room-2", "call-2", "SN-2", "m1", "in", "voice", "canary-token", "canary-key", "canary-pay", NOW_MS)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(rooms_file, "FIRST_WAIT_S", 0.01)


class Scene:
    """Rooms of a store, and their workers; `async with`."""

    def __init__(self, store, sealing, reports=None):
        self.workers = RoomWorkers(reports)
        self.rooms = Rooms(store.database, sealing, store.clock, self.workers.take)
        self._store = store

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.rooms.stop()
        await self.workers.close()

    async def accept(self, *accepted):
        for room in accepted:
            row = self.rooms.row(room)
            await self._store.database.run(insert_row, row)

    async def rows(self):
        return await self._store.database.read(lambda connection: connection.execute(select(wechat_rooms)).all())

    async def gone(self):
        for _ in range(2000):
            if not await self.rows():
                return
            await asyncio.sleep(0.001)
        raise AssertionError("rooms are left")


async def test_a_room_comes_back_as_it_was_and_lies_sealed(store, sealing):
    async with Scene(store, sealing) as scene:
        await scene.accept(OUT, IN)
        assert await scene.rooms.open() == [OUT, IN]
        assert "canary" not in str(await scene.rows()) and "canary" not in repr(OUT)
        assert OUT.fields()["server_token"] == "canary-token" and OUT.fields()["sn"] == "SN-1"


async def test_over_and_joined_are_noted(store, sealing):
    async with Scene(store, sealing) as scene:
        await scene.accept(OUT, IN)
        scene.rooms.joined(IN)
        scene.rooms.over(OUT)
        await scene.rooms.stop()
        (left,) = await scene.rooms.open()
        assert left.room_id == "room-2" and left.is_joined
        assert scene.workers.made == []


async def test_a_room_of_a_board_is_joined_and_hung_up(store, sealing):
    async with Scene(store, sealing) as scene:
        await scene.accept(OUT)
        assert await scene.rooms.sweep() == 1
        await scene.gone()
        (worker,) = scene.workers.made
        assert worker.room == OUT.fields()
        assert (worker.told("start")["role"], worker.told("release")["reason"]) == ("callee", Reason.MANUAL)


async def test_a_room_of_a_phone_that_nobody_joined_is_declined(store, sealing):
    async with Scene(store, sealing) as scene:
        await scene.accept(IN)
        scene.rooms.abandon(IN)
        await scene.gone()
        (worker,) = scene.workers.made
        assert (worker.told("start")["role"], worker.told("release")["reason"]) == ("caller", Reason.REJECT)


@pytest.mark.parametrize("report", [{"error": "listener_hangup: 3"}, None])
async def test_what_cannot_be_declined_is_joined_and_hung_up(store, sealing, report):
    async with Scene(store, sealing, [report]) as scene:
        await scene.accept(IN)
        scene.rooms.abandon(IN)
        await scene.gone()
        assert [worker.told("start")["role"] for worker in scene.workers.made] == ["caller", "callee"]


async def test_the_platforms_word_that_it_is_over_is_enough(store, sealing):
    async with Scene(store, sealing, [None]) as scene:
        await scene.accept(OUT)
        scene.rooms.abandon(OUT)
        await until(lambda: scene.workers.made and scene.workers.made[0].says("start"))
        await scene.workers.made[0].say({"t": "status", "number": 4})
        await scene.gone()
        assert len(scene.workers.made) == 1


async def test_a_room_that_cannot_be_hung_up_is_left_to_the_next_start(store, sealing):
    async with Scene(store, sealing) as scene:
        scene.workers.fault = ("no worker", causes.CONGESTION)
        await scene.accept(OUT)
        scene.rooms.abandon(OUT)
        await until(lambda: not scene.rooms._tasks, "the last attempt")
        assert len(await scene.rows()) == 1
        scene.workers.fault = None
        assert await scene.rooms.sweep() == 1
        await scene.gone()


async def test_a_room_of_long_ago_is_forgotten(store, sealing):
    async with Scene(store, sealing) as scene:
        row = scene.rooms.row(OUT) | {"opened_ms": store.clock.unix_ms() - OLDEST_MS - 1}
        await store.database.run(insert_row, row)
        await scene.rooms.sweep()
        await scene.gone()
        assert scene.workers.made == []


async def test_a_room_that_does_not_open_is_removed(store, sealing):
    async with Scene(store, Sealing(bytes(32))) as foreign:
        await foreign.accept(OUT)
    async with Scene(store, sealing) as scene:
        await scene.accept(IN)
        assert [room.room_id for room in await scene.rooms.open()] == ["room-2"]
        assert len(await scene.rows()) == 1


async def test_many_are_hung_up_a_few_at_a_time(store, sealing):
    async with Scene(store, sealing) as scene:
        scene.workers.gate.clear()
        await scene.accept(*(replace(OUT, room_id=f"room-{i}") for i in range(9)))
        scene.rooms._workers, take = _counted(scene.workers.take)
        await scene.rooms.sweep()
        await until(lambda: take.now == rooms_file.AT_ONCE)
        scene.workers.gate.set()
        await scene.gone()
        assert take.most == rooms_file.AT_ONCE and len(scene.workers.made) == 9


class _Count:
    now = most = 0


def _counted(take):
    count = _Count()

    async def counted(phone):
        count.now += 1
        count.most = max(count.most, count.now)
        leg = await take(phone)
        leg.done.add_done_callback(lambda _: setattr(count, "now", count.now - 1))
        return leg

    return counted, count

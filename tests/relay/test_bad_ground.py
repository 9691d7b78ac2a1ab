"""Whole calls on bad ground: a disk that fills up, a calendar that jumps, a relay that dies in the middle of a talk."""

import pytest
from relay_store import Store
from support import small_disk
from support.board_end import packet
from support.exchange import Exchange, settle, talking

from callcore import causes
from tincall.clock import ManualClock
from tincall.relay.heartbeat import BEAT_S, Heartbeat

HOUR_MS = 3_600_000
JUMPS_MS = [HOUR_MS, -HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS]


class JumpingClock(ManualClock):
    """A clock whose calendar somebody sets, in the middle of everything."""

    jumped_ms = 0

    def unix_ms(self):
        return super().unix_ms() + self.jumped_ms


class Ground:
    """An exchange whose records are on a disk."""

    def __init__(self, folder):
        self.exchange = Exchange()
        self.exchange.clock = self.exchange.switchboard._clock = self.clock = JumpingClock(5000)
        self._store = Store(folder)
        self._store.clock = self.clock

    async def __aenter__(self):
        store = await self._store.__aenter__()
        self.records = self.exchange.switchboard._records = store.records
        self.heartbeat = Heartbeat(store.registry, store.records, self.exchange.switchboard)
        await self.records.sweep()
        return self

    async def __aexit__(self, *_):
        for entry in self.exchange.switchboard._calls.values():
            entry.waker.stop()
        await self.records.close()
        await self._store.__aexit__()

    async def on_disk(self, call_id, state):
        """Wait until a record is in a state, which the test's own time limit bounds."""
        while True:
            await self.records.ready()
            record = await self.records.get(call_id)
            if record["state"] == state:
                return record

    async def talking(self):
        board = self.exchange.board()
        phone = await talking(self.exchange, board)
        await self.on_disk("c1", "answered")
        return board, phone


@pytest.mark.parametrize("jump_ms", JUMPS_MS)
async def test_a_calendar_that_jumps_does_not_change_how_long_a_call_lasted(tmp_path, jump_ms):
    async with Ground(tmp_path) as ground:
        board, _ = await ground.talking()
        ground.clock.advance(1000)
        ground.clock.jumped_ms = jump_ms
        await ground.heartbeat.beat(boards=False)
        ground.clock.advance(1234)
        board.say({"t": "bye", "call": "c1", "cause": causes.NORMAL})
        record = await ground.on_disk("c1", "ended")
        assert board.heard("ended")[0]["duration_ms"] == record["duration_ms"] == 2234


@pytest.mark.parametrize("jump_ms", [0, *JUMPS_MS])
async def test_a_relay_that_dies_leaves_a_call_as_long_as_its_last_beat(tmp_path, jump_ms):
    async with Ground(tmp_path) as ground:
        await ground.talking()
        for _ in range(3):
            ground.clock.advance(BEAT_S * 1000)
            await ground.heartbeat.beat(boards=False)
            ground.clock.jumped_ms = jump_ms
        assert (await ground.records.get("c1"))["duration_ms"] == 3 * BEAT_S * 1000, "a live call tells its talk so far"
        ground.clock.advance(BEAT_S * 1000 - 1)  # dies before the next beat
        await ground.records.sweep()  # as the next relay does
        record = await ground.records.get("c1")
        assert (record["state"], record["cause"], record["released_by"]) == ("ended", 41, "relay")
        assert record["duration_ms"] == 3 * BEAT_S * 1000


async def test_a_relay_that_dies_before_the_first_beat_leaves_no_talk(tmp_path):
    async with Ground(tmp_path) as ground:
        await ground.talking()
        ground.clock.advance(BEAT_S * 1000 - 1)
        ground.clock.jumped_ms = 24 * HOUR_MS
        await ground.records.sweep()
        assert (await ground.records.get("c1"))["duration_ms"] == 0


async def test_a_disk_that_is_full_in_a_call_stops_nothing_but_its_record(tmp_path):
    with small_disk.mounted(tmp_path / "disk") as disk:
        async with Ground(disk) as ground:
            board, phone = await ground.talking()
            ballast = small_disk.fill(disk)
            agreed = phone.offer.media
            for i in range(50):
                board.speaks(i, agreed.remote_ssrc)
                phone.speaks(packet(i, agreed.ssrc))
            assert (len(phone.got), len(board.packets)) == (50, 50)
            ground.clock.advance(1000)
            board.say({"t": "bye", "call": "c1", "cause": causes.NORMAL})
            while not board.heard("ended"):
                await settle()
            assert board.heard("ended")[0]["duration_ms"] == 1000
            second = ground.exchange.board("board-2")
            await talking(ground.exchange, second, "c2")
            assert second.last("answer"), "a new call is made on a full disk, too"
            while len(ground.records.backlog) < 2:
                await settle()
            ballast.unlink()
            await ground.records.backlog._task
            one, two = await ground.records.get("c1"), await ground.records.get("c2")
            assert (one["state"], one["duration_ms"], one["up"]["out"], one["down"]["out"]) == ("ended", 1000, 50, 50)
            assert two["state"] == "answered"

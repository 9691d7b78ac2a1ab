"""The backlog: what the disk refused is written once it takes it again, in order, once; or it is counted as lost."""

import asyncio

import pytest
from relay_store import Store
from structlog.testing import capture_logs
from support import small_disk
from support.exchange import settle

from tincall.relay import backlog as backlog_module
from tincall.relay.backlog import RETRY_S, Backlog
from tincall.relay.cdr import Frames, frame_columns
from tincall.relay.ledger import Ledger
from tincall.relay.store import faults
from tincall.relay.store.faults import StoreFault

BEGUN = {"sn": "SN-1", "phone": "alice", "direction": "out", "started_ms": 100, "touched_ms": 100}
OVER = {"state": "ended", "ended_ms": 300, "cause": 16, "released_by": "device", "duration_ms": 5}


class Steps:
    """A sleep that ends when the test says so."""

    def __init__(self):
        self.asked = asyncio.Queue()
        self.go = asyncio.Semaphore(0)

    async def __call__(self, seconds):
        await self.asked.put(seconds)
        await self.go.acquire()


class Bench:
    """A backlog over a database that refuses as long as `is_full`."""

    def __init__(self, store):
        self.records = store.records
        self.steps = Steps()
        self.is_full = False
        self.tried = 0
        self.backlog = store.records.backlog = Backlog(self, self.steps)
        self._database = store.database

    async def run(self, work, *args):
        self.tried += 1
        if self.is_full:
            raise StoreFault(faults.FULL, "the disk is full", "Make room.")
        return await self._database.run(work, *args)

    async def until_empty(self):
        """Let the backlog work until nothing waits."""
        await self.backlog._task
        assert len(self.backlog) == 0


@pytest.fixture
def bench_in(tmp_path):
    class Opened:
        async def __aenter__(self):
            self._store = Store(tmp_path)
            return Bench(await self._store.__aenter__())

        async def __aexit__(self, *_):
            await self._store.__aexit__()

    return Opened


async def test_what_was_refused_is_written_when_it_is_taken_again(bench_in):
    async with bench_in() as bench:
        bench.is_full = True
        bench.backlog.put("c1", True, BEGUN)
        bench.backlog.put("c2", True, BEGUN)
        assert await bench.steps.asked.get() == RETRY_S
        assert (len(bench.backlog), bench.tried) == (2, 1), "the others are not tried while one is refused"
        bench.backlog.put("c1", True, OVER | frame_columns(Frames(3, 2, 1), Frames()))
        bench.is_full = False
        bench.steps.go.release()
        await bench.until_empty()
        one, two = await bench.records.get("c1"), await bench.records.get("c2")
        assert (one["state"], one["started_ms"], one["ended_ms"], one["duration_ms"]) == ("ended", 100, 300, 5)
        assert one["up"] == {"in": 3, "out": 2, "dropped": 1} and one["codec"] == ""
        assert two["state"] == "dialling"
        assert bench.backlog.lost == 0


async def test_a_record_that_was_begun_goes_on_and_never_back(bench_in):
    async with bench_in() as bench:
        await bench.records.opened("c1", "SN-1", "alice", "out")
        await bench.records.answered("c1", "PCMA")
        bench.backlog.put("c1", False, {"state": "ringing", "ringing_ms": 150})
        await bench.until_empty()
        found = await bench.records.get("c1")
        assert (found["state"], found["ringing_ms"]) == ("answered", 150)
        await bench.records.ended("c1", 17, "phone", 9)
        bench.backlog.put("c1", False, OVER | {"board_stats": {"sent": 1}})
        await bench.until_empty()
        found = await bench.records.get("c1")
        assert (found["cause"], found["duration_ms"], found["board_stats"]) == (17, 9, {"sent": 1}), (
            "the first end stands"
        )


async def test_what_is_learnt_while_it_is_written_is_written_too(bench_in):
    async with bench_in() as bench:
        first = bench._database.run

        async def slow(work, *args):
            if bench.tried == 1:
                bench.backlog.put("c1", True, OVER)
            return await first(work, *args)

        bench._database.run = slow
        bench.backlog.put("c1", True, BEGUN)
        await bench.until_empty()
        assert (await bench.records.get("c1"))["state"] == "ended" and bench.tried == 2


async def test_reports_that_come_while_the_end_is_written_are_written_too(bench_in):
    """The record that the backlog has just begun and ended is its own, and no other call's."""
    async with bench_in() as bench:
        first = bench._database.run

        async def slow(work, *args):
            if bench.tried == 1:
                bench.backlog.put("c1", True, {"board_stats": {"sent": 1}})
            return await first(work, *args)

        bench._database.run = slow
        bench.backlog.put("c1", True, BEGUN | OVER)
        await bench.until_empty()
        assert (await bench.records.get("c1"))["board_stats"] == {"sent": 1} and bench.backlog.lost == 0


async def test_a_record_of_another_call_is_not_touched(bench_in):
    async with bench_in() as bench:
        await bench.records.opened("c1", "SN-2", "bob", "in")
        await bench.records.opened("c2", "SN-1", "alice", "out")
        await bench.records.ended("c2", 16, "device", 1)
        before = [await bench.records.get(one) for one in ("c1", "c2")]
        with capture_logs() as lines:
            bench.backlog.put("c1", True, BEGUN | OVER)
            bench.backlog.put("c2", True, BEGUN | OVER)
            await bench.until_empty()
        assert [await bench.records.get(one) for one in ("c1", "c2")] == before
        assert bench.backlog.lost == 2
        assert [line["call"] for line in lines if line["log_level"] == "error"] == ["c1", "c2"]


async def test_a_record_that_the_disk_took_though_it_said_no_is_the_calls_own(bench_in):
    async with bench_in() as bench:
        await bench.records.opened("c1", "SN-1", "alice", "out")
        bench.backlog.put("c1", True, BEGUN | OVER)
        await bench.until_empty()
        assert (await bench.records.get("c1"))["state"] == "ended" and bench.backlog.lost == 0


async def test_what_cannot_be_written_does_not_hold_up_the_others(bench_in):
    async with bench_in() as bench:
        bench.backlog.put("bad", True, BEGUN | {"direction": "sideways"})
        bench.backlog.put("gone", False, OVER)
        bench.backlog.put("good", True, BEGUN)
        await bench.until_empty()
        assert (await bench.records.get("good"))["state"] == "dialling"
        assert bench.backlog.lost == 2


async def test_too_many_are_lost_loudly_the_oldest_first(bench_in, monkeypatch):
    monkeypatch.setattr(backlog_module, "KEPT_MAX", 3)
    async with bench_in() as bench:
        bench.is_full = True
        with capture_logs() as lines:
            for number in range(5):
                bench.backlog.put(f"c{number}", True, BEGUN)
                await settle()
        assert [(line["call"], line["lost"]) for line in lines if line["log_level"] == "error"] == [
            ("c0", 1),
            ("c1", 2),
        ]
        bench.is_full = False
        bench.steps.go.release()
        await bench.until_empty()
        assert {one["call_id"] for one in await bench.records.list()} == {"c2", "c3", "c4"}


@pytest.mark.parametrize("is_full", [True, False])
async def test_the_end_tries_once_more_and_counts_the_rest(bench_in, is_full):
    async with bench_in() as bench:
        bench.is_full = True
        bench.backlog.put("c1", True, BEGUN)
        await bench.steps.asked.get()
        bench.is_full = is_full
        with capture_logs() as lines:
            await bench.records.close()
        lost = [line["call"] for line in lines if line["log_level"] == "error"]
        assert lost == (["c1"] if is_full else []) and bench.backlog.lost == len(lost)
        assert len(await bench.records.list()) == (0 if is_full else 1)


async def test_a_relay_is_not_ready_while_records_wait(bench_in):
    async with bench_in() as bench:
        await bench.records.ready()
        bench.is_full = True
        bench.backlog.put("c1", True, BEGUN)
        await bench.steps.asked.get()
        with pytest.raises(StoreFault, match="1 call records wait"):
            await bench.records.ready()
        bench.is_full = False
        bench.steps.go.release()
        await bench.until_empty()
        await bench.records.ready()


async def test_a_call_on_a_full_disk_is_recorded_once_there_is_room(tmp_path):
    with small_disk.mounted(tmp_path / "disk") as disk:
        async with Store(disk) as store:
            steps = Steps()
            store.records.backlog = Backlog(store.database, steps)
            ballast = small_disk.fill(disk)
            with pytest.raises(StoreFault, match="is full"):
                await store.records.ready()
            heard, ended = [], asyncio.Event()
            ledger = Ledger(store.records, "c1")
            ledger.opened("SN-1", "alice", "out", heard.append)
            store.clock.advance(1000)
            ledger.answered("PCMA")
            store.clock.advance(2000)
            ledger.ended(16, "device", 2000, Frames(100, 100), Frames(99, 99), lambda done: ended.set())
            await ended.wait()
            await steps.asked.get()
            assert heard == [True] and await store.records.list() == []
            store.clock.advance(3_600_000)
            ballast.unlink()
            steps.go.release()
            await store.records.backlog._task
            record = await store.records.get("c1")
            assert (record["state"], record["duration_ms"], record["codec"]) == ("ended", 2000, "PCMA")
            assert record["ended_ms"] - record["started_ms"] == 3000, "its times are those of the call"
            await store.records.ready()

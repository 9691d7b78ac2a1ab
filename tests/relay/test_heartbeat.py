"""Beats: what goes on is on disk, so that a relay that dies leaves true records."""

import asyncio

from relay_store import Store, run

from tincall.errors import OperatorError
from tincall.relay.heartbeat import BEAT_S, BOARDS_EACH, Heartbeat

WAY = {"in": 5, "out": 5, "dropped": 0, "after_end": 0}


class FakeExchange:
    def __init__(self):
        self.calls = [{"call_id": "c1", "up": WAY, "down": WAY}]

    def live(self):
        return self.calls

    def online(self, sn):
        return {"board": "EMULATED"} if sn == "SN-1" else None


class Steps:
    """A sleep that ends when the test says so."""

    def __init__(self):
        self.asked = asyncio.Queue()
        self.go = asyncio.Semaphore(0)

    async def __call__(self, seconds):
        await self.asked.put(seconds)
        await self.go.acquire()


def scene(tmp_path, test):
    async def go():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            await store.registry.enrol("SN-2", "m")
            await store.records.opened("c1", "SN-1", "alice", "out")
            await store.records.answered("c1", "PCMA")
            store.clock.advance(60_000)
            steps = Steps()
            await test(store, Heartbeat(store.registry, store.records, FakeExchange(), steps), steps)

    run(go())


def test_calls_are_noted_at_each_beat_and_boards_now_and_then(tmp_path):
    async def go(store, heartbeat, steps):
        heartbeat.start()
        assert await steps.asked.get() == BEAT_S
        for beat in range(1, BOARDS_EACH + 1):
            steps.go.release()
            await steps.asked.get()
            assert (await store.records.get("c1"))["up"]["in"] == 5
            assert (store.registry.get("SN-1").board == "EMULATED") is (beat == BOARDS_EACH)
        assert store.registry.get("SN-2").last_seen_s == 0
        await heartbeat.stop()
        await store.records.sweep()
        assert (await store.records.get("c1"))["duration_ms"] == 60_000

    scene(tmp_path, go)


def test_the_end_notes_who_is_there(tmp_path):
    async def go(store, heartbeat, steps):
        heartbeat.start()
        await steps.asked.get()
        await heartbeat.stop()
        assert store.registry.get("SN-1").board == "EMULATED"

    scene(tmp_path, go)


def test_a_disk_that_fails_does_not_stop_the_beats(tmp_path, monkeypatch):
    async def go(store, heartbeat, steps):
        async def full(calls):
            raise OperatorError("disk full")

        with monkeypatch.context() as patch:
            patch.setattr(store.records, "touched", full)
            heartbeat.start()
            await steps.asked.get()
            steps.go.release()
            await steps.asked.get()
        steps.go.release()
        await steps.asked.get()
        assert (await store.records.get("c1"))["up"]["in"] == 5
        await heartbeat.stop()

    scene(tmp_path, go)

"""Call records: forward only, ended exactly once, nothing acknowledged ever lost."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from relay_store import Store, run

from tincall.clock import ManualClock
from tincall.relay.cdr import Frames, Records, UnknownCall, public
from tincall.relay.store.engine import Database
from tincall.relay.store.models import calls

STATES = ("dialling", "ringing", "answered", "ended")


def with_records(tmp_path, test):
    async def go():
        async with Store(tmp_path) as store:
            return await test(store.records, store.clock)

    return run(go())


def test_a_call_from_first_moment_to_last(tmp_path):
    async def go(records, clock):
        assert await records.opened("c1", "SN-1", "alice", "out")
        clock.advance(100)
        assert await records.ringing("c1")
        clock.advance(900)
        assert await records.answered("c1", "PCMA")
        clock.advance(5000)
        assert await records.ended("c1", 16, "phone", 5000, Frames(250, 249, 1), Frames(10, 10, 0))
        await records.reported("c1", board_stats={"sent": 250}, worker_report={"received": 249})
        return await records.get("c1")

    start = ManualClock.UNIX_START_MS
    assert with_records(tmp_path, go) == {
        "call_id": "c1", "sn": "SN-1", "phone": "alice", "direction": "out", "state": "ended", "codec": "PCMA",
        "started_ms": start, "ringing_ms": start + 100, "answered_ms": start + 1000, "ended_ms": start + 6000,
        "cause": 16, "released_by": "phone", "duration_ms": 5000,
        "up": {"in": 250, "out": 249, "dropped": 1}, "down": {"in": 10, "out": 10, "dropped": 0},
        "board_stats": {"sent": 250}, "worker_report": {"received": 249},
        "phone_report": None,
    }  # fmt: skip


def test_a_phone_adds_its_word_when_it_likes(tmp_path):
    async def go(records, clock):
        await records.opened("c1", "SN-1", "alice", "in")
        await records.phone_told("c1", {"reason": "manual"})
        await records.ended("c1", 16, "phone", 0)
        await records.phone_told("c1", {"keep_time_s": 7})
        with pytest.raises(UnknownCall):
            await records.phone_told("nothing", {"keep_time_s": 7})
        return (await records.get("c1"))["phone_report"]

    assert with_records(tmp_path, go) == {"reason": "manual", "keep_time_s": 7}


def test_nothing_of_a_call_stays_in_memory_after_its_end(tmp_path):
    async def go(records, clock):
        for number in range(5):
            await records.opened(f"c{number}", "SN-1", "alice", "in")
            await records.answered(f"c{number}", "PCMA")
            await records.answered(f"c{number}", "PCMA")
        assert len(records._talking_s) == 5
        for number in range(5):
            await records.ended(f"c{number}", 16, "phone", 0)
            await records.ended(f"c{number}", 16, "device", 0)
        return records._talking_s

    assert with_records(tmp_path, go) == {}


def test_the_first_end_stands(tmp_path):
    async def go(records, clock):
        await records.opened("c1", "SN-1", "alice", "in")
        assert await records.ended("c1", 17, "phone", 0)
        clock.advance(1000)
        before = await records.get("c1")
        assert not await records.ended("c1", 16, "device", 999, Frames(1, 1, 0), Frames(1, 1, 0))
        assert not await records.ringing("c1")
        assert not await records.answered("c1", "PCMU")
        assert not await records.opened("c1", "SN-2", "bob", "out")
        assert await records.get("c1") == before
        assert before["cause"] == 17

    with_records(tmp_path, go)


def test_many_ends_at_once_are_one(tmp_path):
    async def go(records, clock):
        await records.opened("c1", "SN-1", "alice", "in")
        ends = await asyncio.gather(*(records.ended("c1", cause, "relay", 0) for cause in range(1, 30)))
        assert ends.count(True) == 1
        return (await records.get("c1"))["cause"] == ends.index(True) + 1

    assert with_records(tmp_path, go)


def test_a_call_that_is_not_there_is_told(tmp_path):
    async def go(records, clock):
        for asked in (
            records.ringing("c9"),
            records.answered("c9", "PCMA"),
            records.ended("c9", 16, "relay", 0),
            records.reported("c9", board_stats={}),
            records.get("c9"),
        ):
            with pytest.raises(UnknownCall, match="c9"):
                await asked

    with_records(tmp_path, go)


@pytest.mark.parametrize(("sn", "direction", "released_by"), [("SN-1", "sideways", "relay"), ("SN-1", "out", "nobody")])
def test_words_outside_the_tables_are_our_bug(tmp_path, sn, direction, released_by):
    async def go(records, clock):
        with pytest.raises(sa.exc.IntegrityError):
            await records.opened("c1", sn, "alice", direction)
            await records.ended("c1", 16, released_by, 0)

    with_records(tmp_path, go)


def test_lists_are_newest_first_and_bounded(tmp_path):
    async def go(records, clock):
        for number in range(5):
            await records.opened(f"c{number}", f"SN-{number % 2}", "alice", "out")
            clock.advance(1)
        assert [r["call_id"] for r in await records.list(3)] == ["c4", "c3", "c2"]
        assert [r["call_id"] for r in await records.list(sn="SN-1")] == ["c3", "c1"]
        await records.ready()

    with_records(tmp_path, go)


def test_the_sweep_closes_what_a_dead_process_left(tmp_path):
    async def go(records, clock):
        await records.opened("never", "SN-1", "alice", "out")
        await records.opened("talked", "SN-1", "alice", "out")
        await records.opened("done", "SN-1", "alice", "out")
        await records.ended("done", 16, "device", 0)
        done = await records.get("done")
        await records.answered("talked", "PCMA")
        clock.advance(7000)
        await records.reported("talked", board_stats={"sent": 350})
        clock.advance(3_600_000)
        assert await records.sweep() == 2
        assert await records.sweep() == 0
        never, talked = await records.get("never"), await records.get("talked")
        assert (never["cause"], never["released_by"], never["duration_ms"]) == (41, "relay", 0)
        assert (talked["cause"], talked["released_by"], talked["duration_ms"]) == (41, "relay", 7000)
        assert talked["ended_ms"] == talked["answered_ms"] + 7000
        assert await records.get("done") == done

    with_records(tmp_path, go)


def test_a_call_that_goes_on_is_noted_and_one_that_ended_is_left_alone(tmp_path):
    way = {"in": 9, "out": 8, "dropped": 1, "after_end": 0}

    async def go(records, clock):
        for call in ("on", "over"):
            await records.opened(call, "SN-1", "alice", "out")
            await records.answered(call, "PCMA")
        await records.ended("over", 16, "device", 1)
        over = await records.get("over")
        clock.advance(5000)
        await records.touched({"on": (way, way), "over": (way, way), "never": (way, way)})
        assert await records.get("over") == over
        await records.sweep()
        on = await records.get("on")
        assert (on["duration_ms"], on["up"]) == (5000, {"in": 9, "out": 8, "dropped": 1})

    with_records(tmp_path, go)


class Life(RuleBasedStateMachine):
    """Any order of events on a few calls, with restarts, against a model that is a dictionary."""

    ids = st.sampled_from(["a", "b", "c"])

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(dir=Life.folder))
        self.clock = ManualClock()
        self.model = {}
        self.open()

    def open(self):
        self.database = Database.open(self.folder / "tincall.db")
        self.records = Records(self.database, self.clock)

    def do(self, work):
        return self.loop.run_until_complete(work)

    def teardown(self):
        self.do(self.database.close())
        self.loop.close()

    def expect(self, call, state, work):
        if call not in self.model:
            with pytest.raises(UnknownCall):
                self.do(work)
            return False
        is_forward = STATES.index(state) > STATES.index(self.model[call]["state"])
        assert self.do(work) is is_forward
        if is_forward:
            self.model[call]["state"] = state
        return is_forward

    @rule(call=ids)
    def opened(self, call):
        assert self.do(self.records.opened(call, "SN", "p", "out")) is (call not in self.model)
        self.model.setdefault(call, {"state": "dialling", "cause": None, "stats": None})

    @rule(call=ids)
    def ringing(self, call):
        self.expect(call, "ringing", self.records.ringing(call))

    @rule(call=ids)
    def answered(self, call):
        self.expect(call, "answered", self.records.answered(call, "PCMA"))

    @rule(call=ids, cause=st.integers(1, 127))
    def ended(self, call, cause):
        if self.expect(call, "ended", self.records.ended(call, cause, "device", 1)):
            self.model[call]["cause"] = cause

    @rule(call=ids, sent=st.integers(0, 9))
    def reported(self, call, sent):
        if call in self.model:
            self.do(self.records.reported(call, board_stats={"sent": sent}))
            self.model[call]["stats"] = {"sent": sent}

    @precondition(lambda self: self.model)
    @rule()
    def restart(self):
        self.do(self.database.close())
        self.open()
        still_open = [one for one in self.model.values() if one["state"] != "ended"]
        assert self.do(self.records.sweep()) == len(still_open)
        for one in still_open:
            one |= {"state": "ended", "cause": 41}

    @invariant()
    def the_file_says_what_the_model_says(self):
        found = {
            record["call_id"]: {"state": record["state"], "cause": record["cause"], "stats": record["board_stats"]}
            for record in self.do(self.records.list())
        }
        assert found == self.model


@pytest.mark.parametrize(
    ("lives", "steps"),
    [(25, 20), pytest.param(2000, 50, marks=[pytest.mark.long, pytest.mark.timeout(3600)])],
)
def test_any_life_of_calls_equals_the_model(tmp_path, lives, steps):
    Life.folder = tmp_path
    slow = [HealthCheck.too_slow]
    Life.TestCase.settings = settings(
        max_examples=lives, stateful_step_count=steps, deadline=None, suppress_health_check=slow, derandomize=True
    )
    Life.TestCase().runTest()


WRITER = """
import asyncio, pathlib, sys
from tincall.clock import SystemClock
from tincall.relay.cdr import Records
from tincall.relay.store.engine import Database

async def main(path, start):
    records = Records(Database.open(pathlib.Path(path)), SystemClock())
    print("swept", await records.sweep(), flush=True)
    for number in range(start, start + 100_000):
        call = f"c{number}"
        await records.opened(call, "SN-1", "alice", "out")
        print("opened", call, flush=True)
        await records.answered(call, "PCMA")
        await records.ended(call, 16, "device", number)
        print("ended", call, flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def killed_writer(path, start, lines):
    """Let a writer work until it has acknowledged some lines, kill it, and give all it had acknowledged."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, path, str(start)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    said = [writer.stdout.readline() for _ in range(lines)]
    writer.send_signal(signal.SIGKILL)
    said += writer.stdout.readlines()
    writer.stdout.close()
    assert writer.wait() == -signal.SIGKILL
    return [line.split() for line in said if line.endswith("\n")]


@pytest.mark.parametrize("rounds", [20, pytest.param(500, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_a_killed_process_loses_no_acknowledged_record_and_doubles_none(tmp_path, rounds):
    dice = random.Random(7)
    path = tmp_path / "tincall.db"
    opened, ended = set(), set()
    for round_ in range(rounds):
        for what, value in killed_writer(path, round_ * 100_000, dice.randrange(2, 60)):
            {"opened": opened, "ended": ended, "swept": set()}[what].add(value)

    async def read():
        database = Database.open(path)
        records = Records(database, ManualClock())
        await records.sweep()
        rows = await database.read(lambda connection: connection.execute(sa.select(calls)).all())
        await database.close()
        return rows

    rows = [public(row) for row in run(read())]
    found = {record["call_id"]: record for record in rows}
    assert len(opened) > 3 * rounds
    assert len(found) == len(rows)
    assert opened <= set(found)
    assert all(record["state"] == "ended" for record in found.values())
    wrong = [call for call in ended if (found[call]["cause"], found[call]["duration_ms"]) != (16, int(call[1:]))]
    assert wrong == []
    left_open = [call for call, record in found.items() if record["cause"] == 41]
    assert len(left_open) <= rounds, json.dumps(left_open)

"""The inbox: one verdict for each push, whenever it is asked for, and all that hangs on it or nothing."""

import asyncio

import pytest
from sqlalchemy import select

from tincall.errors import OperatorError
from tincall.relay import cdr
from tincall.relay.store.models import wechat_inbox
from tincall.wechat import points
from tincall.wechat.inbox import DONE, JOIN, KEPT_MS, RING, Entry, Inbox

GO = Entry("wx1", "room-1", 0, "", "call-1", "in", RING)
NO = Entry("wx1", "room-2", 3, "busy", "call-2", "in")


class Judge:
    """Stores an entry when asked to judge, and counts."""

    def __init__(self, inbox, entry):
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._inbox = inbox
        self._entry = entry

    async def __call__(self):
        self.asked += 1
        await self.gate.wait()
        return await self._inbox.store(lambda connection: self._entry)


async def test_a_repeat_hears_the_first_verdict(store):
    inbox = Inbox(store.database, store.clock)
    go, no, other = Judge(inbox, GO), Judge(inbox, NO), Judge(inbox, NO)
    assert await inbox.judge("wx1", "room-1", go) == GO
    assert await inbox.judge("wx1", "room-1", other) == GO
    assert await inbox.judge("wx1", "room-2", no) == NO
    assert await inbox.judge("wx1", "room-2", other) == NO
    assert (go.asked, no.asked, other.asked) == (1, 1, 0)


async def test_repeats_while_it_is_judged_wait_for_the_one_judgement(store):
    inbox = Inbox(store.database, store.clock)
    judge = Judge(inbox, GO)
    judge.gate.clear()
    waiting = [asyncio.create_task(inbox.judge("wx1", "room-1", judge)) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting)
    judge.gate.set()
    assert await asyncio.gather(*waiting) == [GO] * 5 and judge.asked == 1


async def test_a_judgement_goes_on_though_nobody_waits_for_it(store):
    inbox = Inbox(store.database, store.clock)
    judge = Judge(inbox, GO)
    judge.gate.clear()
    asker = asyncio.create_task(inbox.judge("wx1", "room-1", judge))
    await asyncio.sleep(0.02)
    asker.cancel()
    await asyncio.wait([asker])
    judge.gate.set()
    assert await inbox.judge("wx1", "room-1", judge) == GO and judge.asked == 1


async def test_the_same_room_of_another_mini_program_is_another_push(store):
    inbox = Inbox(store.database, store.clock)
    assert await inbox.judge("wx1", "room-1", Judge(inbox, GO)) == GO
    other = Entry("wx2", "room-1", 7, "no")
    assert await inbox.judge("wx2", "room-1", Judge(inbox, other)) == other


async def test_the_verdict_outlives_the_relay(tmp_path, store):
    await Inbox(store.database, store.clock).judge("wx1", "room-1", Judge(Inbox(store.database, store.clock), GO))
    reborn = Inbox(store.database, store.clock)
    judge = Judge(reborn, NO)
    assert await reborn.judge("wx1", "room-1", judge) == GO and judge.asked == 0


async def test_entry_and_effect_are_one(store):
    inbox = Inbox(store.database, store.clock)

    def open_record_then_fail(connection):
        assert cdr.open_record(connection, "call-1", "SN-1", "mum", "in", store.clock.unix_ms())
        raise OperatorError("the disk is full")

    async def work():
        return await inbox.store(open_record_then_fail)

    with pytest.raises(OperatorError):
        await inbox.judge("wx1", "room-1", work)
    assert await store.records.list() == [] and await inbox.find("wx1", "room-1") is None
    judge = Judge(inbox, GO)
    assert await inbox.judge("wx1", "room-1", judge) == GO and judge.asked == 1, "a repeat is judged anew"


async def test_power_that_fails_before_the_commit_leaves_nothing(store, monkeypatch):
    class PowerCut(BaseException):
        pass

    def cut(point):
        assert point == points.BEFORE_COMMIT
        raise PowerCut

    monkeypatch.setattr(points, "hook", cut)
    inbox = Inbox(store.database, store.clock)
    with pytest.raises(PowerCut):
        await inbox.store(lambda connection: GO)
    assert await inbox.find("wx1", "room-1") is None


async def test_what_is_to_be_done_is_done_once_and_swept_after_a_death(store):
    inbox = Inbox(store.database, store.clock)
    joins = Entry("wx1", "room-3", 0, "", "call-3", "out", JOIN)
    for entry in (GO, NO, joins):
        await inbox.store(lambda connection, entry=entry: entry)
    await inbox.done(GO)
    assert (await inbox.find("wx1", "room-1")).state == DONE
    assert await inbox.sweep() == 1
    assert (await inbox.find("wx1", "room-3")).state == DONE
    assert await inbox.sweep() == 0


async def test_old_entries_are_forgotten(store):
    inbox = Inbox(store.database, store.clock)
    await inbox.store(lambda connection: GO)
    store.clock.advance(KEPT_MS)
    await inbox.store(lambda connection: NO)
    assert await inbox.find("wx1", "room-1") == GO
    store.clock.advance(1)
    await inbox.sweep()
    rows = await store.database.read(lambda connection: connection.execute(select(wechat_inbox)).all())
    assert [row.room_id for row in rows] == ["room-2"]

"""The ledger: writes in order, one at a time, and no fault of the disk or of a caller goes further than the log."""

import asyncio

import pytest
from structlog.testing import capture_logs
from support.exchange import FakeRecords, settle

from tincall.errors import OperatorError
from tincall.relay.cdr import NO_FRAMES, Frames, UnknownCall
from tincall.relay.ledger import Ledger
from tincall.relay.store.faults import StoreFault


@pytest.fixture
def records():
    return FakeRecords()


async def test_writes_keep_their_order_and_nobody_waits(records):
    records.hold()
    ledger, heard = Ledger(records, "c1"), []
    ledger.opened("sn", "mum", "out", lambda done: heard.append(("opened", done)))
    ledger.ringing()
    ledger.answered("PCMA")
    ledger.ended(16, "phone", 5, NO_FRAMES, NO_FRAMES, lambda done: heard.append(("ended", done)))
    ledger.reported({"sent": 1}, {}, NO_FRAMES, NO_FRAMES, lambda done: heard.append(("reported", done)))
    await settle()
    assert records.written == [] and heard == []
    records.disk.set()
    await settle()
    assert [name for name, *_ in records.of("c1")] == ["opened", "ringing", "answered", "ended", "reported"]
    assert records.of("c1")[-1][1:3] == ({"sent": 1}, None)
    assert heard == [("opened", True), ("ended", True), ("reported", True)]


async def test_a_used_id_writes_nothing_more_and_everybody_hears(records):
    records.used.add("c1")
    ledger, heard = Ledger(records, "c1"), []
    ledger.opened("sn", "mum", "out", heard.append)
    ledger.answered("PCMA")
    ledger.ended(111, "relay", 0, NO_FRAMES, NO_FRAMES, heard.append)
    ledger.reported({}, {}, NO_FRAMES, NO_FRAMES, heard.append)
    await settle()
    assert [name for name, *_ in records.written] == ["opened"] and heard == [False, False, False]


async def test_what_the_disk_refuses_waits_with_all_that_is_known(records):
    records.fault = StoreFault("storage_full", "the disk is full", "Make room.")
    ledger, heard = Ledger(records, "c1"), []
    with capture_logs() as lines:
        ledger.opened("sn", "mum", "out", heard.append)
        ledger.ringing()
        ledger.answered("PCMA")
        await settle()
    assert [(line["event"], line["write"]) for line in lines] == [("call record has to wait", "opened")]
    assert heard == [True], "a disk that fails does not forbid the call"
    records.fault = None
    ledger.ended(16, "phone", 5, Frames(3, 2, 1), NO_FRAMES, heard.append)
    ledger.reported({"sent": 1}, {}, Frames(3, 2, 1), NO_FRAMES, heard.append)
    await settle()
    assert records.written == [], "what waits is written in order, by the backlog"
    assert heard == [True, False, False]
    assert [(call_id, is_new) for call_id, is_new, _ in records.backlog] == [("c1", True)] * 5
    now_ms = records.unix_ms()
    assert records.backlog[-1][2] == {
        "sn": "sn", "phone": "mum", "direction": "out", "state": "ended", "codec": "PCMA", "cause": 16,
        "released_by": "phone", "duration_ms": 5, "started_ms": now_ms, "ringing_ms": now_ms, "answered_ms": now_ms,
        "ended_ms": now_ms, "touched_ms": now_ms, "board_stats": {"sent": 1}, "worker_report": None,
        "up_in": 3, "up_out": 2, "up_dropped": 1, "down_in": 0, "down_out": 0, "down_dropped": 0,
    }  # fmt: skip
    assert "state" not in records.backlog[0][2]


async def test_a_record_that_was_begun_is_added_to(records):
    for begin in (True, False):  # the second: somebody else began it
        ledger = Ledger(records, "c1")
        if begin:
            ledger.opened("sn", "mum", "out", lambda _: None)
        await settle()
        records.fault = OperatorError("the disk is full")
        ledger.ringing()
        await settle()
        records.fault = None
    assert [is_new for _, is_new, _ in records.backlog] == [False, False]


async def test_a_record_that_is_gone_is_told_and_does_not_wait(records):
    records.fault = UnknownCall("there is no record of c1")
    heard = []
    with capture_logs() as lines:
        Ledger(records, "c1").ended(16, "phone", 0, NO_FRAMES, NO_FRAMES, heard.append)
        await settle()
    assert heard == [False] and records.backlog == []
    assert [line["event"] for line in lines] == ["call record is not written"]


async def test_what_is_asked_for_while_it_works_is_done_too(records):
    ledger, heard = Ledger(records, "c1"), asyncio.Event()
    ledger.opened("sn", "mum", "out", lambda _: ledger.reported({}, {}, NO_FRAMES, NO_FRAMES, lambda _: heard.set()))
    await asyncio.wait_for(heard.wait(), 5)
    assert [name for name, *_ in records.written] == ["opened", "reported"]

"""The ledger: writes in order, one at a time, and no fault of the disk or of a caller goes further than the log."""

import asyncio

import pytest
from structlog.testing import capture_logs
from support.exchange import FakeRecords, settle

from tincall.errors import OperatorError
from tincall.relay.cdr import NO_FRAMES
from tincall.relay.ledger import Ledger


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


async def test_a_disk_that_fails_is_logged_and_the_next_write_is_tried(records):
    records.fault = OperatorError("the disk is full")
    ledger, heard = Ledger(records, "c1"), []
    with capture_logs() as lines:
        ledger.opened("sn", "mum", "out", heard.append)
        ledger.ringing()
        await settle()
    assert [line["write"] for line in lines] == ["opened", "ringing"]
    assert heard == [True], "a disk that fails does not forbid the call"
    records.fault = None
    ledger.ended(16, "phone", 0, NO_FRAMES, NO_FRAMES, heard.append)
    await settle()
    assert heard == [True, True] and [name for name, *_ in records.written] == ["ended"]


async def test_what_is_asked_for_while_it_works_is_done_too(records):
    ledger, heard = Ledger(records, "c1"), asyncio.Event()
    ledger.opened("sn", "mum", "out", lambda _: ledger.reported({}, {}, NO_FRAMES, NO_FRAMES, lambda _: heard.set()))
    await asyncio.wait_for(heard.wait(), 5)
    assert [name for name, *_ in records.written] == ["opened", "reported"]

"""What boards deliver is stored once each, acknowledged once it is on the disk, and bounded."""

import asyncio

import pytest
from relay_store import Store, run
from support.exchange import Exchange, settle

from tincall.errors import OperatorError
from tincall.relay import events as subject
from tincall.relay.events import KEPT_MAX, Events


def event(n, log="L1", kind="missed", **more):
    return {"t": "event", "log": log, "n": n, "lost": 0, "at": 1_790_000_000, "kind": kind, **more}


async def delivered(events, *messages, sn="SN-1"):
    """Let a board deliver messages; gives the numbers acknowledged."""
    heard = []
    for message in messages:
        events.take(sn, message, heard.append)
        await events.close()
    return heard


def with_events(tmp_path, test):
    async def go():
        async with Store(tmp_path) as store:
            return await test(Events(store.database, store.clock), store)

    return run(go())


def test_what_comes_twice_is_acknowledged_twice_and_stored_once(tmp_path):
    async def go(events, store):
        first = event(1, call="c1", cause=690, duration_ms=1500)
        assert await delivered(events, first, first, event(2, kind="crash", text="oh")) == [1, 1, 2]
        found = await events.list("SN-1")
        assert [(one["number"], one["kind"]) for one in found] == [(2, "crash"), (1, "missed")]
        assert (found[1]["call_id"], found[1]["cause"], found[1]["duration_ms"]) == ("c1", 690, 1500)
        assert (found[0]["call_id"], found[0]["cause"], found[0]["text"]) == ("", None, "oh")
        assert (events.stored, events.repeated) == (2, 1)

    with_events(tmp_path, go)


def test_it_is_stored_once_over_a_restart_of_the_relay(tmp_path):
    async def once(events, store):
        return await delivered(events, event(1)), len(await events.list())

    assert with_events(tmp_path, once) == ([1], 1)
    assert with_events(tmp_path, once) == ([1], 1)


def test_a_new_log_of_a_board_and_another_board_begin_at_one(tmp_path):
    async def go(events, store):
        await delivered(events, event(7), event(1, log="L2"))
        await delivered(events, event(7), sn="SN-2")
        assert [(one["sn"], one["log"], one["number"]) for one in await events.list()] == [
            ("SN-2", "L1", 7), ("SN-1", "L2", 1), ("SN-1", "L1", 7),
        ]  # fmt: skip
        assert len(await events.list("SN-1")) == 2 and len(await events.list(limit=1)) == 1

    with_events(tmp_path, go)


def test_the_oldest_of_a_board_go_and_are_not_taken_again(tmp_path, monkeypatch):
    monkeypatch.setattr(subject, "KEPT_MAX", 5)
    assert KEPT_MAX == 200

    async def go(events, store):
        await delivered(events, event(1), sn="SN-2")
        await delivered(events, *(event(n) for n in range(1, 9)))
        assert [one["number"] for one in await events.list("SN-1")] == [8, 7, 6, 5, 4]
        assert await delivered(events, event(1)) == [1]
        assert len(await events.list("SN-1")) == 5 and len(await events.list("SN-2")) == 1

    with_events(tmp_path, go)


def test_what_the_disk_refuses_is_not_acknowledged_and_comes_again(tmp_path, monkeypatch):
    async def go(events, store):
        async def refuse(*_):
            raise OperatorError("no room")

        with monkeypatch.context() as patch:
            patch.setattr(store.database, "run", refuse)
            assert await delivered(events, event(1)) == []
        assert await events.list() == []
        assert await delivered(events, event(1)) == [1]
        assert len(await events.list()) == 1

    with_events(tmp_path, go)


def test_forgetting_a_board_forgets_what_it_told(tmp_path):
    async def go(events, store):
        await store.registry.enrol("SN-1", "m")
        await delivered(events, event(1))
        await delivered(events, event(1), sn="SN-2")
        await store.registry.forget("SN-1")
        assert [one["sn"] for one in await events.list()] == ["SN-2"]

    with_events(tmp_path, go)


class Slow:
    """Events whose disk answers when the test says."""

    def __init__(self):
        self.taken = []

    def take(self, sn, message, acknowledge):
        self.taken.append((sn, message, acknowledge))


@pytest.fixture
def line():
    """Give a board that was welcomed, and the events it delivers to."""
    exchange = Exchange()
    exchange.switchboard.events = Slow()
    return exchange.board(features=["events", "later"]), exchange.switchboard.events


async def test_a_board_delivers_one_after_the_other_once_it_was_agreed_on(line):
    board, events = line
    assert board.last("welcome")["features"] == ["events"]
    board.say(event(1))
    board.say(event(2))
    assert board.last("error")["about"] == "event" and len(events.taken) == 1
    sn, message, acknowledge = events.taken[0]
    assert (sn, message["n"]) == ("board-1", 1) and board.heard("event_ok") == []
    acknowledge(1)
    assert board.heard("event_ok") == [{"t": "event_ok", "n": 1}]
    board.say(event(2))
    assert len(events.taken) == 2


async def test_a_board_that_is_gone_is_not_answered(line):
    board, events = line
    board.say(event(1))
    board.vanishes()
    await settle()
    events.taken[0][2](1)
    assert board.heard("event_ok") == []


async def test_a_relay_that_keeps_no_events_and_a_board_that_has_none_agree_on_nothing():
    board = Exchange().board(features=["events"])
    assert board.last("welcome")["features"] == []
    board.say(event(1))
    assert board.last("error")["about"] == "event"
    exchange = Exchange()
    exchange.switchboard.events = Slow()
    board = exchange.board()
    assert board.last("welcome")["features"] == []
    board.say(event(1))
    assert board.last("error")["about"] == "event" and exchange.switchboard.events.taken == []


def test_closing_waits_for_what_is_under_way(tmp_path):
    async def go(events, store):
        heard = []
        events.take("SN-1", event(1), heard.append)
        await asyncio.wait_for(events.close(), 30)
        assert heard == [1]

    with_events(tmp_path, go)

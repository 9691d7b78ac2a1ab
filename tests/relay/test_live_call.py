"""A live call by itself: its table, the order of its end, and its timers; the ways of whole calls are in test_switchboard."""

import pytest
from support.exchange import Exchange, settle, talking

from callcore import causes
from callcore.compat import ticks_diff
from tincall.relay.live_call import ANSWERED, DIALLING, ENDED, FORGET_MS, LAST_WORD_MS, NEXT, RINGING


@pytest.fixture
def exchange():
    return Exchange()


def call_of(exchange, call_id="c1"):
    return exchange.switchboard._calls[call_id].call


def test_the_table_has_every_state_and_ends():
    assert set(NEXT) == {DIALLING, RINGING, ANSWERED, ENDED} and NEXT[ENDED] == {}
    assert all(target in NEXT for events in NEXT.values() for target in events.values())
    assert all("end" in events for state, events in NEXT.items() if state != ENDED)


async def test_states_in_order(exchange):
    board = exchange.board()
    board.dials()
    call = call_of(exchange)
    assert call.state == DIALLING
    await settle()
    exchange.phone.rings()
    assert call.state == RINGING
    exchange.phone.rings()
    exchange.phone.answers()
    assert call.state == ANSWERED and len(board.heard("ringing")) == 1
    exchange.phone.answers()
    assert len(board.heard("answer")) == 1
    call.end(causes.NORMAL, "relay")
    call.end(causes.BUSY, "phone")
    assert (call.state, call.cause, call.released_by) == (ENDED, causes.NORMAL, "relay")


async def test_an_answer_without_ringing_is_an_answer(exchange):
    board = exchange.board()
    board.dials()
    await settle()
    exchange.phone.answers()
    assert call_of(exchange).state == ANSWERED and board.heard("ringing") == []


async def test_events_after_the_end_are_late(exchange):
    board = exchange.board()
    board.dials()
    await settle()
    phone = exchange.phone
    call_of(exchange).end(causes.NORMAL, "relay")
    phone.rings()
    phone.answers()
    phone.ends(causes.BUSY)
    await settle()
    assert [message["t"] for message in board.texts] == ["welcome", "ended"]
    assert board.last("ended")["cause"] == causes.NORMAL


async def test_the_end_stops_media_then_the_phone_then_the_record_then_the_board(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    order = []
    call = call_of(exchange)
    exchange.records.hold()
    released = phone.release
    phone.release = lambda *more: (order.append(("phone", call._bridge.up.is_open)), released(*more))
    call.end(causes.NORMAL, "relay")
    assert order == [("phone", False)] and board.heard("ended") == []
    exchange.records.disk.set()
    await settle()
    assert len(board.heard("ended")) == 1
    assert [name for name, *_ in exchange.records.written][-1] == "ended"


async def test_it_asks_for_the_nearest_tick(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    call = call_of(exchange)
    assert 0 < ticks_diff(call.next_wake_ms(), exchange.clock.now_ms()) <= 1000
    exchange.records.hold()
    phone.ends(causes.NORMAL)
    assert ticks_diff(call.next_wake_ms(), exchange.clock.now_ms()) == LAST_WORD_MS
    exchange.records.disk.set()
    await settle()
    assert 0 < ticks_diff(call.next_wake_ms(), exchange.clock.now_ms()) <= 2000


async def test_a_worker_that_never_reports_is_forgotten_in_time(exchange):
    board = exchange.board()
    await talking(exchange, board)
    board.say({"t": "bye", "call": "c1", "cause": 16})
    await settle()
    board.reports(sent=1)
    await exchange.advance(FORGET_MS - 1000, 1000)
    assert "c1" in exchange.switchboard._calls
    await exchange.advance(1000, 1000)
    assert exchange.switchboard._calls == {}
    assert exchange.records.of("c1")[-1][1]["sent"] == 1


async def test_counters_before_the_answer_are_zeros(exchange):
    board = exchange.board()
    board.dials()
    zeros = {"in": 0, "out": 0, "dropped": 0, "after_end": 0}
    assert call_of(exchange).counters() == {"up": zeros, "down": zeros}

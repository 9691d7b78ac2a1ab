"""A board's line: one call at a time, late words, and a welcome that fits."""

import pytest
from support.exchange import PHONES, Exchange, settle, talking

from callcore import causes


@pytest.fixture
def exchange():
    return Exchange()


async def test_welcome_says_what_the_relay_is_set_to(exchange):
    welcome = Exchange(ring_ms=12_000).board().last("welcome")
    assert welcome["settings"] == {"ring_ms": 12_000} and welcome["contacts"] == PHONES
    assert welcome["now"] == exchange.clock.unix_ms() // 1000 and welcome["features"] == []


async def test_contacts_that_do_not_fit_are_left_out_of_welcome(exchange):
    exchange.switchboard.contacts = lambda sn: [{"id": f"p{i}", "name": "é" * 64} for i in range(32)]
    assert 10 < len(exchange.board().last("welcome")["contacts"]) < 32


async def test_a_board_is_told_when_it_may_call_others(exchange):
    board = exchange.board()
    exchange.switchboard.contacts = lambda sn: [{"id": "zoe", "name": "Zoe", "consent": "granted"}]
    exchange.switchboard.contacts_changed("board-1")
    exchange.switchboard.contacts_changed("board-2")
    assert board.heard("contacts") == [{"t": "contacts", "contacts": [{"id": "zoe", "name": "Zoe"}]}]
    exchange.switchboard.contacts = lambda sn: [{"id": f"p{i}", "name": "é" * 64} for i in range(40)]
    exchange.switchboard.contacts_changed("board-1")
    assert 10 < len(board.last("contacts")["contacts"]) <= 32


async def test_a_board_that_said_no_hello_or_is_gone_is_told_nothing(exchange):
    board = exchange.board()
    board.texts.clear()
    board.line.said, board.session.state = {}, "CONNECTED"
    exchange.switchboard.contacts_changed("board-1")
    assert board.texts == []
    board.vanishes()
    await settle()
    exchange.switchboard.contacts_changed("board-1")


async def test_a_word_about_a_call_that_never_was_is_an_error(exchange):
    board = exchange.board()
    board.say({"t": "bye", "call": "nothing", "cause": 16})
    assert board.last("error") == {"t": "error", "about": "bye", "reason": "there is no call nothing"}


async def test_a_word_about_a_call_that_is_long_over_is_just_late(exchange):
    board = exchange.board()
    board.dials(to="nobody")
    await settle()
    board.say({"t": "cancel", "call": "c1"})
    board.reports()
    assert board.heard("error") == [] and board.session.state == "READY"


async def test_figures_of_an_unknown_call_are_ignored(exchange):
    board = exchange.board()
    board.reports("nothing")
    assert board.heard("error") == []


async def test_a_call_id_is_not_used_twice_on_one_line(exchange):
    board = exchange.board()
    board.dials(to="nobody")
    await settle()
    board.dials()
    assert board.last("error")["about"] == "invite" and exchange.phones == []


async def test_both_call_at_the_same_moment_and_both_are_busy(exchange):
    board = exchange.board()
    call_id = exchange.switchboard.phone_calls("board-1", "mum")
    await settle()
    board.dials("mine")
    assert board.last("ended")["call"] == "mine" and board.last("ended")["cause"] == causes.BUSY
    board.say({"t": "reject", "call": call_id, "cause": causes.BUSY})
    await settle()
    assert exchange.phone.told[-1][:2] == ("release", causes.BUSY)
    board.dials("later")
    await settle()
    assert exchange.phone.offer.call_id == "later"


async def test_the_line_knows_its_current_call(exchange):
    board = exchange.board()
    assert board.line.current is None and board.line.is_ready
    phone = await talking(exchange, board)
    assert board.line.current.call_id == "c1"
    phone.ends(causes.NORMAL)
    await settle()
    assert board.line.current is None


async def test_many_calls_leave_nothing_behind(exchange):
    board = exchange.board()
    for i in range(50):
        phone = await talking(exchange, board, f"c{i}")
        phone.ends(causes.NORMAL)
        phone.reports()
        await settle()
        board.reports(f"c{i}")
        await exchange.advance(1000, 1000)
    assert board.line._legs == {} and len(board.line._over) <= 16
    assert exchange.switchboard._calls == {} and board.heard("error") == []

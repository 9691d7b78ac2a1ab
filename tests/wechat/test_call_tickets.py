"""One-time call ids: good once, for one person and one board, for a short time."""

from sqlalchemy import select

from tincall.relay.store.models import wechat_call_tickets
from tincall.wechat import call_tickets
from tincall.wechat.call_tickets import CallTickets, fault


def now_s(store):
    return store.clock.unix_ms() // 1000


async def used(store, call_id):
    return await store.database.run(call_tickets.use, call_id)


async def test_a_ticket_is_good_once(store):
    tickets = CallTickets(store.database, store.clock)
    ticket = await tickets.issue("mum", "SN-1")
    assert fault(await tickets.find(ticket.call_id), "SN-1", "mum", now_s(store)) == ""
    assert await used(store, ticket.call_id) and not await used(store, ticket.call_id)
    assert fault(await tickets.find(ticket.call_id), "SN-1", "mum", now_s(store)) == "used_call_id"


async def test_two_tickets_are_two(store):
    tickets = CallTickets(store.database, store.clock)
    one, two = [await tickets.issue("mum", "SN-1") for _ in range(2)]
    assert await used(store, one.call_id)
    assert fault(await tickets.find(two.call_id), "SN-1", "mum", now_s(store)) == ""


async def test_it_is_bound_to_person_and_board_and_ends(store):
    tickets = CallTickets(store.database, store.clock, life_s=10)
    ticket = await tickets.issue("mum", "SN-1")
    found = await tickets.find(ticket.call_id)
    assert fault(found, "SN-2", "mum", now_s(store)) == "call_id_of_another"
    assert fault(found, "SN-1", "dad", now_s(store)) == "call_id_of_another"
    assert fault(found, "SN-1", "", now_s(store)) == "", "a platform that does not say who calls"
    assert fault(None, "SN-1", "mum", now_s(store)) == "unknown_call_id"
    store.clock.advance(9_999)
    assert fault(found, "SN-1", "mum", now_s(store)) == ""
    store.clock.advance(1)
    assert fault(found, "SN-1", "mum", now_s(store)) == "expired_call_id"


async def test_only_its_owner_cancels_it_and_only_while_it_is_new(store):
    tickets = CallTickets(store.database, store.clock)
    ticket = await tickets.issue("mum", "SN-1")
    assert not await tickets.cancel(ticket.call_id, "dad")
    assert not await tickets.cancel(ticket.call_id, "")
    assert await tickets.cancel(ticket.call_id, "mum") and not await tickets.cancel(ticket.call_id, "mum")
    assert fault(await tickets.find(ticket.call_id), "SN-1", "mum", now_s(store)) == "cancelled_call_id"
    assert not await used(store, ticket.call_id)
    other = await tickets.issue("mum", "SN-1")
    assert await used(store, other.call_id) and not await tickets.cancel(other.call_id, "mum")


async def test_who_leaves_a_board_takes_no_tickets_along(store):
    tickets = CallTickets(store.database, store.clock)
    given = [await tickets.issue(*who) for who in (("mum", "SN-1"), ("mum", "SN-2"), ("dad", "SN-1"), ("mum", "SN-1"))]
    await used(store, given[3].call_id)
    assert await tickets.revoke("SN-1", "mum") == 1
    states = [(await tickets.find(one.call_id)).state for one in given]
    assert states == ["cancelled", "new", "new", "used"]
    assert await tickets.revoke("SN-1") == 1 and await tickets.revoke("SN-1") == 0


async def test_what_is_stored_calls_nobody(store):
    tickets = CallTickets(store.database, store.clock)
    ticket = await tickets.issue("mum", "SN-1")
    assert ticket.call_id not in repr(ticket)
    row = await store.database.read(lambda connection: connection.execute(select(wechat_call_tickets)).one())
    assert ticket.call_id not in str(row) and ticket.call_id.encode() not in row.id_hash
    assert await tickets.find("a" * 20) is None


async def test_old_tickets_are_swept_when_new_ones_are_given(store):
    tickets = CallTickets(store.database, store.clock, life_s=10)
    old = await tickets.issue("mum", "SN-1")
    store.clock.advance((call_tickets.KEPT_S + 9) * 1000)
    await tickets.issue("mum", "SN-1")
    assert await tickets.find(old.call_id) is not None
    store.clock.advance(2000)
    await tickets.issue("mum", "SN-1")
    assert await tickets.find(old.call_id) is None

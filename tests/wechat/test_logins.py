"""Sessions of the mini program's users."""

from sqlalchemy import select

from tincall.clock import ManualClock
from tincall.relay.store.models import wechat_people
from tincall.wechat.logins import SESSION_S, Logins


async def row(store):
    return await store.database.read(lambda connection: connection.execute(select(wechat_people)).one())


async def test_a_token_names_its_person_until_the_next_login(store):
    logins = Logins(store.database, store.clock)
    first = await logins.log_in("mum")
    assert await logins.who(first) == "mum" and await logins.who("nonsense") is None
    second, other = await logins.log_in("mum"), await logins.log_in("dad")
    assert [await logins.who(token) for token in (first, second, other)] == [None, "mum", "dad"]


async def test_what_is_stored_opens_nothing(store):
    logins = Logins(store.database, store.clock)
    token = await logins.log_in("mum")
    assert token not in str(await row(store))


async def test_a_session_ends_with_its_age_however_much_it_is_used(store):
    logins = Logins(store.database, store.clock)
    token = await logins.log_in("mum")
    for _ in range(11):
        store.clock.advance(3_600_000)
        assert await logins.who(token) == "mum"
    store.clock.advance(3_600_000 - 1)
    assert await logins.who(token) == "mum"
    store.clock.advance(1)
    assert await logins.who(token) is None
    again = await logins.log_in("mum")
    now = await row(store)
    assert await logins.who(again) == "mum" and now.seen_s - now.created_s == SESSION_S == 43_200


async def test_a_session_of_the_future_is_none(store):
    token = await Logins(store.database, ManualClock(60_000)).log_in("mum")
    assert await Logins(store.database, ManualClock(0)).who(token) is None


async def test_a_person_can_leave(store):
    logins = Logins(store.database, store.clock)
    token = await logins.log_in("mum")
    await logins.log_out("mum")
    await logins.log_out("mum")
    assert await logins.who(token) is None

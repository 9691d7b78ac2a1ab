"""Sessions of the mini program's users."""

from sqlalchemy import select

from tincall.relay.store.models import wechat_people
from tincall.wechat.logins import SEEN_EACH_S, Logins


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


async def test_a_session_that_is_used_goes_on_and_one_that_is_not_ends(store):
    logins = Logins(store.database, store.clock, session_s=3 * SEEN_EACH_S)
    token = await logins.log_in("mum")
    began = await row(store)
    for _ in range(4):
        store.clock.advance(SEEN_EACH_S * 2000)
        assert await logins.who(token) == "mum"
    now = await row(store)
    assert now.created_s == began.created_s and now.seen_s == began.seen_s + 8 * SEEN_EACH_S
    store.clock.advance(SEEN_EACH_S * 3000)
    assert await logins.who(token) is None


async def test_seen_is_not_written_at_every_look(store):
    logins = Logins(store.database, store.clock)
    token = await logins.log_in("mum")
    before = await row(store)
    store.clock.advance(SEEN_EACH_S * 1000 - 1)
    await logins.who(token)
    assert (await row(store)).seen_s == before.seen_s


async def test_a_person_can_leave(store):
    logins = Logins(store.database, store.clock)
    token = await logins.log_in("mum")
    await logins.log_out("mum")
    await logins.log_out("mum")
    assert await logins.who(token) is None

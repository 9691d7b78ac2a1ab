"""Invites: good once, for whoever came first, and nothing is learnt by trying."""

import asyncio

import pytest
from sqlalchemy import func, select

from tincall.relay.store.models import wechat_invites
from tincall.wechat.invites import ALPHABET, LIFE_MAX_S, LIFE_S, OPEN_MAX, Invites, read


async def rows(store):
    return await store.database.read(lambda connection: connection.execute(select(wechat_invites)).all())


async def test_a_code_is_good_once_and_again_for_the_same_person(store):
    invites = Invites(store.database, store.clock)
    made = await invites.make("SN-1", "Mum")
    for _ in range(2):
        used = await invites.use(made.code, "mum")
        assert (used.sn, used.name, used.code) == ("SN-1", "Mum", "")
    assert await invites.use(made.code, "dad") is None
    assert await invites.use(made.code, "") is None


async def test_two_at_once_are_one(store):
    invites = Invites(store.database, store.clock)
    made = await invites.make("SN-1")
    used = await asyncio.gather(*(invites.use(made.code, f"person-{i}") for i in range(8)))
    assert sum(one is not None for one in used) == 1


async def test_a_code_ends(store):
    invites = Invites(store.database, store.clock)
    made, short = await invites.make("SN-1"), await invites.make("SN-1", life_s=60)
    assert made.expires_s - store.clock.unix_ms() // 1000 == LIFE_S
    store.clock.advance(59_999)
    assert await invites.use(short.code, "mum") is not None
    store.clock.advance(1)
    assert await invites.use(short.code, "mum") is None
    assert await invites.use(made.code, "mum") is not None
    assert (await invites.make("SN-1", life_s=10**9)).expires_s == store.clock.unix_ms() // 1000 + LIFE_MAX_S
    store.clock.advance(LIFE_S * 1000)
    await invites.make("SN-2")
    assert len(await rows(store)) == 2, "what is over is swept"


async def test_codes_are_for_people(store):
    code = (await Invites(store.database, store.clock).make("SN-1")).code
    assert len(code) == 14 and code[4] == code[9] == "-" and set(code) <= set(ALPHABET) | {"-"}
    assert read(code.lower().replace("-", " ")) == code.replace("-", "")
    assert read("oOiI-lL00-1111") == "001111001111"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-" * 12,
        "A" * 11,
        "A" * 13,
        "A" * 1000,
        "UUUUUUUUUUUU",
        "A" * 11 + "\n",
        "\uff21" * 12,
        "\u017f" * 12,
        "A" * 11 + "\x00",
    ],
)
async def test_what_can_be_no_code_is_none(store, typed):
    assert read(typed) is None
    assert await Invites(store.database, store.clock).use(typed, "mum") is None


async def test_what_is_stored_invites_nobody(store):
    made = await Invites(store.database, store.clock).make("SN-1", "Mum")
    (row,) = await rows(store)
    assert made.code not in repr(made) + str(row) and made.code.replace("-", "").encode() not in row.code_hash


async def test_a_board_has_so_many_open_ones_and_no_more(store):
    invites = Invites(store.database, store.clock)
    made = []
    for i in range(OPEN_MAX + 3):
        made.append(await invites.make("SN-1", life_s=1000 + i))
    other = await invites.make("SN-2", life_s=10)
    count = await store.database.read(
        lambda connection: connection.execute(
            select(func.count()).select_from(wechat_invites).where(wechat_invites.c.sn == "SN-1")
        ).scalar()
    )
    assert count == OPEN_MAX
    assert [await invites.use(one.code, "mum") is not None for one in made[2:5]] == [False, True, True]
    assert await invites.use(other.code, "mum") is not None


async def test_invites_can_be_forgotten(store):
    invites = Invites(store.database, store.clock)
    mums, open_one, other = [await invites.make(sn) for sn in ("SN-1", "SN-1", "SN-2")]
    await invites.use(mums.code, "mum")
    assert await invites.forget("SN-1", "mum") == 1
    assert await invites.use(mums.code, "mum") is None
    assert await invites.use(open_one.code, "dad") is not None
    assert await invites.forget("SN-1") == 1
    assert await invites.use(other.code, "dad") is not None

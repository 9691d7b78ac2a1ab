"""The access token: one question for many, early renewal, one retry, and what is stored."""

import asyncio

import pytest

from tincall.clock import ManualClock
from tincall.wechat.token_store import StoredToken
from tincall.wechat.tokens import AGAIN_S, EARLY_S, KIND, AccessTokens, Grant, MemoryTokenStore
from tincall.wechat.vocabulary import PlatformError, failure


class Platform:
    """Gives tokens t1, t2, ... or what `refuse` says; `gate` holds it up."""

    def __init__(self):
        self.asked = 0
        self.life_s = 7200
        self.refuse = None
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self):
        self.asked += 1
        self.begun.set()
        number = self.asked
        await self.gate.wait()
        if self.refuse is not None:
            raise self.refuse
        return Grant(f"t{number}", self.life_s)


class World:
    def __init__(self, store=None):
        self.clock = ManualClock()
        self.platform = Platform()
        self.store = store or MemoryTokenStore()
        self.tokens = AccessTokens(self.platform, self.store, self.clock)

    def later(self, seconds):
        self.clock.advance(seconds * 1000)


async def test_a_hundred_at_once_ask_once():
    world = World()
    world.platform.gate.clear()
    waiting = [asyncio.create_task(world.tokens.get()) for _ in range(100)]
    await world.platform.begun.wait()
    world.platform.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"t1"}
    assert world.platform.asked == 1


async def test_one_who_gives_up_does_not_end_it_for_the_others():
    world = World()
    world.platform.gate.clear()
    first, second = asyncio.create_task(world.tokens.get()), asyncio.create_task(world.tokens.get())
    await world.platform.begun.wait()
    first.cancel()
    world.platform.gate.set()
    assert await second == "t1"
    assert world.platform.asked == 1


async def test_a_failure_is_told_to_all_who_wait_and_the_next_asks_again():
    world = World()
    world.platform.refuse = failure("token", 40164)
    found = await asyncio.gather(*(world.tokens.get() for _ in range(3)), return_exceptions=True)
    assert [one.number for one in found] == [40164] * 3
    assert world.platform.asked == 1
    world.platform.refuse = None
    assert await world.tokens.get() == "t2"


async def test_it_is_renewed_five_minutes_early():
    world = World()
    assert await world.tokens.get() == "t1"
    world.later(7200 - EARLY_S - 1)
    assert await world.tokens.get() == "t1"
    world.later(1)
    assert await world.tokens.get() == "t2"
    assert await world.tokens.get() == "t2"


async def test_a_renewal_that_fails_leaves_the_older_until_it_is_dead():
    world = World()
    await world.tokens.get()
    world.later(7200 - EARLY_S)
    world.platform.refuse = failure("token", -1)
    assert await world.tokens.get() == "t1"
    assert await world.tokens.get() == "t1"
    assert world.platform.asked == 2
    world.later(AGAIN_S)
    assert await world.tokens.get() == "t1"
    assert world.platform.asked == 3
    world.later(EARLY_S)
    with pytest.raises(PlatformError):
        await world.tokens.get()


async def test_a_short_token_is_not_asked_for_at_every_use():
    world = World()
    world.platform.life_s = 200
    assert [await world.tokens.get() for _ in range(5)] == ["t1"] * 5
    world.later(AGAIN_S)
    assert await world.tokens.get() == "t2"


@pytest.mark.parametrize("number", [40001, 40014, 42001])
async def test_a_refused_token_is_dropped_and_tried_once_more(number):
    world = World()
    used = []

    async def action(token):
        used.append(token)
        if len(used) == 1:
            raise failure("call", number)
        return "done"

    assert await world.tokens.use(action) == "done"
    assert used == ["t1", "t2"]


async def test_a_second_refusal_is_the_last():
    world = World()
    used = []

    async def action(token):
        used.append(token)
        raise failure("call", 40001)

    with pytest.raises(PlatformError) as caught:
        await world.tokens.use(action)
    assert (caught.value.number, used, world.platform.asked) == (40001, ["t1", "t2"], 2)


@pytest.mark.parametrize("number", [9, -1, 48001, 45009])
async def test_other_refusals_are_not_tried_again(number):
    world = World()

    async def action(token):
        raise failure("call", number)

    with pytest.raises(PlatformError) as caught:
        await world.tokens.use(action)
    assert (caught.value.number, world.platform.asked) == (number, 1)


async def test_many_who_are_refused_with_one_token_fetch_one_new():
    world = World()

    async def action(token):
        await asyncio.sleep(0)
        if token == "t1":
            raise failure("call", 40001)
        return token

    assert set(await asyncio.gather(*(world.tokens.use(action) for _ in range(20)))) == {"t2"}
    assert world.platform.asked == 2


async def test_a_late_refusal_of_the_older_token_leaves_the_newer():
    world = World()
    await world.tokens.get()
    world.tokens.drop("t1")
    assert await world.tokens.get() == "t2"
    world.tokens.drop("t1")
    assert await world.tokens.get() == "t2"


async def test_it_outlives_the_relay():
    store = MemoryTokenStore()
    first = World(store)
    assert await first.tokens.get() == "t1"
    second = World(store)
    second.later(3600)
    assert await second.tokens.get() == "t1"
    assert second.platform.asked == 0
    second.later(3600 - EARLY_S)
    assert await second.tokens.get() == "t1"
    assert second.platform.asked == 1


@pytest.mark.parametrize("left_s", [-10, 0, EARLY_S])
async def test_a_stored_token_near_its_end_is_renewed_at_once(left_s):
    store = MemoryTokenStore()
    world = World(store)
    await store.save(KIND, "stored", world.clock.unix_ms() // 1000 + int(left_s))
    assert await world.tokens.get() == "t1"


async def test_a_stored_token_near_its_end_serves_while_the_platform_does_not():
    store = MemoryTokenStore()
    world = World(store)
    await store.save(KIND, "stored", world.clock.unix_ms() // 1000 + 100)
    world.platform.refuse = failure("token", -1)
    assert await world.tokens.get() == "stored"
    world.later(100)
    with pytest.raises(PlatformError):
        await world.tokens.get()


async def test_a_stored_end_that_cannot_be_is_not_believed():
    store = MemoryTokenStore()
    world = World(store)
    await store.save(KIND, "stored", world.clock.unix_ms() // 1000 + 10**9)
    assert await world.tokens.get() == "stored"
    world.later(7200 - EARLY_S)
    assert await world.tokens.get() == "t1"


async def test_a_refused_stored_token_is_not_read_again():
    store = MemoryTokenStore()
    world = World(store)
    await store.save(KIND, "stored", world.clock.unix_ms() // 1000 + 5000)
    seen = []

    async def action(token):
        seen.append(token)
        if token == "stored":
            raise failure("call", 40001)

    await world.tokens.use(action)
    assert seen == ["stored", "t1"]
    assert (await store.load(KIND)).token == "t1"


async def test_a_renewal_under_way_can_be_ended():
    world = World()
    world.platform.gate.clear()
    waiting = asyncio.create_task(world.tokens.get())
    await world.platform.begun.wait()
    await world.tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await world.tokens.close()


def test_no_token_is_shown():
    assert "s3cret" not in repr(Grant("s3cret", 1)) + repr(StoredToken("s3cret", 1)) + repr(World.__new__(World))

"""Claims in memory and in the database: always the same, whoever is cancelled or fails."""

import asyncio

import pytest
from relay_store import Store, run

from tincall.relay.claims import Claims
from tincall.relay.key_box import KeyBox

BOX = KeyBox(b"k" * 32)


def stored(tmp_path, test):
    async def go():
        async with Store(tmp_path) as store:
            claims = Claims(store.database, BOX)
            await claims.load()
            return await test(store, claims)

    return run(go())


async def reread(store):
    again = Claims(store.database, BOX)
    await again.load()
    return again


def test_one_claim_for_each_device_the_newest(tmp_path):
    async def go(store, claims):
        first, secret = await claims.open("SN-1", 1, 10, 20)
        assert (len(secret), claims.secret("SN-1")) == (16, secret)
        second, other = await claims.open("SN-1", 2, 11, 21)
        assert secret != other and first.claim_id != second.claim_id
        again = await reread(store)
        assert again.get("SN-1") == claims.get("SN-1") == second
        assert again.secret("SN-1") == other

    stored(tmp_path, go)


def test_a_claim_is_bound_once_and_stays_so(tmp_path):
    async def go(store, claims):
        claim, _ = await claims.open("SN-1", 1, 10, 20)
        assert (await claims.bind(claim, "aa")).uid == "aa"
        assert (await claims.bind(claim, "bb")).uid == "aa"
        assert (await reread(store)).get("SN-1").uid == "aa"
        newer, _ = await claims.open("SN-1", 1, 10, 20)
        assert (await claims.bind(claim, "aa")).claim_id == newer.claim_id
        assert claims.get("SN-1").uid == "", "one that was replaced binds nothing"

    stored(tmp_path, go)


def test_who_goes_away_meanwhile_leaves_memory_and_disk_alike(tmp_path):
    async def go(store, claims):
        claim, _ = await claims.open("SN-1", 1, 10, 20)
        task = asyncio.create_task(claims.bind(claim, "aa"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await claims.bind(claim, "bb")).uid == "aa"
        assert (await reread(store)).get("SN-1").uid == "aa"

    stored(tmp_path, go)


def test_where_there_is_none_something_proves_nothing(tmp_path):
    async def go(store, claims):
        assert claims.get("SN-9") is None
        assert claims.candidate("SN-9").expires_s == 0
        assert len(claims.secret("SN-9")) == 16
        other = Claims(store.database, KeyBox(b"x" * 32))
        await claims.open("SN-1", 1, 10, 20)
        await other.load()
        assert other.secret("SN-1") != other.secret("SN-1"), "a secret that cannot be opened is nobody's"

    stored(tmp_path, go)

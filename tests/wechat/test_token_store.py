"""Tokens on disk: sealed, replaced whole, and no loss when they do not open."""

from sqlalchemy import select

from tincall.relay.store.models import wechat_tokens
from tincall.wechat.sealing import Sealing
from tincall.wechat.token_store import StoredToken, TokenStore


async def test_the_newest_token_of_a_kind_is_found_again(store, sealing):
    tokens = TokenStore(store.database, sealing, "wx1")
    assert await tokens.load("access") is None
    await tokens.save("access", "canary-1", 1000)
    await tokens.save("access", "canary-2", 2000)
    await tokens.save("other", "canary-3", 3000)
    assert await tokens.load("access") == StoredToken("canary-2", 2000)
    assert await TokenStore(store.database, sealing, "wx2").load("access") is None
    await tokens.forget("access")
    assert await tokens.load("access") is None and await tokens.load("other") is not None


async def test_it_lies_sealed_and_hides(store, sealing):
    tokens = TokenStore(store.database, sealing, "wx1")
    await tokens.save("access", "canary", 1000)
    row = await store.database.read(lambda connection: connection.execute(select(wechat_tokens)).one())
    assert b"canary" not in row.sealed
    assert "canary" not in repr(await tokens.load("access"))


async def test_a_token_sealed_under_another_key_counts_as_none(store, sealing):
    await TokenStore(store.database, Sealing(bytes(32)), "wx1").save("access", "canary", 1000)
    assert await TokenStore(store.database, sealing, "wx1").load("access") is None

"""Runs coroutine tests of this room in a loop of their own, and gives them an open store."""

import asyncio
import inspect

import pytest
from relay_store import KEK, Store

from tincall.wechat.sealing import Sealing

# nothing here takes long; a test that takes longer waits for something that will not come
PATIENCE_S = 30


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a test that is a coroutine function; one that wants `store` gets it open, and closed behind it."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def bounded():
        async with asyncio.timeout(PATIENCE_S):
            if isinstance(wanted.get("store"), Store):
                async with wanted["store"]:
                    await pyfuncitem.obj(**wanted)
            else:
                await pyfuncitem.obj(**wanted)

    asyncio.run(bounded())
    return True


@pytest.fixture
def store(tmp_path):
    """Give a database with devices and records over it; open inside a coroutine test."""
    return Store(tmp_path)


@pytest.fixture
def sealing():
    """Give the sealing of the store's own key."""
    return Sealing(KEK)

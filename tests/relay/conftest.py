"""Runs the relay's tests that are coroutines in a loop of their own, and gives them certificates."""

import asyncio
import inspect

import pytest
import uvloop
from support.authority import TestAuthority

# nothing here takes long; a test that takes longer waits for something that will not come
PATIENCE_S = 30


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a test that is a coroutine function, in the loop that its fixture `loop_factory` names, if it has one."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def bounded():
        async with asyncio.timeout(PATIENCE_S):
            await pyfuncitem.obj(**wanted)

    with asyncio.Runner(loop_factory=pyfuncitem.funcargs.get("loop_factory")) as runner:
        runner.run(bounded())
    return True


@pytest.fixture(params=["asyncio", "uvloop"])
def loop_factory(request):
    """Run the test in both event loops."""
    return uvloop.new_event_loop if request.param == "uvloop" else None


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Give a private authority."""
    return TestAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificate(authority):
    """Give its server certificate for 127.0.0.1, and the key."""
    return authority.server()

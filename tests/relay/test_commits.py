"""Commits go to their end whoever waits for them, one after the other."""

import asyncio

import pytest

from tincall.relay.commits import Commits


async def test_a_commit_outlives_the_one_who_waits():
    commits, go, done = Commits(), asyncio.Event(), []

    async def write():
        async with commits.writing:
            await go.wait()
            done.append("written")

    waiting = asyncio.create_task(commits.whole(write()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()
    async with commits.writing:
        assert done == ["written"]


async def test_it_gives_what_the_work_gives_and_its_error():
    async def fail():
        raise ValueError("full")

    async def give():
        return 7

    commits = Commits()
    assert await commits.whole(give()) == 7
    with pytest.raises(ValueError, match="full"):
        await commits.whole(fail())

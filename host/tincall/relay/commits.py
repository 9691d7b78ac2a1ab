"""Commits of those who keep a memory beside the database: one after the other, and each to its end.

A writer holds `writing` from looking at its memory until the memory agrees with what was committed. Whoever waits for it may be
cancelled, as a request whose connection is lost is; the commit and what the memory has to learn of it are not.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


class Commits:
    """The commits of one memory.

    Attributes:
        writing: held by the writer whose turn it is.
    """

    def __init__(self) -> None:
        self.writing = asyncio.Lock()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def whole(self, work: Coroutine[Any, Any, R]) -> R:
        """Do work to its end, even if the one who waits is cancelled; gives what it gives."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

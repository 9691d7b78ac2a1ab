"""A database, a registry and records over it, for tests of the relay; one event loop for each test."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from tincall.clock import ManualClock
from tincall.relay.cdr import Records
from tincall.relay.issuer import Issue
from tincall.relay.registry import Registry
from tincall.relay.store.engine import Database

R = TypeVar("R")
KEK = bytes(range(100, 132))


class Store:
    """An open database with what stands on it; use as `async with`.

    Args:
        folder: where the file is.
        kek: key-encryption key.
        issue: makes certificates of boards.
    """

    def __init__(self, folder: Path, kek: bytes = KEK, issue: Issue | None = None) -> None:
        self.path = folder / "tincall.db"
        self.clock = ManualClock()
        self._kek = kek
        self._issue = issue

    async def __aenter__(self) -> Store:
        self.database = Database.open(self.path)
        self.registry = Registry(self.database, self._kek, self.clock, issue=self._issue)
        self.records = Records(self.database, self.clock)
        try:
            await self.registry.load()
        except BaseException:
            await self.database.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.database.close()


def run(work: Coroutine[Any, Any, R]) -> R:
    """Run a test's coroutine in a loop of its own, with a bound on how long it may take."""
    return asyncio.run(asyncio.wait_for(work, 60))

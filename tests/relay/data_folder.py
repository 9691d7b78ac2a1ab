"""A data folder with boards and calls in it, and what can be asked of one, for tests of backups; kills at named steps."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relay_store import run

from tincall.cli import init
from tincall.clock import ManualClock
from tincall.relay import authority
from tincall.relay.cdr import Records
from tincall.relay.registry import Registry
from tincall.relay.store.engine import Database
from tincall.settings import DataFolder


def make(root: Path, *boards: str) -> DataFolder:
    """Make a folder as `tincall init` does, with some boards and a call of each."""
    folder = DataFolder(root)
    init.make(folder, [])
    run(_fill(folder, boards))
    return folder


async def _fill(folder: DataFolder, boards: tuple[str, ...]) -> None:
    database = Database.open(folder.database)
    registry = Registry(database, authority.load_kek(folder), ManualClock())
    records = Records(database, ManualClock())
    await registry.load()
    for sn in boards:
        await registry.enrol(sn, "m", key=sn.encode().ljust(32, b"."))
        await records.opened(f"call-of-{sn}", sn, "alice", "out")
        await records.ended(f"call-of-{sn}", 16, "device", 0)
    await database.close()


def holds(folder: DataFolder) -> dict[str, Any]:
    """Tell what a relay finds: boards with their keys, and calls."""

    async def ask() -> dict[str, Any]:
        database = Database.open(folder.database, must_exist=True)
        registry = Registry(database, authority.load_kek(folder), ManualClock())
        await registry.load()
        calls = [record["call_id"] for record in await Records(database, ManualClock()).list()]
        keys = {device.sn: registry.key(device.sn, device.kv) for device in registry.list()}
        await database.close()
        return {"keys": keys, "calls": sorted(calls)}

    return run(ask())


def of(*boards: str) -> dict[str, Any]:
    """Tell what `holds` gives for a folder with these boards."""
    return {
        "keys": {sn: sn.encode().ljust(32, b".") for sn in boards},
        "calls": sorted(f"call-of-{sn}" for sn in boards),
    }


def killed_at(number: int, work: Callable[[Callable[[str], None]], object]) -> bool:
    """Do `work(reached)` in a process of its own that kills itself at its step of that number, from 0.

    Returns:
        False: it ended before it came there.
    """
    child = os.fork()
    if child == 0:
        steps = 0

        def reached(step: str) -> None:
            nonlocal steps
            if steps == number:
                os.kill(os.getpid(), signal.SIGKILL)
            steps += 1

        try:
            work(reached)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

"""What boards kept while their link was down and delivered since: stored once each, whatever comes twice.

A board numbers its entries in a log that has a name; erasing its memory begins another log. It delivers them in order and
again until they are acknowledged, which is after the commit. So an entry is new when its number is above every number that
is stored of this board and log. If power fails, an entry is stored whole or not at all, and comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay.store.engine import Database
from tincall.relay.store.models import board_events

FEATURE = "events"
# of one board, the newest: a board that loses its link twice a day has told three months of it
KEPT_MAX = 200
LIST_MAX = 1000

Stored = Callable[[int], None]

log = get("relay.events")


class Events:
    """The events of all boards.

    Args:
        database: open, with this version's schema.
        clock: the time.

    Attributes:
        stored: entries stored since this relay began.
        repeated: entries that came again.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self.stored = self.repeated = 0
        self._database = database
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, sn: str, message: dict[str, Any], acknowledge: Stored) -> None:
        """Store what a board delivers, and then call `acknowledge` with its number; never when it could not be stored.

        Args:
            sn: serial number of the board.
            message: its `event`.
            acknowledge: called from the loop, once the entry is on the disk.
        """
        task = asyncio.get_running_loop().create_task(self._take(sn, message, acknowledge))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def list(self, sn: str = "", limit: int = KEPT_MAX) -> list[dict[str, Any]]:
        """Give the newest events, of one board or of all.

        Args:
            sn: serial number; empty: all boards.
            limit: how many at most, 1 to LIST_MAX.
        """
        return await self._database.read(_read, sn, limit)

    async def close(self) -> None:
        """Finish what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _take(self, sn: str, message: dict[str, Any], acknowledge: Stored) -> None:
        try:
            is_new = await self._database.run(_store, sn, message, self._clock.unix_ms())
        except OperatorError as error:
            log.warning("an event of a board waits", sn=sn, reason=error.message)  # the board has it, and comes again
            return
        if is_new:
            self.stored += 1
            log.info("event of a board", sn=sn, kind=message["kind"], number=message["n"], lost=message["lost"])
        else:
            self.repeated += 1
        acknowledge(message["n"])


def erase(connection: Connection, sn: str) -> None:
    """Forget a board's events; for the transaction that forgets the board."""
    connection.execute(delete(board_events).where(board_events.c.sn == sn))


def _store(connection: Connection, sn: str, message: dict[str, Any], now_ms: int) -> bool:
    """Store an entry if it is new, and drop the board's oldest beyond the bound; tells whether it was new."""
    own = board_events.c.sn == sn
    newest = select(func.max(board_events.c.number)).where(own & (board_events.c.log == message["log"]))
    if message["n"] <= (connection.execute(newest).scalar() or 0):
        return False
    row = {
        "sn": sn,
        "log": message["log"],
        "number": message["n"],
        "kind": message["kind"],
        "at_s": message["at"],
        "received_ms": now_ms,
        "lost": message["lost"],
        "call_id": message.get("call", ""),
        "cause": message.get("cause"),
        "duration_ms": message.get("duration_ms"),
        "text": message.get("text", ""),
    }
    connection.execute(insert(board_events).values(row))
    ranks = select(board_events.c.id).where(own).order_by(board_events.c.id.desc()).limit(KEPT_MAX)
    connection.execute(delete(board_events).where(own & board_events.c.id.not_in(ranks)))
    return True


def _read(connection: Connection, sn: str, limit: int) -> list[dict[str, Any]]:
    wanted = select(board_events).order_by(board_events.c.id.desc()).limit(limit)
    if sn:
        wanted = wanted.where(board_events.c.sn == sn)
    return [{key: value for key, value in row._mapping.items() if key != "id"} for row in connection.execute(wanted)]

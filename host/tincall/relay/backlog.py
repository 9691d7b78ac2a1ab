"""Call records that the disk refused: kept in memory, written once it takes them again, or loudly counted as lost.

Rules of this file:

- Media never waits for a disk, and neither does a call; only its record does, here.
- One entry a call, with all that is known of it and its own times; what is learnt later is added.
- The oldest goes first. As long as one is refused the others need not be tried; `RETRY_S` later they are.
- At most `KEPT_MAX` wait. What does not fit, or is still here when the relay ends, is lost: counted in `lost`, and an error in
  the log that names the call. A relay that is killed meanwhile cannot count; what waited is gone.
- A record of another call with the same id is never touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay.store.engine import Database
from tincall.relay.store.models import CALL_STATES, calls

RETRY_S = 2.0  # a person who made room looks for the records soon after
KEPT_MAX = 10_000  # some 2 KB each, and a day of calls for most
# what may be added to a record that has ended
AFTER_END = ("board_stats", "worker_report", "up_in", "up_out", "up_dropped", "down_in", "down_out", "down_dropped")
PARTIES = ("sn", "phone", "direction")
NOTHING_YET = dict.fromkeys(AFTER_END[2:], 0) | {"codec": "", "state": CALL_STATES[0]}

WRITTEN, FOREIGN, NO_RECORD = "written", "the id is another call's", "there is no record to add to"
AGAINST_RULES = "it breaks a rule of the tables"

log = get("relay.backlog")


@dataclass(slots=True)
class _Late:
    """What is known of a call whose record waits."""

    is_new: bool
    facts: dict[str, Any] = field(default_factory=dict)


class Backlog:
    """The records that wait.

    Args:
        database: open.
        sleep: waits some seconds.
    """

    def __init__(self, database: Database, sleep: Callable[[float], Any] = asyncio.sleep) -> None:
        self.lost = 0
        self._database = database
        self._sleep = sleep
        self._late: dict[str, _Late] = {}
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Count the records that wait."""
        return len(self._late)

    def put(self, call_id: str, is_new: bool, facts: dict[str, Any]) -> None:
        """Keep what is known of a call, and write it as soon as that goes.

        Args:
            call_id: whose record.
            is_new: the record was not begun on disk; then `facts` have all that `opened` writes.
            facts: columns of the record.
        """
        late = self._late.setdefault(call_id, _Late(is_new))
        late.facts |= facts
        if len(self._late) > KEPT_MAX:
            oldest = next(iter(self._late))
            del self._late[oldest]
            self._lose(oldest, "too many wait")
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Try once more, and count what is still refused as lost."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self._write_all()
        for call_id in self._late:
            self._lose(call_id, "the relay ends")
        self._late.clear()

    async def _work(self) -> None:
        while not await self._write_all():
            await self._sleep(RETRY_S)
        self._task = None

    async def _write_all(self) -> bool:
        """Write the oldest until one is refused; True: none is left."""
        while self._late:
            call_id, late = next(iter(self._late.items()))
            facts = dict(late.facts)
            try:
                outcome = await self._database.run(_write, call_id, late.is_new, facts)
            except IntegrityError:
                outcome = AGAINST_RULES  # our bug; it must not keep the others waiting
            except OperatorError as error:
                log.warning("call records wait", records=len(self._late), reason=error.message)
                return False
            late.is_new = False
            if self._late.get(call_id) is not late:
                continue  # it was lost while it was written, since too many wait
            if outcome != WRITTEN:
                del self._late[call_id]
                self._lose(call_id, outcome)
            elif late.facts == facts:
                del self._late[call_id]
                log.info("a call record is written late", call=call_id)
        return True

    def _lose(self, call_id: str, why: str) -> None:
        self.lost += 1
        log.error("a call record is lost", call=call_id, why=why, lost=self.lost)


def _write(connection: Connection, call_id: str, is_new: bool, facts: dict[str, Any]) -> str:
    """Bring a record to what is known; it is begun if it was not."""
    row = connection.execute(select(calls).where(calls.c.call_id == call_id)).first()
    if row is None:
        if not is_new:
            return NO_RECORD
        connection.execute(insert(calls).values({**NOTHING_YET, **facts, "call_id": call_id}))
        return WRITTEN
    its_own = row.state != CALL_STATES[-1] and all(row._mapping[name] == facts.get(name) for name in PARTIES)
    if is_new and not its_own:  # its own: the disk took what it said it had refused
        return FOREIGN
    if row.state == CALL_STATES[-1]:
        facts = {name: value for name, value in facts.items() if name in AFTER_END}
    elif CALL_STATES.index(facts.get("state", row.state)) < CALL_STATES.index(row.state):
        facts = {name: value for name, value in facts.items() if name != "state"}
    if facts:
        connection.execute(update(calls).where(calls.c.call_id == call_id).values(facts))
    return WRITTEN

"""A push's verdict, exactly once: whoever asks again hears what was answered the first time.

A push is known by appid and room. Its row, all that it brings about (call record, open room, used ticket) and what is still
to be done about it are one transaction: if power fails, a later reader finds all of it or nothing, and a push of which
nothing was found is judged anew when the platform repeats it. Repeats that come while the first is being judged wait for
that one judgement. What was still to be done when a relay died is not done any more, since its calls are over: the open
rooms are hung up instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from tincall.clock import Clock
from tincall.logs import get
from tincall.relay.store.engine import Database
from tincall.relay.store.models import INBOX_STATES, wechat_inbox
from tincall.wechat import points

RING, JOIN, DONE = INBOX_STATES
# the platform repeats within a minute; a day is for people who read the table
KEPT_MS = 86_400_000

log = get("wechat.inbox")


@dataclass(frozen=True, slots=True)
class Entry:
    """A push and its verdict; see the table `wechat_inbox`."""

    appid: str
    room_id: str
    verdict: int
    reason: str = ""
    call_id: str = ""
    direction: str = ""
    state: str = DONE


# decides in the transaction, and does there what the verdict brings about
Decide = Callable[[Connection], Entry]


class Inbox:
    """The pushes that this relay has judged.

    Args:
        database: open, with this version's schema.
        clock: the time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._flying: dict[tuple[str, str], asyncio.Task[Entry]] = {}

    async def judge(self, appid: str, room_id: str, work: Callable[[], Awaitable[Entry]]) -> Entry:
        """Give the verdict about a push, judging it if nobody has.

        Args:
            appid: of the mini program.
            room_id: as the push names it.
            work: judges a push that is new and stores its entry by `store`; goes on though nobody waits for it any more.

        Raises:
            OperatorError: the database failed; nothing is stored, and a repeat is judged anew.
        """
        key = (appid, room_id)
        task = self._flying.get(key)
        if task is None:
            task = self._flying[key] = asyncio.get_running_loop().create_task(self._judge(appid, room_id, work))
            task.add_done_callback(lambda _: self._flying.pop(key, None))
        return await asyncio.shield(task)

    async def store(self, decide: Decide) -> Entry:
        """Store a new entry and what it brings about, in one transaction.

        Raises:
            OperatorError: the database failed; nothing is stored.
        """
        return await self._database.run(_store, decide, self._clock.unix_ms())

    async def find(self, appid: str, room_id: str) -> Entry | None:
        """Look up a push; None: it was not judged, or long ago."""
        return await self._database.read(_find, appid, room_id)

    async def done(self, entry: Entry) -> None:
        """Note that nothing more is to be done about a push; if power fails, the next relay's sweep notes it."""
        await self._database.run(_done, entry.appid, entry.room_id)

    async def sweep(self) -> int:
        """Close what a relay that died had still to do, and forget what is old; called once, before the first push.

        Returns:
            How many pushes were closed.
        """
        return await self._database.run(_sweep, self._clock.unix_ms())

    async def _judge(self, appid: str, room_id: str, work: Callable[[], Awaitable[Entry]]) -> Entry:
        before = await self.find(appid, room_id)
        if before is not None:
            log.info("a push is repeated", room_id=room_id, call=before.call_id, verdict=before.verdict)
            return before
        return await work()


def _here(appid: str, room_id: str) -> ColumnElement[bool]:
    return (wechat_inbox.c.appid == appid) & (wechat_inbox.c.room_id == room_id)


def _find(connection: Connection, appid: str, room_id: str) -> Entry | None:
    row = connection.execute(select(wechat_inbox).where(_here(appid, room_id))).first()
    if row is None:
        return None
    return Entry(row.appid, row.room_id, row.verdict, row.reason, row.call_id, row.direction, row.state)


def _store(connection: Connection, decide: Decide, now_ms: int) -> Entry:
    entry = decide(connection)
    connection.execute(delete(wechat_inbox).where(wechat_inbox.c.received_ms < now_ms - KEPT_MS))
    connection.execute(insert(wechat_inbox).values(received_ms=now_ms, **asdict(entry)))
    points.reached(points.BEFORE_COMMIT)
    return entry


def _done(connection: Connection, appid: str, room_id: str) -> None:
    connection.execute(update(wechat_inbox).where(_here(appid, room_id)).values(state=DONE))


def _sweep(connection: Connection, now_ms: int) -> int:
    connection.execute(delete(wechat_inbox).where(wechat_inbox.c.received_ms < now_ms - KEPT_MS))
    return connection.execute(update(wechat_inbox).where(wechat_inbox.c.state != DONE).values(state=DONE)).rowcount

"""Rooms that were accepted and are not known to be over: in each of them a phone may ring or wait.

A room's row is written in the transaction that accepts the push, and removed when the room is known to be over. What is
left when a relay starts, and what a worker left behind when it died, is hung up by a worker of its own, so that no phone
rings for ever. If power fails at any moment, a room that may be open has its row.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from callcore import causes
from callcore.errors import CallError
from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.leg import IN, CallOffer, Leg, Media, Nobody
from tincall.logs import get
from tincall.relay.store.engine import Database
from tincall.relay.store.models import wechat_rooms
from tincall.wechat.sealing import Sealing
from tincall.wechat.vocabulary import Reason, is_over, status_name
from tincall.worker.leg import WorkerLeg

TABLE = "wechat_rooms"
# the platform ends a room in which nobody is by itself; a day later there is nothing left to hang up
OLDEST_MS = 86_400_000
ATTEMPTS = 3
FIRST_WAIT_S = 1.0
HANG_UP_S = 30.0  # a worker that starts cold, joins and hangs up takes a few seconds
AT_ONCE = 4  # each hang-up has a process of its own
STOP_S = 5.0

Workers = Callable[[Mapping[str, Any]], Awaitable[WorkerLeg]]

log = get("wechat.rooms")


@dataclass(frozen=True, slots=True)
class Room:
    """A room as the push named it; see the table `wechat_rooms`."""

    appid: str
    room_id: str
    call_id: str
    sn: str
    model_id: str
    direction: str
    room_type: str
    server_token: str = field(repr=False)
    session_key: str = field(repr=False)
    payload: str = field(repr=False)
    opened_ms: int
    is_joined: bool = False

    def fields(self) -> dict[str, Any]:
        """Give the room as a worker wants to hear of it; see `tincall.worker.room.ROOM`."""
        names = ("room_id", "session_key", "server_token", "payload", "room_type", "model_id", "sn")
        return {name: getattr(self, name) for name in names}


class Rooms:
    """The open rooms of this relay.

    Args:
        database: open, with this version's schema.
        sealing: under the key-encryption key.
        clock: the time.
        workers: gives a worker for a phone that is met in a room; raises CallError.
    """

    def __init__(self, database: Database, sealing: Sealing, clock: Clock, workers: Workers) -> None:
        self._database = database
        self._sealing = sealing
        self._clock = clock
        self._workers = workers
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)

    def row(self, room: Room) -> dict[str, Any]:
        """Give a room's row, its secrets sealed, for `insert_row`."""
        secrets = {"server_token": room.server_token, "session_key": room.session_key, "payload": room.payload}
        return {
            "appid": room.appid,
            "room_id": room.room_id,
            "call_id": room.call_id,
            "sn": room.sn,
            "model_id": room.model_id,
            "direction": room.direction,
            "room_type": room.room_type,
            "is_joined": int(room.is_joined),
            "sealed": self._sealing.seal(json.dumps(secrets).encode(), TABLE, room.appid, room.room_id),
            "opened_ms": room.opened_ms,
        }

    async def open(self) -> list[Room]:
        """Give the rooms that are open as far as is known; rows that do not open are removed with a word in the log."""
        found = []
        for row in await self._database.read(lambda connection: connection.execute(select(wechat_rooms)).all()):
            try:
                found.append(self._room(row))
            except OperatorError as error:
                log.error("a room cannot be hung up", call=row.call_id, reason=error.message)
                await self._database.run(_delete, row.appid, row.room_id)
        return found

    def joined(self, room: Room) -> None:
        """Note that from here on a worker may be in the room; not waited for."""
        self._keep(self._write(_mark_joined, room))

    def over(self, room: Room) -> None:
        """Note that a room is over; not waited for."""
        self._keep(self._write(_delete, room))

    def abandon(self, room: Room) -> None:
        """Have a room hung up by a worker of its own; not waited for."""
        self._keep(self._hang_up(room))

    async def sweep(self) -> int:
        """Begin to hang up what a relay that died left open; called once, before the first push is taken.

        Returns:
            How many rooms there are.
        """
        rooms = await self.open()
        oldest_ms = self._clock.unix_ms() - OLDEST_MS
        for room in rooms:
            if room.opened_ms < oldest_ms:
                self.over(room)
            else:
                self.abandon(room)
        return len(rooms)

    async def stop(self) -> None:
        """Wait for hang-ups and writes that are under way; what is not done in time is left to the next start."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_S)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _hang_up(self, room: Room) -> None:
        note = log.bind(call=room.call_id, sn=room.sn, room_id=room.room_id)
        for attempt in range(ATTEMPTS):
            try:
                async with self._turns, asyncio.timeout(HANG_UP_S):
                    is_done = await self._try_hang_up(room, by_joining=attempt > 0 or room.is_joined)
            except (CallError, TimeoutError) as error:
                note.warning("a room is not hung up yet", reason=str(error) or "no end in time", attempt=attempt + 1)
            else:
                if is_done:
                    note.info("a room that was left open is hung up", direction=room.direction)
                    await self._write(_delete, room)
                    return
                note.warning("a room is not hung up yet", reason="the worker failed", attempt=attempt + 1)
            await asyncio.sleep(FIRST_WAIT_S * 2**attempt)
        note.error("a room is left open; it is tried again at the next start", attempts=ATTEMPTS)

    async def _try_hang_up(self, room: Room, by_joining: bool) -> bool:
        """Let one worker end a room; tells whether it came to an orderly end.

        Args:
            room: which.
            by_joining: join and hang up; else decline, which only a room that a phone opened and nobody joined allows.
        """
        leg = await self._workers({"room": room.fields()})
        closer = _Closer(leg)
        # no media ever flows: the numbers only have to be there
        offer = CallOffer(room.call_id, room.direction, room.sn, "", Media("PCMA", 20, 1, 2), int(HANG_UP_S * 1000))
        if room.direction == IN and not by_joining:
            leg.place(offer)
        else:
            leg.invite(offer)
        leg.release(causes.NORMAL, "relay", 0, reason=int(Reason.MANUAL if by_joining else Reason.REJECT))
        return await closer.ended

    def _room(self, row: Row[Any]) -> Room:
        secrets = json.loads(self._sealing.open(row.sealed, TABLE, row.appid, row.room_id))
        return Room(
            row.appid,
            row.room_id,
            row.call_id,
            row.sn,
            row.model_id,
            row.direction,
            row.room_type,
            secrets["server_token"],
            secrets["session_key"],
            secrets["payload"],
            row.opened_ms,
            bool(row.is_joined),
        )

    async def _write(self, work: Callable[[Connection, str, str], None], room: Room) -> None:
        try:
            await self._database.run(work, room.appid, room.room_id)
        except OperatorError as error:
            # the row stays: the room is hung up once more at the next start, which does no harm
            log.error("an open room is not noted", call=room.call_id, reason=error.message)

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Closer(Nobody):
    """Watches a worker that only hangs up.

    Attributes:
        ended: done with whether the room is over: the worker came to its report in order, or the platform said so.
    """

    def __init__(self, leg: WorkerLeg) -> None:
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._is_over = False
        leg.observer = self
        leg.on_status = self._status

    def _status(self, number: int) -> None:
        log.debug("status of a room that is hung up", number=number, status=status_name(number))
        self._is_over = self._is_over or is_over(number)

    def leg_reported(self, leg: Leg, report: dict[str, Any]) -> None:
        """Hear that the worker is done, or dead."""
        if not self.ended.done():
            self.ended.set_result(self._is_over or is_orderly(report))


def is_orderly(report: Mapping[str, Any]) -> bool:
    """Tell whether a worker's report says that it ended its room: it is there, and names no failure."""
    return bool(report) and "error" not in report


def insert_row(connection: Connection, row: Mapping[str, Any]) -> None:
    """Write an accepted room in the caller's transaction."""
    connection.execute(insert(wechat_rooms).values(**row))


def _here(appid: str, room_id: str) -> Any:
    return (wechat_rooms.c.appid == appid) & (wechat_rooms.c.room_id == room_id)


def _delete(connection: Connection, appid: str, room_id: str) -> None:
    connection.execute(delete(wechat_rooms).where(_here(appid, room_id)))


def _mark_joined(connection: Connection, appid: str, room_id: str) -> None:
    connection.execute(update(wechat_rooms).where(_here(appid, room_id)).values(is_joined=1))

"""Call records: one row a call, from its first moment to its one end.

A record only goes forward: dialling, ringing, answered, ended. What is already past is passed over and answered with
False, so a repeated or late event changes nothing; `ended` takes effect exactly once. Old or new: each function stores
its whole change or nothing, so after a power cut or a kill a reader finds the record before it or after it. Calls whose
process died are closed by `sweep` at the next start, so no record stays open for ever; they lasted as long as `touched`
wrote last, by a clock that never jumps. What the disk refuses goes to the backlog, see there.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from callcore.causes import TEMPORARY_FAILURE
from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.relay.backlog import Backlog
from tincall.relay.store import faults
from tincall.relay.store.engine import Database
from tincall.relay.store.models import CALL_STATES, calls

LIST_MAX = 1000


@dataclass(frozen=True, slots=True)
class Frames:
    """One direction's media packets through the bridge: `came` = `went` + `dropped`."""

    came: int = 0
    went: int = 0
    dropped: int = 0


NO_FRAMES = Frames()


class UnknownCall(OperatorError):
    """There is no record of that call."""


class Records:
    """The call records of this relay; `sweep` before the first call.

    Args:
        database: open, with this version's schema.
        clock: the time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._talking_s: dict[str, float] = {}  # when each live call was answered
        self.backlog = Backlog(database)

    def unix_ms(self) -> int:
        """Give the time of this moment as records have it."""
        return self._clock.unix_ms()

    def late(self, call_id: str, is_new: bool, facts: dict[str, Any]) -> None:
        """Keep what the disk refused of a call's record, see `Backlog.put`; nothing is waited for."""
        self.backlog.put(call_id, is_new, facts)

    async def close(self) -> None:
        """Write what waits for room if there is room now; what is lost is told in the log."""
        await self.backlog.close()

    async def sweep(self) -> int:
        """Close every call that a dead process left open: cause 41, released by the relay, ended when last written.

        Its duration is the one that was written last, at most one beat of `heartbeat` shorter than the talk was.

        Returns:
            How many there were.
        """
        return await self._database.run(_sweep)

    async def opened(self, call_id: str, sn: str, phone: str, direction: str) -> bool:
        """Begin a record; if power fails, it is there or not.

        Args:
            call_id: at most 64 characters, never used before.
            sn: serial number of the board.
            phone: id of the phone.
            direction: `out` (the board calls) or `in`.

        Returns:
            False if there is one of that id; it stays as it is.
        """
        return await self._database.run(open_record, call_id, sn, phone, direction, self._clock.unix_ms())

    async def ringing(self, call_id: str) -> bool:
        """Note that the far end rings; if power fails, it is noted or not.

        Returns:
            False if the record was already there or further.

        Raises:
            UnknownCall: no such record.
        """
        now_ms = self._clock.unix_ms()
        return await self._database.run(_forward, call_id, "ringing", {"ringing_ms": now_ms, "touched_ms": now_ms})

    async def answered(self, call_id: str, codec: str) -> bool:
        """Note the answer and the codec chosen; if power fails, both are noted or neither.

        Returns:
            False if the record was already there or further.

        Raises:
            UnknownCall: no such record.
        """
        now_ms = self._clock.unix_ms()
        self._talking_s.setdefault(call_id, self._clock.monotonic_s())
        values = {"answered_ms": now_ms, "touched_ms": now_ms, "codec": codec}
        return await self._database.run(_forward, call_id, "answered", values)

    async def ended(
        self,
        call_id: str,
        cause: int,
        released_by: str,
        duration_ms: int,
        up: Frames = NO_FRAMES,
        down: Frames = NO_FRAMES,
    ) -> bool:
        """Close a record, exactly once; if power fails, it is closed whole or open as it was.

        Args:
            call_id: whose record.
            cause: Q.850 number.
            released_by: `device`, `phone` or `relay`.
            duration_ms: answer to end by a monotonic clock, 0 when never answered.
            up: packets board to phone.
            down: packets phone to board.

        Returns:
            True for the call of this function that closed it, False for every later one.

        Raises:
            UnknownCall: no such record.
        """
        now_ms = self._clock.unix_ms()
        self._talking_s.pop(call_id, None)
        values = {
            "ended_ms": now_ms,
            "touched_ms": now_ms,
            "cause": cause,
            "released_by": released_by,
            "duration_ms": duration_ms,
            **frame_columns(up, down),
        }
        return await self._database.run(_forward, call_id, "ended", values)

    async def reported(
        self,
        call_id: str,
        board_stats: dict[str, Any] | None = None,
        worker_report: dict[str, Any] | None = None,
        up: Frames | None = None,
        down: Frames | None = None,
    ) -> None:
        """Add what the two ends and the bridge counted, during the call or after it; the last report of each wins.

        If power fails, the reports are the old ones or the new ones.

        Raises:
            UnknownCall: no such record.
        """
        values: dict[str, Any] = {"touched_ms": self._clock.unix_ms()}
        if board_stats is not None:
            values["board_stats"] = board_stats
        if worker_report is not None:
            values["worker_report"] = worker_report
        if up is not None and down is not None:
            values |= frame_columns(up, down)
        await self._database.run(_report, call_id, values)

    async def phone_told(self, call_id: str, report: dict[str, Any]) -> None:
        """Add what the phone itself told about a call, to what it told before; it may come long after the end.

        If power fails, the report is the old one or the new one.

        Args:
            call_id: whose record.
            report: few and short values, since they come from a stranger's phone.

        Raises:
            UnknownCall: no such record.
        """
        await self._database.run(_phone_told, call_id, report)

    async def touched(self, calls: dict[str, tuple[dict[str, int], dict[str, int]]]) -> None:
        """Note that calls go on, with talk and packets so far, in one transaction; those that have ended are passed over.

        If power fails, all of it is noted or nothing.

        Args:
            calls: packets up and down, each with `in`, `out` and `dropped`, by call id.
        """
        now_ms = self._clock.unix_ms()
        so_far: dict[str, dict[str, int]] = {}
        for call_id, (up, down) in calls.items():
            so_far[call_id] = frame_columns(_frames(up), _frames(down))
            if call_id in self._talking_s:
                so_far[call_id]["duration_ms"] = round((self._clock.monotonic_s() - self._talking_s[call_id]) * 1000)
        await self._database.run(_touch, so_far, now_ms)

    async def get(self, call_id: str) -> dict[str, Any]:
        """Give one record as JSON can have it.

        Raises:
            UnknownCall: no such record.
        """
        row = await self._database.read(_get, call_id)
        if row is None:
            raise UnknownCall(f"There is no record of call {call_id}.", "`tincall calls` lists them.")
        return public(row)

    async def list(self, limit: int = 50, sn: str = "") -> list[dict[str, Any]]:
        """Give the newest records, newest first.

        Args:
            limit: 1 to `LIST_MAX`.
            sn: only this board's, if given.
        """
        return [public(row) for row in await self._database.read(_list, min(limit, LIST_MAX), sn)]

    async def ready(self) -> None:
        """See that records can be written: there is room, none waits for room, and a writing transaction can begin.

        Raises:
            StoreFault: they cannot.
        """
        if not faults.has_room(self._database.path.parent):
            raise faults.no_room(self._database.path)
        if len(self.backlog):
            raise faults.waiting(self._database.path, len(self.backlog))
        await self._database.run(lambda connection: connection.execute(select(1)).scalar())


def public(row: Row[Any]) -> dict[str, Any]:
    """Turn a row into the API's form of a record."""
    flat = dict(row._mapping)
    record = {name: flat[name] for name in ("call_id", "sn", "phone", "direction", "state", "codec")}
    record |= {name: flat[name] for name in ("started_ms", "ringing_ms", "answered_ms", "ended_ms")}
    record |= {name: flat[name] for name in ("cause", "released_by", "duration_ms")}
    for way in ("up", "down"):
        record[way] = {"in": flat[way + "_in"], "out": flat[way + "_out"], "dropped": flat[way + "_dropped"]}
    return record | {name: flat[name] for name in ("board_stats", "worker_report", "phone_report")}


def _frames(way: dict[str, int]) -> Frames:
    return Frames(way["in"], way["out"], way["dropped"])


def frame_columns(up: Frames, down: Frames) -> dict[str, int]:
    """Give both directions' packets as columns of a record."""
    return {
        "up_in": up.came,
        "up_out": up.went,
        "up_dropped": up.dropped,
        "down_in": down.came,
        "down_out": down.went,
        "down_dropped": down.dropped,
    }


def open_record(connection: Connection, call_id: str, sn: str, phone: str, direction: str, now_ms: int) -> bool:
    """Begin a record in the caller's transaction; see `Records.opened`.

    Args:
        connection: in a writing transaction.
        call_id: see `Records.opened`, as are the others.
        now_ms: milliseconds since 1970.
    """
    if connection.execute(select(calls.c.call_id).where(calls.c.call_id == call_id)).first() is not None:
        return False
    connection.execute(
        insert(calls).values(
            call_id=call_id,
            sn=sn,
            phone=phone,
            direction=direction,
            state="dialling",
            started_ms=now_ms,
            touched_ms=now_ms,
            codec="",
            **frame_columns(NO_FRAMES, NO_FRAMES),
        )
    )
    return True


def close_record(connection: Connection, call_id: str, cause: int, released_by: str, now_ms: int) -> bool:
    """Close, in the caller's transaction, the record of a call that was never answered; see `Records.ended`.

    Args:
        connection: in a writing transaction.
        call_id: whose record; it is there.
        cause: a number of `callcore.causes`.
        released_by: `device`, `phone` or `relay`.
        now_ms: milliseconds since 1970.
    """
    values = {"ended_ms": now_ms, "touched_ms": now_ms, "cause": cause, "released_by": released_by, "duration_ms": 0}
    return _forward(connection, call_id, "ended", values)


def _forward(connection: Connection, call_id: str, state: str, values: dict[str, Any]) -> bool:
    """Move a record forward to `state` if it is not there or further; the condition is part of the one statement."""
    earlier = CALL_STATES[: CALL_STATES.index(state)]
    here = (calls.c.call_id == call_id) & calls.c.state.in_(earlier)
    if connection.execute(update(calls).where(here).values(state=state, **values)).rowcount == 1:
        return True
    _must_be_known(connection, call_id)
    return False


def _report(connection: Connection, call_id: str, values: dict[str, Any]) -> None:
    if connection.execute(update(calls).where(calls.c.call_id == call_id).values(values)).rowcount == 0:
        _must_be_known(connection, call_id)


def _phone_told(connection: Connection, call_id: str, report: dict[str, Any]) -> None:
    row = _get(connection, call_id)
    _must_be_known(connection, call_id)
    told = {**((row.phone_report if row is not None else None) or {}), **report}
    connection.execute(update(calls).where(calls.c.call_id == call_id).values(phone_report=told))


def _touch(connection: Connection, so_far: dict[str, dict[str, int]], now_ms: int) -> None:
    for call_id, values in so_far.items():
        still_on = (calls.c.call_id == call_id) & (calls.c.state != "ended")
        connection.execute(update(calls).where(still_on).values(touched_ms=now_ms, **values))


def _must_be_known(connection: Connection, call_id: str) -> None:
    if _get(connection, call_id) is None:
        raise UnknownCall(f"There is no record of call {call_id}.", "`tincall calls` lists them.")


def _sweep(connection: Connection) -> int:
    # before the first beat there is no talk on record, in a record of an older version there never is
    by_calendar_ms = func.max(0, calls.c.touched_ms - calls.c.answered_ms)
    talked_ms = func.coalesce(calls.c.duration_ms, by_calendar_ms, 0)
    closing = update(calls).where(calls.c.state != "ended")
    return connection.execute(
        closing.values(
            state="ended",
            ended_ms=calls.c.touched_ms,
            cause=TEMPORARY_FAILURE,
            released_by="relay",
            duration_ms=talked_ms,
        )
    ).rowcount


def _get(connection: Connection, call_id: str) -> Row[Any] | None:
    return connection.execute(select(calls).where(calls.c.call_id == call_id)).first()


def _list(connection: Connection, limit: int, sn: str) -> list[Row[Any]]:
    newest = select(calls).order_by(calls.c.started_ms.desc(), calls.c.call_id).limit(limit)
    return list(connection.execute(newest.where(calls.c.sn == sn) if sn else newest))

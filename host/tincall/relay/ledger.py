"""Writes one call's record in the background, in order: whoever speaks about a call never waits for the disk.

Rules of this file: one write at a time, in the order they were asked for. What the disk refuses is not lost: from then on all
that is known of the call goes to the backlog, which writes it when there is room again. A call whose id turns out to be used
before writes nothing more, lest it change the record of the call that had it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay.cdr import Frames, Records, UnknownCall, frame_columns

Write = Callable[[], Awaitable[object]]
Then = Callable[[bool], None]

log = get("relay.ledger")


class Ledger:
    """The record of one call.

    Args:
        records: the call records.
        call_id: whose record.
    """

    def __init__(self, records: Records, call_id: str) -> None:
        self._records = records
        self._call_id = call_id
        self._waiting: deque[tuple[str, dict[str, Any], Write, Then | None]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_ours = True
        self._facts: dict[str, Any] = {}  # what the record has to say, as far as its turn has come
        self._is_begun = True  # by whoever made this ledger, unless `opened` is called
        self._is_behind = False

    def opened(self, sn: str, phone: str, direction: str, then: Then) -> None:
        """Begin the record; `then` hears whether the call's id was new."""

        def note(is_new: bool) -> None:
            self._is_ours = is_new
            then(is_new)

        now_ms = self._records.unix_ms()
        self._is_begun = False
        self._add(
            "opened",
            {"sn": sn, "phone": phone, "direction": direction, "started_ms": now_ms, "touched_ms": now_ms},
            lambda: self._records.opened(self._call_id, sn, phone, direction),
            note,
        )

    def ringing(self) -> None:
        """Note that the far end rings."""
        now_ms = self._records.unix_ms()
        facts = {"state": "ringing", "ringing_ms": now_ms, "touched_ms": now_ms}
        self._add("ringing", facts, lambda: self._records.ringing(self._call_id))

    def answered(self, codec: str) -> None:
        """Note the answer."""
        now_ms = self._records.unix_ms()
        facts = {"state": "answered", "answered_ms": now_ms, "touched_ms": now_ms, "codec": codec}
        self._add("answered", facts, lambda: self._records.answered(self._call_id, codec))

    def ended(self, cause: int, released_by: str, duration_ms: int, up: Frames, down: Frames, then: Then) -> None:
        """Close the record; `then` hears when it is on disk, or cannot be now."""
        now_ms = self._records.unix_ms()
        facts = {"state": "ended", "ended_ms": now_ms, "touched_ms": now_ms, "cause": cause}
        self._add(
            "ended",
            {**facts, "released_by": released_by, "duration_ms": duration_ms, **frame_columns(up, down)},
            lambda: self._records.ended(self._call_id, cause, released_by, duration_ms, up, down),
            then,
        )

    def reported(self, board: dict[str, Any], worker: dict[str, Any], up: Frames, down: Frames, then: Then) -> None:
        """Add the figures of both ends and the final ones of the bridge; `then` hears as in `ended`."""
        self._add(
            "reported",
            {"board_stats": board or None, "worker_report": worker or None, **frame_columns(up, down)},
            lambda: self._records.reported(self._call_id, board or None, worker or None, up, down),
            then,
        )

    def _add(self, name: str, facts: dict[str, Any], write: Write, then: Then | None = None) -> None:
        self._waiting.append((name, facts, write, then))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while self._waiting:
            name, facts, write, then = self._waiting.popleft()
            self._facts |= facts
            done = self._is_ours and await self._written(name, write)
            if then is not None:
                then(done)
        self._task = None

    async def _written(self, name: str, write: Write) -> bool:
        """Write, or leave it to the backlog; False: it is not on disk, except that a call without record goes on."""
        if not self._is_behind:
            try:
                # `reported` has nothing to say about itself
                done = await write() is not False
            except UnknownCall as error:
                log.error("call record is not written", call=self._call_id, write=name, reason=error.message)
                return False
            except OperatorError as error:
                log.error("call record has to wait", call=self._call_id, write=name, reason=error.message)
                self._is_behind = True
            else:
                self._is_begun = True
                return done
        self._records.late(self._call_id, not self._is_begun, dict(self._facts))
        return name == "opened"  # the disk's fault, not the caller's: the call goes on

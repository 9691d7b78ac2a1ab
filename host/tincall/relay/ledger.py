"""Writes one call's record in the background, in order: whoever speaks about a call never waits for the disk.

Rules of this file: one write at a time, in the order they were asked for; a write that fails is logged and the next goes on.
A call whose id turns out to be used before writes nothing more, lest it change the record of the call that had it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay.cdr import Frames, Records

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
        self._waiting: deque[tuple[str, Write, Then | None]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_ours = True

    def opened(self, sn: str, phone: str, direction: str, then: Then) -> None:
        """Begin the record; `then` hears whether the call's id was new."""

        def note(is_new: bool) -> None:
            self._is_ours = is_new
            then(is_new)

        self._add("opened", lambda: self._records.opened(self._call_id, sn, phone, direction), note)

    def ringing(self) -> None:
        """Note that the far end rings."""
        self._add("ringing", lambda: self._records.ringing(self._call_id))

    def answered(self, codec: str) -> None:
        """Note the answer."""
        self._add("answered", lambda: self._records.answered(self._call_id, codec))

    def ended(self, cause: int, released_by: str, duration_ms: int, up: Frames, down: Frames, then: Then) -> None:
        """Close the record; `then` hears when it is on disk, or cannot be."""
        self._add("ended", lambda: self._records.ended(self._call_id, cause, released_by, duration_ms, up, down), then)

    def reported(self, board: dict[str, Any], worker: dict[str, Any], up: Frames, down: Frames, then: Then) -> None:
        """Add the figures of both ends and the final ones of the bridge."""
        self._add(
            "reported", lambda: self._records.reported(self._call_id, board or None, worker or None, up, down), then
        )

    def _add(self, name: str, write: Write, then: Then | None = None) -> None:
        self._waiting.append((name, write, then))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while self._waiting:
            name, write, then = self._waiting.popleft()
            done = False
            if self._is_ours:
                try:
                    # `reported` has nothing to say about itself
                    done = await write() is not False
                except OperatorError as error:
                    log.error("call record is not written", call=self._call_id, write=name, reason=error.message)
                    done = name == "opened"  # the disk's fault, not the caller's: the call goes on
            if then is not None:
                then(done)
        self._task = None

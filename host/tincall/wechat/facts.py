"""What the platform told of one call, with its time: raw numbers for the record, and the three durations that follow from them.

Rang: from the first ringing to the answer, or to the end. Talked: from TALKING to the end. Billed is what was talked, since the
platform charges for nothing else. All times are ms since the leg began.
"""

from __future__ import annotations

from typing import Any

from tincall.wechat.vocabulary import PlatformError, Reason, Status, status_name

MAX_STATUSES = 32  # a call has five; more is a fault of the room end, and a record has a bound


class Facts:
    """The story of one call.

    Attributes:
        record: as it goes into the call's record: `statuses` (each `at_ms`, `number`, `name`); `asked_ms`, when the platform
            answered the request to ring; `push_ms`, when the room was known; `error`, if the platform gave one; `reason`,
            the number that this side hung up with; and, after `close`, `ring_ms`, `talk_ms` and `billed_ms`.
    """

    def __init__(self) -> None:
        self.record: dict[str, Any] = {}
        self._rings_from_ms: int | None = None
        self._rings_to_ms: int | None = None
        self._talks_from_ms: int | None = None

    def rings(self, now_ms: int) -> None:
        """Note that the callee began to ring; the first time counts."""
        if self._rings_from_ms is None:
            self._rings_from_ms = now_ms

    def rings_no_more(self, now_ms: int) -> None:
        """Note that the callee answered, before anybody can hear the other."""
        if self._rings_to_ms is None:
            self._rings_to_ms = now_ms

    def status(self, number: int, now_ms: int) -> None:
        """Note a status of the room."""
        statuses = self.record.setdefault("statuses", [])
        if len(statuses) < MAX_STATUSES:
            statuses.append({"at_ms": now_ms, "number": number, "name": status_name(number)})
        if number == Status.CALLING:
            self.rings(now_ms)
        elif number == Status.TALKING and self._talks_from_ms is None:
            self.rings_no_more(now_ms)
            self._talks_from_ms = now_ms

    def note_ms(self, name: str, now_ms: int) -> None:
        """Note when something was; the first time counts."""
        self.record.setdefault(name, now_ms)

    def error(self, error: PlatformError) -> None:
        """Note what the platform refused with."""
        self.record["error"] = {"number": error.number, "detail": error.detail}

    def reason(self, reason: Reason) -> None:
        """Note what this side hangs up with."""
        self.record["reason"] = int(reason)

    def close(self, now_ms: int) -> None:
        """Compute the durations at the end of the call."""
        if self._rings_from_ms is not None:
            rings_to_ms = now_ms if self._rings_to_ms is None else self._rings_to_ms
            self.record["ring_ms"] = rings_to_ms - self._rings_from_ms
        talk_ms = 0 if self._talks_from_ms is None else now_ms - self._talks_from_ms
        self.record |= {"talk_ms": talk_ms, "billed_ms": talk_ms}

    def durations(self) -> dict[str, int]:
        """Give the figures that a line of the log has room for."""
        return {name: value for name, value in self.record.items() if isinstance(value, int)}

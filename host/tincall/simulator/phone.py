"""A scripted phone: what it does when it is rung, when it calls, and when someone answers; no audio, no socket.

Rules of the machine: it is told what happens and the time, and gives back what the phone does, in order. It waits by
`next_wake_ms`, never by itself. Once it is over it does nothing. A callee rings until it acts or the other side gives up;
a caller gives up by itself after its ring time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath

from callcore import causes
from callcore.compat import ticks_add, ticks_diff
from callcore.errors import LocalError

Milliseconds = Annotated[int, Field(ge=0, le=3_600_000)]


# two file names of it must fit into a worker's report
MAX_FOLDER_CHARS = 1024


def _short(folder: Path) -> Path:
    if len(str(folder)) > MAX_FOLDER_CHARS:
        raise ValueError(f"the folder's name has more than {MAX_FOLDER_CHARS} characters")
    return folder


class PhoneScript(BaseModel):
    """One simulated phone, as an entry of `[[phones]]` in the settings.

    Attributes:
        id: the contact id that a board calls.
        name: the name that people see; the id if empty.
        outcome: what happens when it is rung: `answer`, `reject` (declines), `busy` (at once, without ringing),
            `no_answer` (rings for ever) or `silent` (never even rings).
        answer_after_ms: from ringing to the answer, or to the refusal of `reject`.
        cancel_after_ms: when it calls: hangs up this long after it began, if nobody has answered.
        hangup_after_ms: hangs up this long after the answer; never if missing.
        hangup_after_clip_ms: hangs up this long after its clip was spoken; never if missing.
        speak: WAV file it says once answered; silence if missing.
        speak_after_ms: from the answer to the first word.
        repeat: says the clip again and again.
        record: folder for what was heard and said; nothing is recorded if missing.
        ring_ms: when it calls: how long it lets the other side ring.
        buffer_ms: delay of its jitter buffer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]
    name: Annotated[str, Field(max_length=64)] = ""
    outcome: Literal["answer", "reject", "busy", "no_answer", "silent"] = "answer"
    answer_after_ms: Milliseconds = 1000
    cancel_after_ms: Milliseconds | None = None
    hangup_after_ms: Milliseconds | None = None
    hangup_after_clip_ms: Milliseconds | None = None
    speak: Annotated[FilePath, Field(description="WAV file")] | None = None
    speak_after_ms: Milliseconds = 300
    repeat: bool = False
    record: Annotated[Path, AfterValidator(_short)] | None = None
    ring_ms: Annotated[int, Field(ge=1000, le=600_000)] = 60_000
    buffer_ms: Annotated[int, Field(ge=20, le=400)] = 60


IDLE = "idle"
WAITING = "waiting"  # rung, and shows nothing: a silent phone
RINGING = "ringing"
CALLING = "calling"
RINGBACK = "ringback"
ANSWERED = "answered"
OVER = "over"

# (state, event): next state; what is not here is a bug of the caller
TABLE = {
    (IDLE, "rung"): RINGING,
    (IDLE, "rung_silently"): WAITING,
    (IDLE, "refused"): OVER,
    (IDLE, "calls"): CALLING,
    (RINGING, "answers"): ANSWERED,
    (RINGING, "hangs_up"): OVER,
    (CALLING, "far_rings"): RINGBACK,
    (CALLING, "far_answers"): ANSWERED,
    (CALLING, "hangs_up"): OVER,
    (RINGBACK, "far_answers"): ANSWERED,
    (RINGBACK, "hangs_up"): OVER,
    (ANSWERED, "hangs_up"): OVER,
    (IDLE, "breaks"): OVER,
    (WAITING, "breaks"): OVER,
    (RINGING, "breaks"): OVER,
    (CALLING, "breaks"): OVER,
    (RINGBACK, "breaks"): OVER,
    (ANSWERED, "breaks"): OVER,
    (WAITING, "far_hangs_up"): OVER,
    (RINGING, "far_hangs_up"): OVER,
    (CALLING, "far_hangs_up"): OVER,
    (RINGBACK, "far_hangs_up"): OVER,
    (ANSWERED, "far_hangs_up"): OVER,
    (OVER, "far_hangs_up"): OVER,  # both hung up at once
    (OVER, "far_rings"): OVER,
    (OVER, "far_answers"): OVER,
}


@dataclass(frozen=True)
class Action:
    """What the phone does: `word` is `ringing`, `answer` or `release`, the last with its hangup cause."""

    word: str
    cause: int = 0


@dataclass(frozen=True)
class _Alarm:
    at_ms: int
    cause: int  # 0: answers; else hangs up with it


class PhoneMachine:
    """One call as the scripted phone lives it.

    Args:
        script: what it does.
        ring_ms: how long it lets the other side ring when it calls.

    Attributes:
        state: one of the states above.
    """

    def __init__(self, script: PhoneScript, ring_ms: int) -> None:
        self.state = IDLE
        self._script = script
        self._ring_ms = ring_ms
        self._is_clip_spoken = False
        self._alarms: list[_Alarm] = []

    def rung(self, now_ms: int) -> list[Action]:
        """Be called.

        Raises:
            LocalError: it is in a call already.
        """
        outcome = self._script.outcome
        if outcome == "busy":
            self._step("refused")
            return [Action("release", causes.BUSY)]
        if outcome == "silent":
            self._step("rung_silently")
            return []
        self._step("rung")
        if outcome == "answer":
            self._set_alarm(now_ms, self._script.answer_after_ms, 0)
        elif outcome == "reject":
            self._set_alarm(now_ms, self._script.answer_after_ms, causes.REJECTED)
        return [Action("ringing")]

    def calls(self, now_ms: int) -> list[Action]:
        """Call the other side.

        Raises:
            LocalError: it is in a call already.
        """
        self._step("calls")
        self._set_alarm(now_ms, self._ring_ms, causes.NO_ANSWER)
        self._set_alarm(now_ms, self._script.cancel_after_ms, causes.ORIGINATOR_CANCEL)
        return []

    def far_rings(self, now_ms: int) -> list[Action]:
        """Hear that the other side rings.

        Raises:
            LocalError: it is not calling.
        """
        self._step("far_rings")
        return []

    def far_answers(self, now_ms: int) -> list[Action]:
        """Hear that the other side answered.

        Raises:
            LocalError: it is not calling.
        """
        self._step("far_answers")
        if self.state == ANSWERED:
            self._begin_talk(now_ms)
        return []

    def far_hangs_up(self, now_ms: int) -> list[Action]:
        """Hear that the call is over."""
        self._step("far_hangs_up")
        self._alarms.clear()
        return []

    def breaks(self) -> list[Action]:
        """Fail for a reason of its own, such as a clip that cannot be read.

        Raises:
            LocalError: it is over already.
        """
        self._step("breaks")
        self._alarms.clear()
        return [Action("release", causes.TEMPORARY_FAILURE)]

    def clip_spoken(self, now_ms: int) -> list[Action]:
        """Notice that the clip has been said to its end; only the first time in a talk counts."""
        if self.state == ANSWERED and not self._is_clip_spoken:
            self._is_clip_spoken = True
            self._set_alarm(now_ms, self._script.hangup_after_clip_ms, causes.NORMAL)
        return self.tick(now_ms)

    def tick(self, now_ms: int) -> list[Action]:
        """Do what the time asks for."""
        due = [alarm for alarm in self._alarms if ticks_diff(now_ms, alarm.at_ms) >= 0]
        if not due or self.state == OVER:
            return []
        first = min(due, key=lambda alarm: ticks_diff(alarm.at_ms, now_ms))
        self._alarms.clear()
        if first.cause:
            self._step("hangs_up")
            return [Action("release", first.cause)]
        self._step("answers")
        self._begin_talk(now_ms)
        return [Action("answer"), *self.tick(now_ms)]

    def next_wake_ms(self, now_ms: int) -> int | None:
        """Give how many ms from `now_ms` `tick` has something to do; None: never by itself."""
        if not self._alarms:
            return None
        return max(0, min(ticks_diff(alarm.at_ms, now_ms) for alarm in self._alarms))

    def _begin_talk(self, now_ms: int) -> None:
        self._alarms.clear()
        self._set_alarm(now_ms, self._script.hangup_after_ms, causes.NORMAL)

    def _set_alarm(self, now_ms: int, delay_ms: int | None, cause: int) -> None:
        if delay_ms is not None:
            self._alarms.append(_Alarm(ticks_add(now_ms, delay_ms), cause))

    def _step(self, event: str) -> None:
        if (self.state, event) not in TABLE:
            raise LocalError(f"{event!r} is not possible: the phone is {self.state}")
        self.state = TABLE[self.state, event]

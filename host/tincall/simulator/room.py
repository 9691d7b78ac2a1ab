"""One room of the platform: who is in it, how far the call is, and what either side is told; no I/O.

Rules. A room is made by an API call (`OUT`: the device calls a phone) or by a phone (`IN`). Nothing rings before the
relay's yes to the push, unless the ring order says so. The room end may join at any time and is told its status at once.
The parties talk when both are in. A room is over once and stays over; who comes late is told how it ended.
Refused pushes end a room until the parties talk. Timers belong to the room: ringing, the wait for the other side after
picking up, silence of either side, the time limit. `tick` is the only thing that lets time act; `next_wake_ms` says when.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from callcore.compat import ticks_add, ticks_diff
from tincall.leg import OUT
from tincall.simulator import numbers
from tincall.simulator.numbers import RoomError

FRAME_BYTES = 640  # 20 ms of 16 kHz, 16-bit, mono

MADE = "made"
RINGING = "ringing"
PICKED_UP = "picked_up"
TALKING = "talking"
OVER = "over"

# (state, event): next state. Every event is possible in every state that is missing here, and then changes nothing
TABLE = {
    (MADE, "rings"): RINGING,
    (MADE, "refused"): OVER,
    (MADE, "phone_leaves"): OVER,
    (MADE, "end_leaves"): OVER,
    (MADE, "ring_timeout"): OVER,  # its push was lost
    (RINGING, "refused"): OVER,
    (RINGING, "busy"): OVER,
    (RINGING, "rejects"): OVER,
    (RINGING, "picks_up"): PICKED_UP,
    (RINGING, "both_in"): TALKING,
    (RINGING, "phone_leaves"): OVER,
    (RINGING, "end_leaves"): OVER,
    (RINGING, "ring_timeout"): OVER,
    (PICKED_UP, "refused"): OVER,
    (PICKED_UP, "both_in"): TALKING,
    (PICKED_UP, "phone_leaves"): OVER,
    (PICKED_UP, "end_leaves"): OVER,
    (PICKED_UP, "peer_timeout"): OVER,
    (TALKING, "phone_leaves"): OVER,
    (TALKING, "end_leaves"): OVER,
    (TALKING, "silence"): OVER,
    (TALKING, "time_limit"): OVER,
}

# why a room is over, as a phone is told
ENDS = (
    "refused",
    "busy",
    "rejected",
    "timeout",
    "cancelled",
    "hung_up_by_device",
    "hung_up_by_phone",
    "peer_wait_timeout",
    "aborted",
    "time_limit",
)


@dataclass(frozen=True)
class Times:
    """How long things may take, in ms; the defaults are the platform's."""

    ring_ms: int = 60_000
    peer_wait_ms: int = 20_000
    silence_ms: int = 5_000


@dataclass(frozen=True)
class Keys:
    """What opens a room; `session_key` and `server_token` are secrets."""

    room_id: str
    session_key: str = field(repr=False)
    server_token: str = field(repr=False)


@dataclass(frozen=True)
class Order:
    """What was asked for when the room was made.

    Args:
        direction: `OUT` or `IN`, seen from the board.
        appid: the mini program.
        openid: the phone's user.
        sn: the device.
        model_id: its model.
        payload: opaque text of whoever made the call.
        room_type: `voice` or `video`.
        name: what the phone shows.
        time_limit_ms: longest talk; 0: no limit.
    """

    direction: str
    appid: str
    openid: str
    sn: str
    model_id: str
    payload: str
    room_type: str = "voice"
    name: str = ""
    time_limit_ms: int = 0


class RoomEnd(Protocol):
    """The relay's side of a room, as the room hears it; must not block."""

    def status(self, number: int) -> None:
        """Be told the session's status."""

    def frame(self, pcm: bytes) -> None:
        """Be given 20 ms of the phone's sound."""


class PhoneEnd(Protocol):
    """The phone's side of a room, as the room hears it; must not block."""

    def rings(self, room: Room) -> None:
        """Be rung."""

    def talks(self, room: Room) -> None:
        """Notice that the other side is there: sound flows."""

    def stopped(self, room: Room, why: str) -> None:
        """Be told that the room is over; `why` is one of `ENDS`."""

    def frame(self, pcm: bytes) -> None:
        """Be given 20 ms of the device's sound."""


class Room:
    """One room.

    Args:
        keys: what opens it.
        order: what it was made for.
        times: how long things may take.
        now_ms: the time.

    Attributes:
        state: one of the states above.
        why: one of `ENDS` when it is over.
        final: the last status that a room end is told; 0 until it is over.
        statuses: every status that a room end was told, in order.
        frames_up: frames of the room end that came while talking.
        frames_down: frames of the phone that came while talking.
    """

    def __init__(self, keys: Keys, order: Order, times: Times, now_ms: int) -> None:
        self.keys = keys
        self.order = order
        self.state = MADE
        self.why = ""
        self.final = numbers.IDLE
        self.statuses: list[int] = []
        self.phone: PhoneEnd | None = None
        self.end: RoomEnd | None = None
        self.was_joined = False
        self.frames_up = self.frames_down = 0
        self._times = times
        self._rang_ms = self._picked_up_ms = self._talked_ms = self._over_ms = now_ms
        self._up_ms = self._down_ms = now_ms
        self._did_ring = self._did_talk = False

    @property
    def is_out(self) -> bool:
        """Tell whether the device calls the phone."""
        return self.order.direction == OUT

    # what the platform does

    def ring(self, now_ms: int) -> None:
        """Let the call begin: the phone rings, or the relay's device does."""
        if not self._step("rings"):
            return
        self._rang_ms, self._did_ring = now_ms, True
        if self.is_out:
            self._tell(numbers.CALLING)
            if self.phone is not None:
                self.phone.rings(self)
        elif self.end is not None:
            self._talk(now_ms)

    def refuse(self, now_ms: int) -> bool:
        """End it because the relay did not want it; False: too late or over."""
        final = numbers.CANCELED if self.is_out else numbers.REJECTED
        return self._end("refused", "refused", final, now_ms)

    def occupied(self, now_ms: int) -> bool:
        """End it because the phone is in another call."""
        return self._end("busy", "busy", numbers.BUSY, now_ms)

    # what the phone does

    def pick_up(self, now_ms: int) -> bool:
        """Answer at the phone; False: it does not ring."""
        if not self.is_out or not self._step("picks_up"):
            return False
        self._picked_up_ms = now_ms
        if self.end is not None:
            self._talk(now_ms)
        return True

    def reject(self, now_ms: int) -> bool:
        """Decline at the phone; False: it does not ring."""
        return self.is_out and self._end("rejects", "rejected", numbers.REJECTED, now_ms)

    def phone_leaves(self, now_ms: int) -> bool:
        """Hang up or cancel at the phone; False: there is nothing to hang up."""
        if self.is_out:
            return self.state != MADE and self._end(
                "phone_leaves", "hung_up_by_phone", numbers.HANGUP_BY_CALLEE, now_ms
            )
        if self.state == TALKING:
            return self._end("phone_leaves", "hung_up_by_phone", numbers.HANGUP_BY_CALLER, now_ms)
        return self._end("phone_leaves", "cancelled", numbers.CANCELED, now_ms)

    def frame_from_phone(self, pcm: bytes, now_ms: int) -> bool:
        """Take 20 ms of the phone's sound; False: nobody hears it now."""
        if self.state != TALKING:
            return False
        self._down_ms = now_ms
        self.frames_down += 1
        return True

    # what the room end does

    def join(self, end: RoomEnd, now_ms: int) -> None:
        """Come in from the relay's side; a second room end takes the first one's place."""
        older, self.end, self.was_joined = self.end, end, True
        if older is not None and older is not end:
            older.status(numbers.ABORTED)
        if self.state == OVER:
            self._tell(self.final)
        elif self.state == TALKING:
            self._up_ms = now_ms
            self._tell(numbers.TALKING)
        elif self.state == PICKED_UP or (self.state == RINGING and not self.is_out):
            self._talk(now_ms)
        else:
            self._tell(numbers.CALLING if self.state == RINGING else numbers.IDLE)

    def lose(self, end: RoomEnd) -> None:
        """Notice that a room end vanished without hanging up; the room finds out by its silence."""
        if self.end is end:
            self.end = None

    def hang_up(self, reason: int, now_ms: int) -> bool:
        """Hang up from the relay's side.

        Raises:
            RoomError: no such reason.
        """
        check_reason(reason)
        if self.state == TALKING:
            final = numbers.HANGUP_BY_CALLER if self.is_out else numbers.HANGUP_BY_CALLEE
            return self._end("end_leaves", "hung_up_by_device", final, now_ms)
        if self.is_out:
            return self._end("end_leaves", "cancelled", numbers.CANCELED, now_ms)
        return self._end("end_leaves", "hung_up_by_device", numbers.HANGUP_BY_CALLEE, now_ms)

    def listener_hang_up(self, payload: str, reason: int, now_ms: int) -> None:
        """Decline a phone's call before anybody joined.

        Raises:
            RoomError: this room was not made by a phone, has been joined, or is over; wrong payload or reason.
        """
        check_reason(reason)
        if self.is_out or payload != self.order.payload:
            raise RoomError(numbers.INVALID_ARGUMENT, "the payload is another, or no phone called")
        if self.was_joined or self.state == OVER:
            raise RoomError(numbers.FAILED_PRECONDITION, "the room has a session or is over")
        why, final = "rejected", numbers.REJECTED
        if reason == numbers.REASON_BUSY:
            why, final = "busy", numbers.BUSY
        elif reason == numbers.REASON_TIMEOUT:
            why, final = "timeout", numbers.TIMEOUT
        self._end("end_leaves", why, final, now_ms)

    def frame_from_end(self, pcm: bytes, now_ms: int) -> bool:
        """Take 20 ms of the device's sound; False: nobody hears it now.

        Raises:
            RoomError: it is no frame.
        """
        if len(pcm) != FRAME_BYTES:
            raise RoomError(numbers.INVALID_ARGUMENT, f"a frame has {FRAME_BYTES} bytes, not {len(pcm)}")
        if self.state != TALKING:
            return False
        self._up_ms = now_ms
        self.frames_up += 1
        return True

    # time

    def tick(self, now_ms: int) -> None:
        """Do what the time asks for."""
        if self.next_wake_ms(now_ms) != 0:
            return
        if self.state in (MADE, RINGING):
            self._end("ring_timeout", "timeout", numbers.TIMEOUT, now_ms)
        elif self.state == PICKED_UP:
            self._end("peer_timeout", "peer_wait_timeout", numbers.ABORTED, now_ms)
        elif self._is_talked_out(now_ms):
            final = numbers.HANGUP_BY_CALLEE if self.is_out else numbers.HANGUP_BY_CALLER
            self._end("time_limit", "time_limit", final, now_ms)
        else:
            self._end("silence", "aborted", numbers.ABORTED, now_ms)

    def next_wake_ms(self, now_ms: int) -> int | None:
        """Give how many ms from `now_ms` `tick` has something to do; None: never by itself."""
        if self.state in (MADE, RINGING):
            return _left(self._rang_ms, self._times.ring_ms, now_ms)
        if self.state == PICKED_UP:
            return _left(self._picked_up_ms, self._times.peer_wait_ms, now_ms)
        if self.state != TALKING:
            return None
        heard_ms = min(self._up_ms, self._down_ms, key=lambda at_ms: ticks_diff(at_ms, now_ms))
        wait_ms = _left(heard_ms, self._times.silence_ms, now_ms)
        if self.order.time_limit_ms:
            wait_ms = min(wait_ms, _left(self._talked_ms, self.order.time_limit_ms, now_ms))
        return wait_ms

    def facts(self) -> dict[str, Any]:
        """Give what can be told of the room; no secrets."""
        till_ms = self._talked_ms if self._did_talk else self._over_ms
        return {
            "room_id": self.keys.room_id,
            "direction": self.order.direction,
            "openid": self.order.openid,
            "sn": self.order.sn,
            "payload": self.order.payload,
            "state": self.state,
            "why": self.why,
            "statuses": list(self.statuses),
            "joined": self.was_joined,
            "rang": self._did_ring,
            "talked": self._did_talk,
            "ring_ms": ticks_diff(till_ms, self._rang_ms) if self._did_ring and self.state in (TALKING, OVER) else 0,
            "talk_ms": ticks_diff(self._over_ms, self._talked_ms) if self._did_talk and self.state == OVER else 0,
            "frames_up": self.frames_up,
            "frames_down": self.frames_down,
        }

    def _is_talked_out(self, now_ms: int) -> bool:
        limit_ms = self.order.time_limit_ms
        return limit_ms > 0 and _left(self._talked_ms, limit_ms, now_ms) == 0

    def _talk(self, now_ms: int) -> None:
        self._step("both_in")
        self._talked_ms = self._up_ms = self._down_ms = now_ms
        self._did_talk = True
        self._tell(numbers.TALKING)
        if self.phone is not None:
            self.phone.talks(self)

    def _end(self, event: str, why: str, final: int, now_ms: int) -> bool:
        if not self._step(event):
            return False
        self.why, self.final, self._over_ms = why, final, now_ms
        self._tell(final)
        if self.phone is not None:
            self.phone.stopped(self, why)
        return True

    def _tell(self, number: int) -> None:
        if self.end is not None:
            self.statuses.append(number)
            self.end.status(number)

    def _step(self, event: str) -> bool:
        if (self.state, event) not in TABLE:
            return False
        self.state = TABLE[self.state, event]
        return True


def check_reason(reason: int) -> None:
    """Check the reason of a hang-up.

    Raises:
        RoomError: there is no such reason.
    """
    if reason not in numbers.REASONS:
        raise RoomError(numbers.INVALID_ARGUMENT, f"there is no hang-up reason {reason}")


def _left(since_ms: int, allowed_ms: int, now_ms: int) -> int:
    return max(0, ticks_diff(ticks_add(since_ms, allowed_ms), now_ms))

"""The phone's half of one call through the platform: the platform's API, its push, and a worker that meets the phone in a room.

The table `NEXT` holds the life of a leg; what it does not name changes nothing. Rules of this file:

- A call of the board (`out`): `invite` readies a worker and asks the platform to ring the phone. The push with the room may
  come before, during or after the platform's answer, which only counts while no push has come: once there is a room, what
  happens in it is the truth. A push is first claimed, then stored by whoever judges it, then its room comes here; a leg that
  ended meanwhile has the room hung up.
- A call of the phone (`in`): the room is known before the leg is made; the phone waits in it. `answer` lets the worker join.
- A room that was handed to a worker is over when the platform said so, or when the worker reported in order. Else it is
  hung up by another worker, so that no phone rings for ever.
- Every wait has a timer, and each state has at most one. They end with the leg.
- The platform's numbers go as they came, with their time, into `facts`, which becomes part of the call's record.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from callcore import causes
from callcore.errors import LocalError
from tincall.clock import Clock
from tincall.leg import IN, OUT, PHONE, CallOffer, Leg, Media
from tincall.logs import get
from tincall.wechat.facts import Facts
from tincall.wechat.rooms import Room, is_orderly
from tincall.wechat.vocabulary import RELAY, PlatformError, Status, ending, is_over, reason_for, status_name
from tincall.worker.leg import WorkerLeg

IDLE = "idle"
ASKED = "asked"  # out: the platform is asked to ring the phone
TAKING = "taking"  # out: a push has come and is being stored
JOINING = "joining"  # out: the worker enters the room
RINGING = "ringing"  # out: the phone rings
WAITING = "waiting"  # in: the phone waits for the board
ENTERING = "entering"  # in: the board has answered, the worker enters the room
TALKING = "talking"
RELEASED = "released"  # over; the report is to come
REPORTED = "reported"  # over; nothing is to come

_LIVE = (ASKED, TAKING, JOINING, RINGING, WAITING, ENTERING, TALKING)

# (state, event): next state
NEXT = {
    (IDLE, "invite"): ASKED,
    (IDLE, "place"): WAITING,
    (IDLE, "release"): REPORTED,
    (ASKED, "refused"): RELEASED,
    (ASKED, "claimed"): TAKING,
    (TAKING, "given back"): ASKED,
    (TAKING, "room"): JOINING,
    (JOINING, "rings"): RINGING,
    (JOINING, "talks"): TALKING,
    (RINGING, "talks"): TALKING,
    (WAITING, "answer"): ENTERING,
    (ENTERING, "talks"): TALKING,
    **{(state, "late"): RELEASED for state in (ASKED, TAKING, JOINING, RINGING, ENTERING)},
    **{(state, "ends"): RELEASED for state in _LIVE},
    **{(state, "release"): RELEASED for state in _LIVE},
    (RELEASED, "reported"): REPORTED,
}

# what a leg that waited too long in a state ends with
_LATE = {
    ASKED: causes.NO_RESPONSE,
    TAKING: causes.NO_RESPONSE,
    JOINING: causes.TIMER_EXPIRED,
    RINGING: causes.NO_ANSWER,
    ENTERING: causes.TIMER_EXPIRED,
}

log = get("wechat.phone_leg")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a leg waits, in ms; the platform's own limits are 60 s of ringing and 20 s for the other side.

    Args:
        push_ms: for the push, from the question and again from its answer.
        ring_ms: the most that a phone rings; below 60,000, so that the relay knows why it ends.
        peer_ms: for the worker to be in the room.
    """

    push_ms: int = 10_000
    ring_ms: int = 55_000
    peer_ms: int = 20_000


class Hooks(Protocol):
    """Who knows what is beyond one leg; see `phone_legs`."""

    async def ask(self, leg: WeChatLeg, call: CallOffer) -> None:
        """Ask the platform to ring the leg's phone; raises PlatformError."""
        ...

    def expect(self, leg: WeChatLeg) -> None:
        """Be told that a push for this leg may come."""
        ...

    def expect_no_more(self, leg: WeChatLeg) -> None:
        """Be told that a push for this leg is refused from now on."""
        ...

    def joined(self, room: Room) -> None:
        """Be told that a worker enters a room."""
        ...

    def over(self, room: Room) -> None:
        """Be told that a room is over."""
        ...

    def abandon(self, room: Room) -> None:
        """Have a room hung up that this leg cannot end."""
        ...

    def refused(self, leg: WeChatLeg, error: PlatformError) -> None:
        """Be told that the platform refused to ring the phone."""
        ...


class WeChatLeg(Leg):
    """One call's phone.

    Args:
        worker: idle; belongs to this leg from here. For a call of the phone it was made with the room.
        hooks: see `Hooks`.
        clock: the time.
        patience: see `Patience`.
        contact_id: of whom a call of the board rings; empty for a call of the phone.
        room: where a phone that calls waits; None for a call of the board.
        busy_known: whether the platform's reason for "busy" may be said.

    Attributes:
        call_id: empty before `invite` or `place`.
        sn: serial number of the board, as call_id.
        codecs: names of the codecs it can speak.
        state: one of the states above.
    """

    def __init__(
        self,
        worker: WorkerLeg,
        hooks: Hooks,
        clock: Clock,
        patience: Patience | None = None,
        contact_id: str = "",
        room: Room | None = None,
        busy_known: bool = False,
    ) -> None:
        super().__init__(PHONE)
        self.call_id = ""
        self.sn = ""
        self.contact_id = contact_id
        self.direction = OUT if room is None else IN
        self.codecs = worker.codecs
        self.state = IDLE
        self.counters = worker.counters
        self.room = room
        self._worker = worker
        self._hooks = hooks
        self._clock = clock
        self._patience = patience or Patience()
        self._busy_known = busy_known
        self._ring_ms = self._patience.ring_ms
        self._released_by = PHONE
        self._last_status = 0
        self._is_room_over = False
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        self._doubt: PlatformError | None = None
        self._began_s = 0.0
        self._story = Facts()
        self.facts = self._story.record
        self._log = log
        worker.observer = self
        worker.sink = self._packet
        worker.on_status = self._status

    def __repr__(self) -> str:
        return f"<phone leg {self.call_id} {self.state}>"

    @property
    def released_by(self) -> str:
        """Who ended the call, as the platform tells it."""
        return self._released_by

    # -- verbs -------------------------------------------------------------------------------------------------------

    def invite(self, call: CallOffer) -> None:
        """Have the phone rung; see `Leg.invite`."""
        self._begin("invite", call)
        self._worker.invite(call)
        self._hooks.expect(self)
        self._wait(self._patience.push_ms)
        self._asking = asyncio.get_running_loop().create_task(self._ask(call))

    def place(self, call: CallOffer) -> None:
        """Let the phone call, which waits in its room; see `WorkerLeg.place`.

        Raises:
            LocalError: the leg is not idle, or it is for calls of the board.
        """
        self._begin("place", call)
        self._story.rings(0)
        self._worker.place(call)

    def ringing(self) -> None:
        """Hear that the board rings, which the platform's ringing tone says already; see `Leg.ringing`."""
        if self.state != WAITING:
            raise LocalError(f"ringing is not possible: the phone leg is {self.state}")
        self._worker.ringing()

    def answer(self, media: Media) -> None:
        """Join the phone that waits; see `Leg.answer`."""
        if self.state != WAITING or self.room is None:
            raise LocalError(f"answer is not possible: the phone leg is {self.state}")
        self._worker.answer(media)
        self._step("answer")
        self._story.rings_no_more(self._now_ms())
        self._hooks.joined(self.room)
        self._wait(self._patience.peer_ms)

    def release(self, cause: int, released_by: str, duration_ms: int) -> None:
        """End this half of the call; see `Leg.release`."""
        was_idle = self.state == IDLE
        if not self._step("release"):
            return
        self._let_go(cause, released_by, duration_ms)
        if was_idle and self.room is not None:
            # its worker was never told to be in a call, and ends without a word
            self._hooks.abandon(self.room)

    def send_media(self, packet: bytes) -> bool:
        """Hand one packet to the worker; see `Leg.send_media`."""
        return self._worker.send_media(packet)

    # -- the push ----------------------------------------------------------------------------------------------------

    def claim(self) -> bool:
        """Take the one push that this leg waits for; False: it waits for none."""
        return self._step("claimed")

    def give_back(self) -> None:
        """Hear that the push could not be stored; the platform may send it again."""
        self._step("given back")

    def enter(self, room: Room) -> None:
        """Take the room of the claimed push, now that it is stored; a leg that has ended has it hung up."""
        if not self._step("room"):
            self._log.info("a room came to a call that is over", room_id=room.room_id)
            self._hooks.abandon(room)
            return
        self._story.note_ms("push_ms", self._now_ms())
        self.room = room
        try:
            self._worker.room(room.fields())
        except LocalError:
            # it spoke of a phone before it had a room, which no sound worker does
            self._log.warning("the worker takes no room", room_id=room.room_id)
            if self._step("late"):
                self._fail(causes.INTERWORKING)
            return
        self._wait(self._patience.peer_ms)

    # -- the platform's answer ---------------------------------------------------------------------------------------

    async def _ask(self, call: CallOffer) -> None:
        try:
            await self._hooks.ask(self, call)
        except PlatformError as error:
            self._refused(error)
        else:
            self._story.note_ms("asked_ms", self._now_ms())
            if self.state == ASKED:
                self._wait(self._patience.push_ms)

    def _refused(self, error: PlatformError) -> None:
        self._story.note_ms("asked_ms", self._now_ms())
        self._story.error(error)
        self._log.warning("the platform does not ring", number=error.number, reason=error.detail, advice=error.advice)
        if error.maybe_done:
            self._doubt = error  # nobody knows whether it was heard: the push, or its absence, will tell
            return
        self._hooks.refused(self, error)
        if self._step("refused"):
            self._fail(error.cause)

    # -- what the worker says ----------------------------------------------------------------------------------------

    def leg_ringing(self, leg: Leg) -> None:
        """The phone rings."""
        if self._step("rings"):
            self._wait(self._ring_ms)
            self.observer.leg_ringing(self)

    def leg_answered(self, leg: Leg, media: Media) -> None:
        """The phone was answered."""
        if self._step("talks"):
            self.observer.leg_answered(self, media)

    def leg_released(self, leg: Leg, cause: int) -> None:
        """The room is over, or the worker is of no more use."""
        if is_over(self._last_status):
            cause, self._released_by = ending(self._last_status, self.direction)
        if self._step("ends"):
            self._end()
            self.observer.leg_released(self, cause)

    def leg_reported(self, leg: Leg, report: dict[str, Any]) -> None:
        """The worker is done, or dead."""
        self.report = report
        self._step("reported")
        if self.room is not None:
            if self._is_room_over or is_orderly(report):
                self._hooks.over(self.room)
            else:
                self._hooks.abandon(self.room)
        self._log.info("the phone's side is over", **self._story.durations())
        self.observer.leg_reported(self, report)

    def _status(self, number: int) -> None:
        """Note a number of the platform; the word it leads to follows it."""
        self._log.info("status", number=number, status=status_name(number))
        self._story.status(number, self._now_ms())
        self._is_room_over = self._is_room_over or is_over(number)
        if self.state not in (RELEASED, REPORTED):
            self._last_status = number
        if number == Status.TALKING and self.direction == IN:
            self._step("talks")

    def _packet(self, packet: bytes) -> None:
        if self.sink is not None:
            self.sink(packet)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _begin(self, event: str, call: CallOffer) -> None:
        if self.state != IDLE or (event == "place") != (self.direction == IN):
            raise LocalError(f"{event} is not possible: the phone leg is {self.state}, for a call {self.direction}")
        self._log = log.bind(call=call.call_id, sn=call.peer_id, direction=self.direction)
        self.call_id, self.sn = call.call_id, call.peer_id
        self._ring_ms = min(call.ring_ms, self._patience.ring_ms)
        self._began_s = self._clock.monotonic_s()
        self._step(event)

    def _step(self, event: str) -> bool:
        """Go on in the table; False: nothing has changed. Whatever state is left, its timer is over."""
        if (self.state, event) not in NEXT:
            return False
        if event not in ("claimed", "given back"):  # the wait for the push goes on until its room is here
            self._stop_timer()
        self.state = NEXT[self.state, event]
        return True

    def _fail(self, cause: int) -> None:
        """End the call for a reason that neither person gave."""
        self._released_by = RELAY
        self._let_go(cause, RELAY, 0)
        self.observer.leg_released(self, cause)

    def _let_go(self, cause: int, released_by: str, duration_ms: int) -> None:
        """Release the worker and end all that is under way."""
        self._end()
        reason = reason_for(cause, self._busy_known) if self.room is not None else None
        if reason is not None:
            self._story.reason(reason)
        self._worker.release(cause, released_by, duration_ms, reason=None if reason is None else int(reason))

    def _end(self) -> None:
        self._hooks.expect_no_more(self)
        if self._asking is not None:
            # what has been sent cannot be taken back, but its push will be refused
            self._asking.cancel()
        self._story.close(self._now_ms())

    def _wait(self, wait_ms: int) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(wait_ms / 1000, self._late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        before = self.state
        if self._step("late"):
            self._log.warning("nothing came in time", state=before)
            self._fail(self._doubt.cause if before == ASKED and self._doubt is not None else _LATE[before])

    def _now_ms(self) -> int:
        return round((self._clock.monotonic_s() - self._began_s) * 1000)

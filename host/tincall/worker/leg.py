"""A phone leg over a worker process: the leg's verbs as control messages, the worker's words as events.

The table `HEARD` holds what a worker may say in which state and where it leads; anything else from a worker ends the leg
as a fault. Rules:

- `ringing`, `answer` and `release` of a worker that crossed our `release` are dropped: it could not know.
- A worker that releases gets our `release` back at once, since only that makes it report and exit.
- The order of a worker's doings is kept across its two sockets: packets after `answer` are handed over after it, packets
  before `release` and `report` before them. Media is read until `report`: after `leg_reported` the worker's `sent` is our
  `received`, and its `received` is our `sent`.
- A worker that does not report in time is given up: the report stays empty, the process is killed by the supervisor.
- A phone that is met in a room may be invited before its room is known: `room` hands it on, once.
- `status`, the platform's own number, is told by `on_status` and changes no state; it comes before the event it explains.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from callcore import causes
from callcore.errors import LocalError
from tincall import logs
from tincall.leg import PHONE, CallOffer, Leg, LegObserver, Media
from tincall.worker.process import Limits, WorkerProcess
from tincall.worker.protocol import CALLEE, CALLER, MAX_MEDIA_BYTES, media_fields, media_of

IDLE = "idle"
INVITED = "invited"  # the phone is being called
RINGING = "ringing"  # the phone rings
CALLING = "calling"  # the phone calls, nothing heard yet
RINGBACK = "ringback"  # the phone calls and hears that the far end rings
ANSWERED = "answered"
RELEASED = "released"  # over; the report is to come
REPORTED = "reported"  # over; nothing is to come

# (state, message of the worker): next state
HEARD = {
    (INVITED, "ringing"): RINGING,
    (INVITED, "answer"): ANSWERED,
    (RINGING, "answer"): ANSWERED,
    (INVITED, "release"): RELEASED,
    (RINGING, "release"): RELEASED,
    (CALLING, "release"): RELEASED,
    (RINGBACK, "release"): RELEASED,
    (ANSWERED, "release"): RELEASED,
    (RELEASED, "ringing"): RELEASED,
    (RELEASED, "answer"): RELEASED,
    (RELEASED, "release"): RELEASED,
    (RELEASED, "report"): REPORTED,
    **{(state, "status"): state for state in (INVITED, RINGING, CALLING, RINGBACK, ANSWERED, RELEASED)},
}

# packets between two looks at the clock, so that the check for a flood costs nothing per packet
FLOOD_WINDOW_PACKETS = 256


class WorkerLeg(Leg):
    """The phone's half of one call, held by one worker.

    Args:
        process: a ready worker; belongs to this leg from here.
        phone: settings of the phone, for the worker; must fit into a control message.
        limits: time limits.
        observer: who is told the events.

    Attributes:
        process: the worker.
        codecs: names of the codecs it can speak.
        state: one of the states above.
        done: done when the leg has no more use for its worker.
        on_status: told the platform's number of each `status`, from the event loop.
    """

    def __init__(
        self,
        process: WorkerProcess,
        phone: Mapping[str, Any],
        limits: Limits,
        observer: LegObserver | None = None,
    ) -> None:
        super().__init__(PHONE, observer)
        self.process = process
        self.codecs = process.codecs
        self.state = IDLE
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_status: Callable[[int], object] = _ignore
        self._phone = dict(phone)
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._send = process.send_media
        self._timer: asyncio.TimerHandle | None = None
        self._window_end = FLOOD_WINDOW_PACKETS
        self._window_began_s = self._loop.time()
        self._log = logs.get("worker").bind(pid=process.pid)
        process.attach(self._heard, self._media, self._lost)

    def invite(self, call: CallOffer) -> None:
        """Ring the phone; see `Leg.invite`."""
        self._begin(call, CALLEE, INVITED)

    def place(self, call: CallOffer) -> None:
        """Let the phone call: it becomes the caller; the answer comes to it by `answer`.

        Raises:
            LocalError: the leg is not idle.
        """
        self._begin(call, CALLER, CALLING)

    def ringing(self) -> None:
        """Tell the calling phone that the far end rings; see `Leg.ringing`."""
        self._allow("ringing", CALLING)
        self._say({"t": "ringing"})
        self.state = RINGBACK

    def answer(self, media: Media) -> None:
        """Tell the calling phone that the far end answered; see `Leg.answer`."""
        self._allow("answer", CALLING, RINGBACK)
        self._say({"t": "answer", "media": media_fields(media)})
        self.state = ANSWERED

    def room(self, room: Mapping[str, Any]) -> None:
        """Tell the worker the room in which its phone is met, when `phone` did not name it yet.

        Args:
            room: what the worker wants to know of a room; must fit into a control message.

        Raises:
            LocalError: the leg waits for no room.
        """
        self._allow("room", INVITED, CALLING, RINGBACK)
        if "room" in self._phone:
            raise LocalError("room is not possible: the phone leg has one")
        self._say({"t": "room", "room": dict(room)})
        self._phone["room"] = None

    def release(self, cause: int, released_by: str, duration_ms: int, reason: int | None = None) -> None:
        """End this half of the call; see `Leg.release`.

        Args:
            cause: see `Leg.release`.
            released_by: see `Leg.release`.
            duration_ms: see `Leg.release`.
            reason: the platform's number for the cause; None: the worker finds its own.
        """
        if self.state == IDLE:
            self.state = REPORTED
            self._end()
        elif self.state not in (RELEASED, REPORTED):
            self.state = RELEASED
            self._ask_report(cause, reason)

    def send_media(self, packet: bytes) -> bool:
        """Hand one packet to the worker; see `Leg.send_media`."""
        if self.state == ANSWERED and len(packet) <= MAX_MEDIA_BYTES and self._send(packet):
            self.counters.sent += 1
            return True
        self.counters.dropped += 1
        return False

    def _begin(self, call: CallOffer, role: str, state: str) -> None:
        self._allow("invite", IDLE)
        self._log = self._log.bind(call=call.call_id)
        start = {"t": "start", "call": call.call_id, "role": role, "phone": self._phone, "ring_ms": call.ring_ms}
        self._say({**start, "media": media_fields(call.media)})
        self.state = state

    def _allow(self, verb: str, *states: str) -> None:
        if self.state not in states:
            raise LocalError(f"{verb} is not possible: the phone leg is {self.state}")

    def _say(self, message: Mapping[str, Any]) -> None:
        if not self.process.send(message):
            # never from inside a verb
            self._loop.call_soon(self._lost, "the worker takes no control message")

    def _ask_report(self, cause: int, reason: int | None = None) -> None:
        self._timer = self._loop.call_later(
            self._limits.report_s, self.process.lose, f"no report within {self._limits.report_s} s"
        )
        self._say({"t": "release", "cause": cause, **({} if reason is None else {"reason": reason})})

    def _heard(self, message: dict[str, Any]) -> None:
        word = message["t"]
        if word in ("release", "report"):
            self.process.drain_media()
        before = self.state
        if (before, word) not in HEARD:
            self.process.lose(f"the worker said {word!r} while the leg was {before}")
            return
        self.state = HEARD[before, word]
        if word == "status":
            self.on_status(message["number"])
        elif word == "report":
            self._finish(message["figures"])
        elif before == RELEASED:
            return
        elif word == "ringing":
            self.observer.leg_ringing(self)
        elif word == "answer":
            self.observer.leg_answered(self, media_of(message["media"]))
        else:
            self._ask_report(message["cause"])
            self.observer.leg_released(self, message["cause"])

    def _media(self, packet: bytes) -> None:
        self.counters.received += 1
        if self.counters.received == self._window_end:
            self._check_flood()
        while (self.state == INVITED or self.state == RINGING) and self.process.drain_control(1):
            # its `answer` may wait on the other socket; no more is read there, since packets come before a `release`
            pass
        if self.sink is not None and (self.state == ANSWERED or self.state == RELEASED):
            self.sink(packet)

    def _check_flood(self) -> None:
        now_s = self._loop.time()
        if now_s - self._window_began_s < FLOOD_WINDOW_PACKETS / self._limits.media_per_s:
            self.process.lose(f"the worker sent more than {self._limits.media_per_s} packets a second")
        self._window_began_s = now_s
        self._window_end += FLOOD_WINDOW_PACKETS

    def _lost(self, sentence: str) -> None:
        if self.state in (IDLE, REPORTED):
            # idle: the first verb will meet it again
            return
        self._log.warning("worker lost", reason=sentence, state=self.state)
        before, self.state = self.state, REPORTED
        if before != RELEASED:
            self.observer.leg_released(self, causes.DESTINATION_OUT_OF_ORDER)
        self._finish({})

    def _end(self) -> None:
        self.process.dismiss()
        if not self.done.done():
            self.done.set_result(None)

    def _finish(self, figures: dict[str, Any]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._end()
        self.report = figures
        if "error" in figures:
            self._log.warning("the phone could not do all it was asked", reason=str(figures["error"]))
        self.observer.leg_reported(self, figures)


def _ignore(number: int) -> None:
    """Hear a status that nobody asked for."""

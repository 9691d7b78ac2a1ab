"""A worker whose phone is met in a room: `python -m tincall.wechat.worker --control-fd N --media-fd M --room-end PLAN`.

Relay on one side (`worker.protocol`), room end on the other (`worker.room`), sound between them (`sound`). It says `ready`
when its room end is. Rules:

- `callee`: it joins as soon as its room is known, with `start` or by `room`. Status CALLING is `ringing`, TALKING `answer`.
- `caller`: the phone waits in the room; it joins at `answer`, and declines the call if `release` comes before.
- Every status goes to the relay as it came, before the word it leads to. The first one that ends the room is `release`.
- `release` of the relay: leave the room, end the room end, report, exit. A report without `error` says that the room was
  left in order, or was over by itself; nobody needs to hang it up once more.
- The relay gone is `release` without a report. A relay that breaks the protocol makes it exit with 1 and one line on the
  standard error output, after it has left the room. No secret is ever written anywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from typing import Any

from callcore import causes
from callcore.errors import LocalError, MessageError, PeerError
from tincall import logs
from tincall.errors import OperatorError
from tincall.leg import CN, IN, OUT, Media
from tincall.wechat import vocabulary
from tincall.wechat.room_plan import RoomPlan
from tincall.wechat.sound import Sound
from tincall.wechat.vocabulary import Status
from tincall.worker import protocol, room_process, transcode
from tincall.worker.channel import Channel
from tincall.worker.protocol import CALLER, MAX_CONTROL_BYTES, MAX_MEDIA_BYTES, WorkerError
from tincall.worker.room import RATE_HZ, check_room
from tincall.worker.room_process import RoomEndProcess

# what a call may take beyond what the relay allows for it before this worker gives it up by itself
RING_SPARE_S = 20.0
PEER_S = 30.0
MAX_ERROR_CHARS = 400

WARM = "warm"  # no call yet
WAITING = "waiting"  # for the room, or for the answer
JOINING = "joining"
RINGING = "ringing"
TALKING = "talking"
OVER = "over"  # the relay was told so
LEAVING = "leaving"  # the relay asked for the report

# (state, message of the relay): whether it is expected
EXPECTED = {
    (WARM, "start"),
    *((state, "room") for state in (WAITING, OVER)),
    *((state, "ringing") for state in (WAITING, OVER)),
    *((state, "answer") for state in (WAITING, OVER)),
    *((state, "release") for state in (WAITING, JOINING, RINGING, TALKING, OVER)),
}


class RoomWorker:
    """The process's one call.

    Args:
        control: this end of the control socket.
        media: this end of the media socket.
        end: a room end that is ready.

    Attributes:
        ended: done with the exit status.
    """

    def __init__(self, control: socket.socket, media: socket.socket, end: RoomEndProcess) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = self._loop.create_future()
        self._control = Channel(control, MAX_CONTROL_BYTES, self._hear, self._relay_lost)
        self._media = Channel(media, MAX_MEDIA_BYTES, self._take, self._relay_lost)
        self._end = end
        self._state = WARM
        self._start: dict[str, Any] = {}
        self._room: dict[str, Any] | None = None
        self._choice = Media("PCMA", 20, 0, 0)
        self._is_answered = False
        self._is_room_over = False
        self._sound: Sound | None = None
        self._early = 0
        self._error = ""
        self._timer: asyncio.TimerHandle | None = None
        self._leaving: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Say `ready` and begin to listen."""
        self._end.attach(self._hear_end, self._frame, self._end_lost)
        self._control.open(self._loop)
        self._media.open(self._loop)
        codecs = [*transcode.codecs(RATE_HZ), CN]
        self._say({"t": "ready", "v": protocol.VERSION, "kind": f"wechat {self._end.kind}"[:64], "codecs": codecs})

    async def close(self) -> None:
        """Stop everything; a room that is still open is left."""
        self._stop_waiting()
        if self._sound is not None:
            self._sound.stop()
        self._control.close()
        self._media.close()
        await self._end.close()

    # -- the relay ---------------------------------------------------------------------------------------------------

    def _hear(self, datagram: bytes) -> None:
        message = protocol.decode(datagram, protocol.FROM_RELAY)
        word = message["t"]
        if (self._state, word) not in EXPECTED:
            raise PeerError(f"{word!r} out of turn")
        if word == "release":
            self._leave(message["cause"], message.get("reason"))
        elif word == "start":
            self._begin(message)
        elif self._state == OVER:
            # it crossed our release
            return
        elif word == "room":
            self._know(message["room"])
        elif word == "answer":
            self._answer(protocol.media_of(message["media"]))

    def _begin(self, start: dict[str, Any]) -> None:
        self._start = start
        self._state = WAITING
        self._choice = protocol.media_of(start["media"])
        if "room" in start["phone"]:
            self._know(start["phone"]["room"])

    def _know(self, room: Any) -> None:
        """Take the room; go in if it is time."""
        if self._room is not None:
            raise PeerError("'room' out of turn")
        try:
            self._room = check_room(room if isinstance(room, dict) else {})
        except MessageError as error:
            self._give_up(causes.PROTOCOL_ERROR, error.detail)
            return
        if self._start["role"] != CALLER or self._is_answered:
            self._join()

    def _answer(self, choice: Media) -> None:
        if self._is_answered or self._start["role"] != CALLER:
            raise PeerError("'answer' out of turn")
        self._is_answered = True
        self._choice = choice
        if self._open_sound() and self._room is not None:
            self._join()

    def _join(self) -> None:
        assert self._room is not None
        self._state = JOINING
        self._end.join(self._room)
        if self._start["role"] == CALLER:
            self._wait(PEER_S, causes.TIMER_EXPIRED, f"the room did not talk within {PEER_S:g} s")
        else:
            limit_s = self._start["ring_ms"] / 1000 + RING_SPARE_S
            self._wait(limit_s, causes.NO_ANSWER, f"the room had no end within {limit_s:g} s")

    def _take(self, packet: bytes) -> None:
        while self._sound is None and self._control.drain(1):
            # its `answer` may wait on the other socket; no more is read there, since packets come before a `release`
            pass
        if self._sound is not None:
            self._sound.take(packet)
        else:
            self._early += 1

    # -- the room end ------------------------------------------------------------------------------------------------

    def _hear_end(self, message: dict[str, Any]) -> None:
        if message["t"] == "status":
            self._status(message["number"])
            return
        sentence = room_process.told(message)
        if message["step"] == "join" and self._state not in (OVER, LEAVING):
            self._give_up(vocabulary.meaning("room", message["number"]).cause, sentence)
        else:
            self._note_error(sentence)

    def _status(self, number: int) -> None:
        """Hand a status on, and the word it leads to."""
        self._say({"t": "status", "number": number})
        if vocabulary.is_over(number):
            self._is_room_over = True
            if self._state not in (OVER, LEAVING):
                direction = IN if self._start["role"] == CALLER else OUT
                self._release(vocabulary.ending(number, direction)[0])
        elif number == Status.CALLING and self._state == JOINING and self._start["role"] != CALLER:
            self._state = RINGING
            self._say({"t": "ringing"})
        elif number == Status.TALKING and self._state in (JOINING, RINGING):
            self._talk()

    def _talk(self) -> None:
        self._stop_waiting()
        if not self._open_sound():
            return
        assert self._sound is not None
        self._state = TALKING
        if self._start["role"] != CALLER:
            self._say({"t": "answer", "media": protocol.media_fields(self._choice)})
        self._sound.flow()

    def _frame(self, pcm: bytes) -> None:
        if self._state == TALKING and self._sound is not None:
            self._sound.speak(pcm)

    def _end_lost(self, sentence: str) -> None:
        self._give_up(causes.DESTINATION_OUT_OF_ORDER, f"the room end was lost: {sentence}")

    # -- the end -----------------------------------------------------------------------------------------------------

    def _give_up(self, cause: int, sentence: str) -> None:
        """End the call for a reason of this side, which the report carries."""
        self._note_error(sentence)
        if self._state in (WARM, LEAVING, OVER):
            if self._state == WARM:
                # a spare without its room end is of no use: the relay makes a new one
                self._finish(1)
            return
        self._end.hang_up(int(vocabulary.reason_for(cause)))
        self._release(cause)

    def _release(self, cause: int) -> None:
        self._state = OVER
        self._stop_waiting()
        if self._sound is not None:
            self._sound.stop()
        self._say({"t": "release", "cause": cause})

    def _leave(self, cause: int, reason: int | None) -> None:
        """Leave the room as its state asks, and report."""
        self._media.drain()
        self._stop_waiting()
        if self._sound is not None:
            self._sound.stop()
        before, self._state = self._state, LEAVING
        number = int(vocabulary.reason_for(cause)) if reason is None else reason
        if before == WAITING and self._room is not None and self._start["role"] == CALLER:
            self._end.decline(self._room, number)
        elif not self._is_room_over:
            self._end.hang_up(number)
        self._leaving = self._loop.create_task(self._end_and_report())

    async def _end_and_report(self) -> None:
        status = await self._end.close()
        if status != 0 and not self._is_room_over:
            self._note_error(f"the room end ended with status {status}")
        figures: dict[str, Any] = {"sent": 0, "received": 0}
        if self._sound is not None:
            figures = self._sound.figures()
        figures["received"] += self._early
        pipe = self._end.pipe
        figures |= {"room_sent": pipe.sent, "room_dropped": pipe.dropped, "room_received": pipe.received}
        if self._error:
            figures["error"] = self._error
        self._say({"t": "report", "figures": figures})
        self._finish(0)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _open_sound(self) -> bool:
        """Make the call's sound, unless it is there; False: its codec cannot be spoken."""
        if self._sound is None:
            try:
                self._sound = Sound(self._choice, self._media.send, self._end.send, self._silent)
            except LocalError as error:
                self._give_up(causes.INCOMPATIBLE, error.detail)
                return False
            self._sound.start()
        return True

    def _silent(self, sentence: str) -> None:
        self._give_up(causes.MEDIA_TIMEOUT, sentence)

    def _wait(self, limit_s: float, cause: int, sentence: str) -> None:
        self._timer = self._loop.call_later(limit_s, self._give_up, cause, sentence)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _note_error(self, sentence: str) -> None:
        """Keep the first thing that went wrong for the report."""
        self._error = self._error or sentence[:MAX_ERROR_CHARS]

    def _say(self, message: dict[str, Any]) -> None:
        if not self._control.send(protocol.encode(message, protocol.FROM_WORKER)):
            self._finish(0)

    def _relay_lost(self, sentence: str) -> None:
        self._finish(0)

    def _finish(self, status: int) -> None:
        if not self.ended.done():
            self.ended.set_result(status)

    def stumble(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End with status 1 after an error that nobody expected; the loop's exception handler."""
        error = context.get("exception")
        # our own errors hold no secret; of others only the kind is told
        told = getattr(error, "detail", type(error).__name__)
        print(f"worker: {context['message'].splitlines()[0].split('(')[0]}: {told}", file=sys.stderr)
        self._finish(1)


async def serve(control_fd: int, media_fd: int, plan: RoomPlan) -> int:
    """Live one call.

    Args:
        control_fd: inherited descriptor of the control socket.
        media_fd: inherited descriptor of the media socket.
        plan: the room end.

    Returns:
        Exit status.
    """
    control, media = socket.socket(fileno=control_fd), socket.socket(fileno=media_fd)
    try:
        end = await RoomEndProcess.spawn(plan.arguments, plan.opening, plan.limits)
    except (WorkerError, LocalError) as error:
        print(f"worker: {error.detail}", file=sys.stderr)
        return 1
    worker = RoomWorker(control, media, end)
    asyncio.get_running_loop().set_exception_handler(worker.stumble)
    try:
        worker.open()
        return await worker.ended
    finally:
        await worker.close()


def main(arguments: list[str] | None = None) -> int:
    """Run the worker; see the head of this file."""
    parser = argparse.ArgumentParser(prog="tincall.wechat.worker", description="A phone in a room, for one call.")
    parser.add_argument("--control-fd", type=int, required=True)
    parser.add_argument("--media-fd", type=int, required=True)
    parser.add_argument("--room-end", required=True, metavar="PLAN", help="JSON, a file with it, or a name")
    given = parser.parse_args(arguments)
    try:
        plan = RoomPlan.read(given.room_end)
    except OperatorError as error:
        print(f"worker: {error.message}. {error.hint}", file=sys.stderr)
        return 2
    logs.configure("warning")
    for codec in transcode.codecs(RATE_HZ):
        # what is made once is made while the worker is still a spare; met first in a call it would make sound wait
        transcode.coder(codec)
    return asyncio.run(serve(given.control_fd, given.media_fd, plan))


if __name__ == "__main__":
    sys.exit(main())

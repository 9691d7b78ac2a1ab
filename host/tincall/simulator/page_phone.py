"""One phone as its page has it: what goes on, what the page has still to be told, what it may say; no I/O.

It is a `Phone` to the platform and outlives the page's connection for a while, so that a reload or a gap in the network
does not end a call. Sound for a page that does not take it is dropped, oldest first; so are further messages for a page that
takes none, which is told everything when it comes back. Whoever moves the bytes is called by `filled`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from callcore.compat import ticks_diff
from callcore.errors import MessageError
from tincall.clock import Clock
from tincall.simulator.numbers import Refused
from tincall.simulator.page_words import GATE, LOST, NO_ANSWER_YET, VERSION, WORDS
from tincall.simulator.room import FRAME_BYTES, OVER, TALKING, Room
from tincall.simulator.rooms import Line, Rooms

# 200 ms: the page's own jitter buffer holds no more
FRAMES_MAX = 10
# signalling of a whole call has some ten messages; a page with so many unread is gone, and will be told all when it comes back
TEXTS_MAX = 128
# what a phone shows of somebody else's words, and how many devices: a welcome of the worst of them fits its bound
NAME_MAX_CHARS = 128
DEVICES_MAX = 32
# a tab that wakes up says at once what it recorded; half a second is allowed, then what real time brings and a tenth more
BURST_FRAMES = 25
FRAME_COST_MS = 20 / 1.1
# signalling by hand, a ping and a report a second
BURST_MESSAGES = 40
MESSAGE_COST_MS = 50


@dataclass(frozen=True)
class Person:
    """Somebody who has a phone: `openid`, and the `name` by which the list shows them."""

    openid: str
    name: str


@dataclass(frozen=True)
class Device:
    """A device as a phone lists it.

    Args:
        sn: its serial number.
        name: its own name.
        model: the name of its model; people see both.
        consent: whether it may ring this phone: one of `page_words.CONSENTS`.
    """

    sn: str
    name: str
    model: str = ""
    consent: str = NO_ANSWER_YET


class Desk(Protocol):
    """The mini program behind the phones: who there is, what they have, what their taps do."""

    @property
    def app_name(self) -> str:
        """Give the mini program's name."""

    def people(self) -> Sequence[Person]:
        """List who has a phone."""

    def devices(self, openid: str) -> Sequence[Device]:
        """List the devices that a phone knows."""

    def decide(self, openid: str, sn: str, allow: bool) -> None:
        """Keep a user's answer to whether a device may ring them."""

    async def place(self, openid: str, sn: str, room_type: str) -> Room:
        """Let a user call a device.

        Raises:
            Refused: it is not allowed, or cannot be done.
        """

    async def press(self, room: Room) -> tuple[bool, str]:
        """Do what the custom button does; gives whether it was done, and a sentence if there is more to say."""


class Allowance:
    """How much may come: a bucket that time fills.

    Args:
        burst: how many at once.
        cost_ms: time that one more costs.
        now_ms: the time.
    """

    def __init__(self, burst: int, cost_ms: float, now_ms: int) -> None:
        self._burst = burst
        self._cost_ms = cost_ms
        self._left = float(burst)
        self._at_ms = now_ms

    def take(self, now_ms: int) -> bool:
        """Take one; False: too many."""
        self._left = min(self._burst, self._left + ticks_diff(now_ms, self._at_ms) / self._cost_ms)
        self._at_ms = now_ms
        if self._left < 1:
            return False
        self._left -= 1
        return True


class PagePhone:
    """A phone whose screen is a page.

    Args:
        rooms: the platform's rooms; the phone is switched on there.
        desk: the mini program.
        person: whose phone.
        clock: the time.

    Attributes:
        line: its way into the platform.
        filled: called when there is something to move to the page.
        report: what the page measured last.
        too_many: frames of the page that came faster than real time and were dropped.
    """

    def __init__(self, rooms: Rooms, desk: Desk, person: Person, clock: Clock) -> None:
        self.filled: Callable[[], None] = lambda: None
        self.report: dict[str, float] = {}
        self.too_many = 0
        self._rooms = rooms
        self._desk = desk
        self._person = person
        self._clock = clock
        self._texts: deque[bytes] = deque()
        self._frames: deque[bytes] = deque()
        self._is_open = False
        self._room: Room | None = None
        self._talk_since_ms = 0
        self._made_before = self._sent = self._dropped = 0
        self._frame_allowance = Allowance(BURST_FRAMES, FRAME_COST_MS, clock.now_ms())
        self._message_allowance = Allowance(BURST_MESSAGES, MESSAGE_COST_MS, clock.now_ms())
        self.line: Line = rooms.attach(person.openid, self)

    # what the platform tells

    def rings(self, room: Room) -> None:
        """See `Phone.rings`."""
        self._room = room
        self._say("ring", call=self._call(room))

    def talks(self, room: Room) -> None:
        """See `Phone.talks`."""
        self._room = room
        self._talk_since_ms = self._clock.now_ms()
        self._made_before, self._sent, self._dropped = room.frames_up, 0, 0
        self._say("talk", room=room.keys.room_id)

    def stopped(self, room: Room, why: str) -> None:
        """See `Phone.stopped`."""
        if self._room is room:
            self._room = None
        self._frames.clear()
        self._say("over", room=room.keys.room_id, why=why)

    def frame(self, pcm: bytes) -> None:
        """See `Phone.frame`."""
        if len(self._frames) >= FRAMES_MAX:
            self._frames.popleft()
            self._dropped += 1
        self._frames.append(pcm)
        self.filled()

    # what the mini program tells

    def ask(self, device: Device) -> None:
        """Show the consent screen, as `wx.requestDeviceVoIP` does; one who has answered is not asked again."""
        if device.consent == NO_ANSWER_YET:
            self._say("ask", device=_shown(device))

    def tell_devices(self) -> None:
        """Show the list of devices anew."""
        self._say("devices", devices=self._devices())

    # what the page does

    def open(self) -> None:
        """Begin with a page that has just come: it is told everything."""
        self._is_open = True
        self._texts.clear()
        self._frames.clear()
        if not self.is_on():
            self._room = None
            self.line = self._rooms.attach(self._person.openid, self)
        room = self._room
        self._texts.clear()  # what rings here is in the welcome
        self._say(
            "welcome",
            v=VERSION,
            openid=self._person.openid,
            name=bounded(self._person.name),
            app=bounded(self._desk.app_name),
            devices=self._devices(),
            call=None if room is None else self._call(room),
        )

    def shut(self) -> None:
        """Notice that the page is gone for now."""
        self._is_open = False
        self._texts.clear()
        self._frames.clear()

    def leave(self) -> None:
        """Switch the phone off."""
        self.shut()
        self.line.leave()

    def is_on(self) -> bool:
        """Tell whether this is still the phone that rings for its person; a newer one takes its place."""
        return self._rooms.line(self._person.openid) is self.line

    def hear_frame(self, pcm: bytes) -> None:
        """Take 20 ms of the page's microphone.

        Raises:
            MessageError: it is no frame.
        """
        if len(pcm) != FRAME_BYTES:
            raise MessageError(f"a frame has {FRAME_BYTES} bytes, not {len(pcm)}")
        if not self._frame_allowance.take(self._clock.now_ms()):
            self.too_many += 1
            return
        self.line.send(pcm)

    async def hear(self, message: dict[str, Any]) -> None:
        """Do what a message of the page says; one for a call that is over does nothing, both ends act at once.

        Raises:
            MessageError: too many messages, or one that does not belong here.
        """
        if not self._message_allowance.take(self._clock.now_ms()):
            raise MessageError("too many messages")
        word = message["t"]
        if word == "ping":
            self._say("pong", n=message["n"])
        elif word == "consent":
            self._decide(message["sn"], message["allow"])
        elif word == "call":
            await self._place(message["sn"], message["kind"])
        elif "room" in message:
            await self._act(word, message)
        else:
            raise MessageError(f"{word!r} is not for now")

    def next_text(self) -> bytes | None:
        """Take the next message for the page."""
        return self._texts.popleft() if self._texts else None

    def next_frame(self) -> bytes | None:
        """Take the next frame for the page."""
        if not self._frames:
            return None
        self._sent += 1
        return self._frames.popleft()

    def tell_figures(self) -> None:
        """Tell the page how many frames there were for it in this call."""
        room = self._room
        if room is not None and room.state == TALKING:
            self._say(
                "figures",
                room=room.keys.room_id,
                made=room.frames_up - self._made_before,
                sent=self._sent,
                dropped=self._dropped,
            )

    async def _act(self, word: str, message: dict[str, Any]) -> None:
        room = self._room
        if room is None or room.keys.room_id != message["room"]:
            return
        if word == "answer":
            self.line.answer()
        elif word == "reject":
            self.line.reject()
        elif word == "hang_up":
            self.line.hang_up()
        elif word == "mute":
            self.line.mute(message["on"])
        elif word == "report":
            self.report = message["figures"]
        elif room.state == TALKING:
            done, text = await self._desk.press(room)
            self._say("pressed", room=message["room"], ok=done, text=bounded(text))

    def _decide(self, sn: str, allow: bool) -> None:
        if any(device.sn == sn for device in self._desk.devices(self._person.openid)):
            self._desk.decide(self._person.openid, sn, allow)
        self.tell_devices()

    async def _place(self, sn: str, kind: str) -> None:
        try:
            room = await self._desk.place(self._person.openid, sn, kind)
        except Refused as refused:
            self._say("refused", number=refused.number, text=bounded(str(refused)))
            return
        if room.state == OVER:
            self._say("calling", call=self._call(room))
            self._say("over", room=room.keys.room_id, why=room.why or LOST)
        elif self.line.room is room:
            self._room = room
            self._say("calling", call=self._call(room))

    def _devices(self) -> list[dict[str, str]]:
        return [_shown(device) for device in list(self._desk.devices(self._person.openid))[:DEVICES_MAX]]

    def _call(self, room: Room) -> dict[str, Any]:
        """Describe a call as the page shows it."""
        order = room.order
        known = next((one for one in self._desk.devices(self._person.openid) if one.sn == order.sn), None)
        return {
            "room": room.keys.room_id,
            "sn": order.sn,
            "name": bounded(known.name if known else order.name or order.sn),
            "model": bounded(known.model if known else order.model_id),
            "kind": order.room_type,
            "direction": order.direction,
            "state": room.state if room.state == TALKING or room.is_out else "calling",
            "muted": self.line.is_muted,
            "talk_ms": max(0, ticks_diff(self._clock.now_ms(), self._talk_since_ms)) if room.state == TALKING else 0,
        }

    def _say(self, word: str, **fields: Any) -> None:
        if self._is_open and len(self._texts) < TEXTS_MAX:
            self._texts.append(WORDS.encode({"t": word, **fields}, GATE))
            self.filled()


def _shown(device: Device) -> dict[str, str]:
    name, model = bounded(device.name), bounded(device.model)
    return {"sn": device.sn, "name": name, "model": model, "consent": device.consent}


def bounded(text: str) -> str:
    """Cut somebody else's words to what is shown; half a surrogate pair could not be sent at all."""
    return text[:NAME_MAX_CHARS].encode("utf-8", "replace").decode()

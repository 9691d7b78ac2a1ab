"""All rooms of the platform, and the lines by which phones take part; no I/O.

A phone is anything that keeps `Phone`: a script, a page in a browser. It is attached under its openid, gets a `Line`, is
told what happens through the protocol's methods and acts through the line's verbs. One phone per openid: the newest.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from tincall.clock import Clock
from tincall.ids import Random
from tincall.leg import IN
from tincall.simulator import numbers
from tincall.simulator.ledger import Ledger
from tincall.simulator.numbers import Refused, RoomError
from tincall.simulator.room import FRAME_BYTES, MADE, OVER, RINGING, Keys, Order, PhoneEnd, Room, RoomEnd, Times

# calls at one time; what is beyond is a relay that does not hang up
LIVE_MAX = 512
# rooms that are over and still known, for those who come late
KNOWN_MAX = 1024
ROOM_PREFIX = "wxf830863afde621ebWmpfVoip"
SILENCE = bytes(FRAME_BYTES)

Phone = PhoneEnd


class Line:
    """A phone's way into the platform: its verbs.

    Args:
        rooms: the platform's rooms.
        openid: whose phone.
        phone: hears what happens.

    Attributes:
        room: the room that rings at this phone or that it is in; None: idle.
        is_muted: the device hears silence.
    """

    def __init__(self, rooms: Rooms, openid: str, phone: Phone) -> None:
        self.openid = openid
        self.phone = phone
        self.room: Room | None = None
        self.is_muted = False
        self._rooms = rooms

    def answer(self) -> bool:
        """Pick up; False: nothing rings."""
        return self._act(lambda room, now_ms: room.pick_up(now_ms))

    def reject(self) -> bool:
        """Decline what rings; False: nothing rings."""
        return self._act(lambda room, now_ms: room.reject(now_ms))

    def occupied(self) -> bool:
        """Say that the user is in a call elsewhere; False: nothing rings."""
        return self._act(lambda room, now_ms: room.occupied(now_ms))

    def hang_up(self) -> bool:
        """End the call, or cancel the one being made; False: there is none."""
        return self._act(lambda room, now_ms: room.phone_leaves(now_ms))

    def mute(self, is_muted: bool) -> None:
        """Send silence in place of sound, or sound again."""
        self.is_muted = is_muted

    def send(self, pcm: bytes) -> bool:
        """Say 20 ms; False: nobody hears it now.

        Args:
            pcm: one frame of `room.FRAME_BYTES`.

        Raises:
            ValueError: it has another length.
        """
        if len(pcm) != FRAME_BYTES:
            raise ValueError(f"a frame has {FRAME_BYTES} bytes, not {len(pcm)}")
        return self.room is not None and self._rooms.say(self.room, SILENCE if self.is_muted else pcm)

    def call(self, sn: str, model_id: str, payload: str, room_type: str = "voice", time_limit_ms: int = 0) -> Room:
        """Call a device, as the mini program's `callDevice` does.

        Args:
            sn: the device.
            model_id: its model.
            payload: what the relay gave out for this call.
            room_type: `voice` or `video`.
            time_limit_ms: longest talk; 0: no limit.

        Raises:
            Refused: the platform does not allow it, or the phone is in a call.
        """
        return self._rooms.place(self.openid, sn, model_id, payload, room_type, time_limit_ms)

    def leave(self) -> None:
        """Go: the phone is switched off. What rings rings on elsewhere, what talks falls silent."""
        self._rooms.detach(self)

    def _act(self, verb: Callable[[Room, int], bool]) -> bool:
        if self.room is None:
            return False
        done = verb(self.room, self._rooms.now_ms())
        self._rooms.changed()
        return done


class _Watch:
    """Stands between a room and a phone: keeps the line's `room` true, before the phone hears of it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def rings(self, room: Room) -> None:
        self._line.phone.rings(room)

    def talks(self, room: Room) -> None:
        self._line.phone.talks(room)

    def stopped(self, room: Room, why: str) -> None:
        if self._line.room is room:
            self._line.room = None
        self._line.phone.stopped(room, why)

    def frame(self, pcm: bytes) -> None:
        self._line.phone.frame(pcm)


class Rooms:
    """The platform's rooms and phones.

    Args:
        clock: the time.
        random: for ids and secrets.
        times: how long things may take in a room.
        ledger: where to write what happens.

    Attributes:
        times: may be replaced; rooms that are there keep theirs.
        changed: called after whatever may have moved the next wake.
        place_call: makes a phone's call; set by the cloud.
        up: hands a device's frame on towards a phone; set by who impairs it.
        down: the same in the other direction.
    """

    def __init__(self, clock: Clock, random: Random, times: Times, ledger: Ledger) -> None:
        self.times = times
        self.changed: Callable[[], None] = lambda: None
        self.place_call: Callable[[Order], Room] = lambda order: self.make(order)
        self.up: Callable[[Room, bytes], None] = deliver_up
        self.down: Callable[[Room, bytes], None] = deliver_down
        self._clock = clock
        self._random = random
        self._ledger = ledger
        self._rooms: dict[str, Room] = {}
        self._live: dict[str, Room] = {}
        self._by_token: dict[str, Room] = {}
        self._lines: dict[str, Line] = {}

    def now_ms(self) -> int:
        """Give the time that rooms live in."""
        return self._clock.now_ms()

    # phones

    def attach(self, openid: str, phone: Phone) -> Line:
        """Switch a phone on; one that was there under this openid is switched off. What rings for it rings here."""
        older = self._lines.get(openid)
        if older is not None:
            self.detach(older)
        line = self._lines[openid] = Line(self, openid, phone)
        for room in list(self._live.values()):
            if room.order.openid == openid and room.is_out and room.state == RINGING:
                self._give(room, line)
                phone.rings(room)
        return line

    def detach(self, line: Line) -> None:
        """Switch a phone off."""
        if self._lines.get(line.openid) is line:
            del self._lines[line.openid]
        if line.room is not None:
            line.room.phone = None
            line.room = None

    def line(self, openid: str) -> Line | None:
        """Give the line of a phone that is on."""
        return self._lines.get(openid)

    def phones(self) -> list[str]:
        """List the openids whose phones are on."""
        return sorted(self._lines)

    # rooms

    def make(self, order: Order) -> Room:
        """Make a room.

        Raises:
            Refused: there are too many.
        """
        if len(self._live) >= LIVE_MAX:
            raise Refused(5, "too many rooms")
        room = Room(self._new_keys(), order, self.times, self.now_ms())
        self._rooms[room.keys.room_id] = self._live[room.keys.room_id] = room
        self._by_token[room.keys.server_token] = room
        while len(self._rooms) > KNOWN_MAX:
            self._forget(next(iter(self._rooms)))
        self._ledger.note("room_made", room_id=room.keys.room_id, direction=order.direction, openid=order.openid)
        self.changed()
        return room

    def place(self, openid: str, sn: str, model_id: str, payload: str, room_type: str, time_limit_ms: int = 0) -> Room:
        """Let a user call a device; the phone, if it is on, is in the room from now on.

        Raises:
            Refused: the platform does not allow it, or the user is in a call.
        """
        if self._is_busy(openid):
            raise Refused(5, "another call of this user is going on")
        order = Order(IN, "", openid, sn, model_id, payload, room_type, sn, time_limit_ms)
        room = self.place_call(order)
        line = self._lines.get(openid)
        if line is not None and room.state != OVER:
            self._give(room, line)
        return room

    def ring(self, room: Room) -> None:
        """Let a room's call begin, or end it because the user is in another one."""
        now_ms = self.now_ms()
        line = self._lines.get(room.order.openid)
        if room.is_out and room.state == MADE and self._is_busy(room.order.openid):
            room.ring(now_ms)
            room.occupied(now_ms)
        else:
            if room.is_out and room.state == MADE and line is not None:
                self._give(room, line)
            room.ring(now_ms)
        self.changed()

    def refuse(self, room: Room) -> bool:
        """End a room that the relay did not want; False: too late."""
        done = room.refuse(self.now_ms())
        self.changed()
        return done

    def cancel(self, room_id: str) -> bool:
        """Let a calling user hang up; nobody tells the relay. False: no such room, or it is over.

        Args:
            room_id: a room that a phone made.
        """
        room = self._live.get(room_id)
        if room is None or room.is_out:
            return False
        done = room.phone_leaves(self.now_ms())
        self.changed()
        return done

    def find(self, room_id: str) -> Room | None:
        """Give a room, also one that is over as long as it is known."""
        return self._rooms.get(room_id)

    def live(self) -> list[Room]:
        """Give the rooms that are not over."""
        return [room for room in self._live.values() if room.state != OVER]

    # the relay's side

    def join(self, appid: str, room_id: str, session_key: str, server_token: str, payload: str, end: RoomEnd) -> Room:
        """Let a room end in.

        Raises:
            RoomError: no such room, or something of the push does not match.
        """
        room = self._rooms.get(room_id)
        if room is None:
            raise RoomError(numbers.NOT_FOUND, "there is no such room")
        if appid != room.order.appid:
            raise RoomError(numbers.DATA_LOSS, "the appid is not that of the room")
        if (session_key, server_token) != (room.keys.session_key, room.keys.server_token):
            raise RoomError(numbers.INVALID_ARGUMENT, "session key or server token are not those of the room")
        if not payload or payload != room.order.payload:
            raise RoomError(numbers.INVALID_ARGUMENT, "the payload is not that of the room")
        if room.was_joined:
            self._ledger.remark("joined_twice", room_id=room_id)
        self._ledger.note("joined", room_id=room_id, state=room.state)
        room.join(end, self.now_ms())
        self.changed()
        return room

    def listener_hang_up(self, appid: str, server_token: str, payload: str, reason: int) -> Room:
        """Decline a phone's call without joining.

        Raises:
            RoomError: as `Room.listener_hang_up`, or the token opens no room.
        """
        room = self._by_token.get(server_token)
        if room is None:
            raise RoomError(numbers.NOT_FOUND, "the server token opens no room")
        if appid and appid != room.order.appid:
            raise RoomError(numbers.DATA_LOSS, "the appid is not that of the room")
        room.listener_hang_up(payload, reason, self.now_ms())
        self._ledger.note("listener_hangup", room_id=room.keys.room_id, reason=reason)
        self.changed()
        return room

    def hang_up(self, room: Room, reason: int) -> bool:
        """Hang up from the relay's side; False: it was over.

        Raises:
            RoomError: no such reason.
        """
        done = room.hang_up(reason, self.now_ms())
        self._ledger.note("hangup", room_id=room.keys.room_id, reason=reason, why=room.why)
        self.changed()
        return done

    # sound

    def say(self, room: Room, pcm: bytes) -> bool:
        """Take a phone's frame; False: nobody hears it."""
        taken = room.frame_from_phone(pcm, self.now_ms())
        if taken:
            self.down(room, pcm)
        return taken

    def hear(self, room: Room, pcm: bytes) -> bool:
        """Take a room end's frame; False: nobody hears it.

        Raises:
            RoomError: it is no frame.
        """
        taken = room.frame_from_end(pcm, self.now_ms())
        if taken:
            self.up(room, pcm)
        return taken

    # time

    def tick(self) -> None:
        """Do what the time asks for, and put away what is over."""
        now_ms = self.now_ms()
        for room_id, room in list(self._live.items()):
            room.tick(now_ms)
            if room.state == OVER:
                del self._live[room_id]
                self._ledger.note("room_over", **room.facts())
                if room.why == "aborted":
                    self._ledger.remark("silent_side", room_id=room_id)

    def next_wake_ms(self) -> int | None:
        """Give in how many ms `tick` has something to do; None: not by itself."""
        now_ms = self.now_ms()
        waits = [0 if room.state == OVER else room.next_wake_ms(now_ms) for room in self._live.values()]
        return min((wait_ms for wait_ms in waits if wait_ms is not None), default=None)

    def facts(self) -> list[dict[str, Any]]:
        """Give all rooms that are known; no secrets."""
        return [room.facts() for room in self._rooms.values()]

    def _is_busy(self, openid: str) -> bool:
        # a room that a device made does not touch its phone before it rings
        return any(
            room.order.openid == openid and room.state != OVER and not (room.is_out and room.state == MADE)
            for room in self._live.values()
        )

    def _give(self, room: Room, line: Line) -> None:
        room.phone = _Watch(line)
        line.room = room
        line.is_muted = False

    def _forget(self, room_id: str) -> None:
        room = self._rooms.pop(room_id)
        self._live.pop(room_id, None)
        self._by_token.pop(room.keys.server_token, None)

    def _new_keys(self) -> Keys:
        number = int.from_bytes(self._random(6), "big")
        session_key = base64.b64encode(self._random(75)).decode()
        server_token = base64.b64encode(self._random(32)).decode()
        return Keys(f"{ROOM_PREFIX}{700_000_000_000_000 + number}", session_key, server_token)


def deliver_up(room: Room, pcm: bytes) -> None:
    """Give a device's frame to the phone, if there is one and the call goes on."""
    if room.phone is not None and room.state != OVER:
        room.phone.frame(pcm)


def deliver_down(room: Room, pcm: bytes) -> None:
    """Give a phone's frame to the room end, if there is one and the call goes on."""
    if room.end is not None and room.state != OVER:
        room.end.frame(pcm)

"""The simulator as it runs: the model, its clock's alarm, its pushes and its bad paths, in one event loop.

The model has no I/O and waits for nobody; this lets its time act and carries out what it asks for. What it starts ends with
`stop`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

from tincall.clock import Clock, SystemClock
from tincall.ids import Random
from tincall.logs import get
from tincall.simulator import credentials
from tincall.simulator.callee import ScriptedPhone
from tincall.simulator.cloud import Cloud
from tincall.simulator.credentials import Credentials
from tincall.simulator.envelope import Envelope
from tincall.simulator.impair import FramePath, FrameProfile
from tincall.simulator.ledger import Ledger
from tincall.simulator.phone import PhoneScript
from tincall.simulator.pusher import Pusher, PushPlan, Sent
from tincall.simulator.room import MADE, OVER, RINGING, Order, Room, Times
from tincall.simulator.rooms import Rooms, deliver_down, deliver_up

# with the order `before`: a relay that reads pushes only when its API call is answered must still get that answer
BEFORE_S = 1.0
# with the order `during`: so long after the push began the API call is answered
DURING_S = 0.03
TASKS_MAX = 1024

log = get("simulator")


class Service:
    """A running simulator; made inside an event loop.

    Args:
        clock: the time.
        random: for ids and secrets.
        times: how long things may take in a room.
        console: the app and its secrets; new ones if missing.
        plan: how pushes are delivered.

    Attributes:
        cloud, rooms, ledger, pusher: its parts.
        plan: how pushes are delivered; counts for pushes from now on.
        up: how bad the path from device to phone is; None: good.
        down: the same from phone to device.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        random: Random = os.urandom,
        times: Times | None = None,
        console: Credentials | None = None,
        plan: PushPlan | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.console = console or credentials.make(random)
        self.ledger = Ledger(self.clock)
        self.rooms = Rooms(self.clock, random, times or Times(), self.ledger)
        self.cloud = Cloud(self.clock, random, self.rooms, self.ledger)
        for app in self.console.apps():
            self.cloud.accounts.apps[app.appid] = app
        envelope = Envelope(self.console.push_token, self.console.aes_key, self.console.appid, random)
        self.pusher = Pusher(self.clock, self.ledger, envelope, self.console.original_id)
        self.plan = plan or PushPlan()
        self.up: FrameProfile | None = None
        self.down: FrameProfile | None = None
        self.rooms.changed = self._changed
        self.rooms.place_call = self._place_call
        self.rooms.up = self._send_up
        self.rooms.down = self._send_down
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._paths: dict[tuple[str, str], _Path] = {}
        self._phones: dict[str, ScriptedPhone] = {}
        self._is_stopped = False

    async def stop(self) -> None:
        """End everything that runs; rooms are told nothing."""
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for phone in self._phones.values():
            phone.close()
        for path in self._paths.values():
            path.close()
        self._paths.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pusher.close()

    @property
    def pending(self) -> int:
        """Give how many pushes are being delivered or are due."""
        return len(self._tasks)

    # phones

    def add_phone(self, script: PhoneScript, vanish_after_ms: int = 0) -> None:
        """Switch a scripted phone on; the one that was there under its id is switched off.

        Raises:
            OperatorError: its clip cannot be read.
        """
        made = ScriptedPhone(self.rooms, script, self.clock, self.ledger, vanish_after_ms)
        older = self._phones.get(script.id)
        if older is not None:
            older.close()
        self._phones[script.id] = made

    def call_device(
        self, openid: str, sn: str, model_id: str, payload: str, room_type: str = "voice", time_limit_ms: int = 0
    ) -> Room:
        """Let a user call a device, by their scripted phone if they have one.

        Raises:
            Refused: the platform does not allow it, or the user is in a call.
        """
        scripted = self._phones.get(openid)
        if scripted is None or self.rooms.line(openid) is not scripted.line:
            return self.rooms.place(openid, sn, model_id, payload, room_type, time_limit_ms)
        return scripted.call(sn, model_id, payload, room_type, time_limit_ms)

    # pushes

    def announce(self, room: Room) -> asyncio.Event:
        """Start what follows a room's making: its push, and ringing.

        Returns:
            Set when the relay has given its first verdict.
        """
        verdict = asyncio.Event()
        if len(self._tasks) >= TASKS_MAX:
            log.error("too many pushes", room=room.keys.room_id)
        else:
            self._start(self._announce(room, self.plan, verdict))
        return verdict

    async def before_answer(self, room: Room) -> bool:
        """Do what comes before the answer to the API call that made a room; True: it is still to be announced."""
        order = self.plan.order
        if order == "after":
            return True
        verdict = self.announce(room)
        try:
            async with asyncio.timeout(BEFORE_S if order == "before" else DURING_S):
                await verdict.wait()
        except TimeoutError:
            log.debug("the API is answered before the push is", room=room.keys.room_id)
        return False

    async def push_event(self, name: str, openid: str) -> Sent:
        """Push an event that is none of calls; a relay answers with nothing or `success`, or its like encrypted."""
        sent = await self.pusher.send(self.pusher.event(name, openid), self.plan)
        if sent.body.strip() not in (b"", b"success"):
            self.ledger.remark("unknown_event_not_taken", name=name)
        return sent

    async def until(self, room: Room, *left: str) -> None:
        """Wait until a room has left these states."""
        while room.state in left:
            self._moved.clear()
            await self._moved.wait()

    async def _announce(self, room: Room, plan: PushPlan, verdict: asyncio.Event) -> None:
        if plan.rings != "after_yes":
            self.rooms.ring(room)
        if plan.rings == "before_push":
            await self.until(room, MADE, RINGING)
        await asyncio.sleep(plan.delay_ms / 1000)
        fields = self.pusher.notification(room)
        for flaw in plan.forged:
            forged = await self.pusher.send(fields, plan.model_copy(update={"timeout_ms": 1000}), flaw)
            if forged.number == 0:
                self.ledger.remark("took_forgery", flaw=flaw)
        if plan.lost or not self.pusher.url:
            self.ledger.note("push_lost", room_id=room.keys.room_id)
            return
        copies = [self._deliver(room, fields, plan, verdict) for _ in range(1 + plan.repeats)]
        if plan.concurrent:
            sent = list(await asyncio.gather(*copies))
        else:
            sent = [await copy for copy in copies]
        if len({(one.number, one.body) for one in sent}) > 1:
            self.ledger.remark("answers_differ", numbers=[one.number for one in sent])
        if plan.replay:
            await self.until(room, MADE, RINGING, "picked_up", "talking")
            await self.pusher.resend(sent[0], plan)

    async def _deliver(self, room: Room, fields: dict[str, Any], plan: PushPlan, verdict: asyncio.Event) -> Sent:
        """Deliver one copy, and let the room go on or end by the answer."""
        sent = await self.pusher.deliver(fields, plan)
        if sent.number == 0:
            self.rooms.ring(room)
        elif self.rooms.refuse(room):
            self.ledger.note("refused", room_id=room.keys.room_id, errcode=sent.number)
        verdict.set()
        return sent

    def _place_call(self, order: Order) -> Room:
        room = self.cloud.call_device(order)
        self.announce(room)
        return room

    # sound

    def _send_up(self, room: Room, pcm: bytes) -> None:
        self._send(room, "up", pcm)

    def _send_down(self, room: Room, pcm: bytes) -> None:
        self._send(room, "down", pcm)

    def _send(self, room: Room, way: str, pcm: bytes) -> None:
        profile = self.up if way == "up" else self.down
        if profile is None:
            _DELIVER[way](room, pcm)
            return
        key = room.keys.room_id, way
        if key not in self._paths:
            self._paths[key] = _Path(room, way, profile, self.clock, self._loop)
        self._paths[key].put(pcm)

    # time

    def _changed(self) -> None:
        self._moved.set()
        self._look()

    def _look(self) -> None:
        """Set the alarm anew."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_stopped:
            return
        wait_ms = self.rooms.next_wake_ms()
        if wait_ms is not None:
            self._timer = self._loop.call_later(wait_ms / 1000, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.rooms.tick()
        self._moved.set()
        for key in [key for key, path in self._paths.items() if path.room.state == OVER]:
            self._paths.pop(key).close()
        self._look()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a push failed", exc_info=task.exception())
            self.ledger.note("failure", what=repr(task.exception()))


class _Path:
    """A bad path with its own alarm."""

    def __init__(
        self, room: Room, way: str, profile: FrameProfile, clock: Clock, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.room = room
        self._deliver = _DELIVER[way]
        self._clock = clock
        self._loop = loop
        self._path = FramePath(profile, clock.now_ms())
        self._timer: asyncio.TimerHandle | None = None

    def put(self, pcm: bytes) -> None:
        self._path.put(pcm, self._clock.now_ms())
        self._move()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _move(self) -> None:
        self.close()
        now_ms = self._clock.now_ms()
        for pcm in self._path.due(now_ms):
            self._deliver(self.room, pcm)
        wait_ms = self._path.next_wake_ms(now_ms)
        if wait_ms is not None:
            # a bit more, since a timer may fire a moment early
            self._timer = self._loop.call_later((wait_ms + 0.5) / 1000, self._move)


_DELIVER = {"up": deliver_up, "down": deliver_down}

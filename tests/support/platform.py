"""The simulated platform's rooms in a thread, with phones that do as they are told: for whatever is a process or blocks."""

import asyncio
import base64
import os
import threading
import time
from collections import deque

from fastapi import FastAPI

from support.legs import until
from tincall.leg import IN, OUT
from tincall.simulator import web_rooms
from tincall.simulator.room import OVER, Order
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service
from tincall.worker.pace import Pace

APPID = "wx00000000000000aa"
SILENCE = bytes(640)
TICK_NS = 20_000_000


class Phone:
    """A phone that `answers`, `rejects`, is `busy`, `never_answers`, or `hangs_up` soon after the answer; it echoes.

    While it talks it sends a frame every 20 ms: what it heard, in order, or silence.
    """

    def __init__(self, behaviour):
        self.line = None
        self.heard = []
        self._behaviour = behaviour
        self._loop = asyncio.get_running_loop()
        self._echo = deque()
        self._timer = None

    def rings(self, room):
        if self._behaviour == "busy":
            self._loop.call_soon(self.line.occupied)
        elif self._behaviour in ("answers", "hangs_up"):
            self._loop.call_later(0.05, self.line.answer)
        elif self._behaviour == "rejects":
            self._loop.call_later(0.05, self.line.reject)

    def talks(self, room):
        self._pace = Pace(TICK_NS, time.monotonic_ns())
        self._beat()
        if self._behaviour == "hangs_up":
            self._loop.call_later(0.2, self.line.hang_up)

    def stopped(self, room, why):
        if self._timer is not None:
            self._timer.cancel()

    def frame(self, pcm):
        self.heard.append(pcm)
        self._echo.append(pcm)

    def _beat(self):
        for _ in range(self._pace.due(time.monotonic_ns())[1]):
            self.line.send(self._echo.popleft() if self._echo else SILENCE)
        self._timer = self._loop.call_later(max(0, self._pace.next_ns - time.monotonic_ns()) / 1e9, self._beat)


class Platform:
    """Runs until `close`.

    Attributes:
        url: `http://127.0.0.1:port`.
    """

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._tasks = set()
        self._numbers = 0
        self._do(self._open())

    def room(self, behaviour, role="callee"):
        """Let somebody call; gives the room as a push would.

        Args:
            behaviour: of the phone, see `Phone`; or `wrong`: a room whose key does not fit.
            role: `callee`: the phone is rung, once the room end is there; `caller`: the phone calls.
        """
        return self._do(self._make(behaviour, role))

    def end_of(self, room):
        """Tell why a room is over, in the simulator's words; '' while it is not."""
        found = self.service.rooms.find(room["room_id"])
        return found.why if found.state == OVER else ""

    def heard_by(self, room):
        """Give the frames that the phone of a room heard."""
        return self._phones[room["room_id"]].heard

    def close(self):
        """Stop it all."""
        self._do(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _open(self):
        self.service = Service()
        self._phones = {}
        app = FastAPI()
        web_rooms.mount(app, self.service.rooms)
        self.service.rooms.place_call = lambda order: self.service.rooms.make(
            Order(IN, APPID, order.openid, order.sn, order.model_id, order.payload)
        )
        self._server = await SimulatorServer.open(app)
        self.url = self._server.url

    async def _shut(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.close()
        await self.service.stop()

    async def _make(self, behaviour, role):
        self._numbers += 1
        rooms = self.service.rooms
        openid, payload = f"o-{self._numbers}", base64.urlsafe_b64encode(os.urandom(24)).decode()
        phone = Phone(behaviour)
        phone.line = rooms.attach(openid, phone)
        if role == "callee":
            room = rooms.make(Order(OUT, APPID, openid, "sn-1", "m1", payload))
            task = asyncio.get_running_loop().create_task(self._ring_when_joined(room))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            room = phone.line.call("sn-1", "m1", payload)
            rooms.ring(room)
        keys = room.keys
        self._phones[keys.room_id] = phone
        key = "d3Jvbmc=" if behaviour == "wrong" else keys.session_key
        whose = {"appid": APPID, "model_id": "m1", "sn": "sn-1"}
        push = {"room_id": keys.room_id, "session_key": key, "server_token": keys.server_token, "payload": payload}
        return {**push, "room_type": "voice", **whose}

    async def _ring_when_joined(self, room):
        await until(lambda: room.was_joined, "the room end")
        self.service.rooms.ring(room)

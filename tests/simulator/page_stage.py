"""What tests of the browser phone share: a gate on a free port with people and devices, and boards that ring and talk.

All of it runs in an event loop of its own thread, since a browser is driven from the test's; `Stage.run` reaches over.
"""

import asyncio
import contextlib
import threading
import time

from fastapi import FastAPI

from tincall.clock import SystemClock
from tincall.simulator import numbers
from tincall.simulator.ledger import Ledger
from tincall.simulator.numbers import Refused
from tincall.simulator.page_phone import Device, Person
from tincall.simulator.phone_gate import PhoneGate
from tincall.simulator.room import FRAME_BYTES, OVER, TALKING, Order, Times
from tincall.simulator.rooms import Rooms
from tincall.simulator.server import SimulatorServer
from tincall.worker.pace import Pace

PATIENCE_S = 15
FRAME_NS = 20_000_000
SILENCE = bytes(FRAME_BYTES)
PEOPLE = [Person("oAnna", "Anna Berg"), Person("oBo", "Bo Lindqvist")]
DEVICES = [Device("sn-1", "Front door", "Doorbell T1", "allowed"), Device("sn-2", "Workshop", "Intercom T2")]


class Desk:
    """A mini program that remembers what its users did."""

    app_name = "Tincall at home"

    def __init__(self, rooms):
        self.listed = list(PEOPLE)
        self.known = list(DEVICES)
        self.decided = []
        self.pressed = []
        self.press_answer = (True, "")
        self.refuses = None
        self.boards = []
        self._rooms = rooms

    def people(self):
        return self.listed

    def devices(self, openid):
        return self.known

    def decide(self, openid, sn, allow):
        self.decided.append((openid, sn, allow))
        consent = "allowed" if allow else "refused"
        self.known = [Device(d.sn, d.name, d.model, consent) if d.sn == sn else d for d in self.known]

    async def place(self, openid, sn, room_type):
        if self.refuses is not None:
            raise Refused(self.refuses)
        room = self._rooms.place(openid, sn, "tincall", "payload", room_type)
        self.boards.append(Board(self._rooms, room))
        self._rooms.ring(room)
        return room

    async def press(self, room):
        self.pressed.append(room.order.sn)
        return self.press_answer


class Board:
    """A board in a room: its room end, that speaks every 20 ms and keeps what it hears."""

    def __init__(self, rooms, room):
        self.room = room
        self.statuses = []
        self.heard = []
        self.heard_at = []
        self.to_say = []
        self._rooms = rooms
        self._task = None

    def join(self):
        keys, order = self.room.keys, self.room.order
        self._rooms.join(order.appid, keys.room_id, keys.session_key, keys.server_token, order.payload, self)

    def status(self, number):
        self.statuses.append(number)
        if number == numbers.TALKING:
            self._task = asyncio.get_running_loop().create_task(self._talk())

    def frame(self, pcm):
        self.heard.append(pcm)
        self.heard_at.append(time.monotonic())

    def hang_up(self):
        self._rooms.hang_up(self.room, 1)

    def say(self, pcm):
        """Say 16 kHz samples as bytes, then be silent again."""
        self.to_say.extend(
            pcm[at : at + FRAME_BYTES].ljust(FRAME_BYTES, b"\0") for at in range(0, len(pcm), FRAME_BYTES)
        )

    def sound(self):
        """Give all that was heard."""
        return b"".join(self.heard)

    async def _talk(self):
        pace = Pace(FRAME_NS, time.monotonic_ns())
        while self.room.state == TALKING:
            _, ticks = pace.due(time.monotonic_ns())
            for _ in range(ticks):
                self._rooms.hear(self.room, self.to_say.pop(0) if self.to_say else SILENCE)
            await asyncio.sleep(max(0, pace.next_ns - time.monotonic_ns()) / 1e9)


class Stage:
    """A gate that is open.

    Attributes:
        url: of the page.
        desk, gate, rooms: what runs behind it; touch them inside `run` only.
        loop: where they run.
    """

    def __init__(self, times=None, away_s=10.0):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.run(self._open(times or Times(), away_s))

    def run(self, work):
        """Do something in the gate's loop: a coroutine, or a function without arguments; gives what it gives."""

        async def act():
            return await work if asyncio.iscoroutine(work) else work()

        return asyncio.run_coroutine_threadsafe(act(), self.loop).result(PATIENCE_S)

    async def _open(self, times, away_s):
        self._away_s = away_s
        self.clock = SystemClock()
        self.ledger = Ledger(self.clock)
        self.rooms = Rooms(self.clock, _counted(), times, self.ledger)
        self.desk = Desk(self.rooms)
        self.renew()
        self._server = await SimulatorServer.open(self._app)
        self.url = f"{self._server.url}/phone/"
        self._ticker = self.loop.create_task(self._tick())

    def renew(self):
        """Begin with a gate that knows no session, as after a restart; served when the server is started."""
        self.gate = PhoneGate(self.rooms, self.desk, clock=self.clock, away_s=self._away_s)
        self._app = FastAPI(openapi_url=None)
        self.gate.mount(self._app)

    async def _tick(self):
        while True:
            await asyncio.sleep(0.02)
            self.rooms.tick()

    def ring(self, openid="oAnna", sn="sn-1", kind="voice", joins=True, time_limit_ms=0):
        """Let a board call somebody; gives the board."""

        def act():
            order = Order("out", "wx1", openid, sn, "tincall", "payload", kind, sn, time_limit_ms)
            room = self.rooms.make(order)
            board = Board(self.rooms, room)
            if joins:
                board.join()
            self.rooms.ring(room)
            return board

        return self.run(act)

    def until(self, condition, what="it", seconds=PATIENCE_S):
        """Wait until `condition()` holds in the gate's loop; gives what it gave."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.run(condition)
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError(f"{what} never came")

    async def stop_server(self):
        """Close the port and everything on it."""
        await self._server.close()

    async def start_server(self):
        """Open the same port again; phones and sessions are still there."""
        self._server = await SimulatorServer.open(self._app, port=self._server.port)

    def close(self):
        """End everything."""
        self.run(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_S)
        self.loop.close()

    async def _close(self):
        self._ticker.cancel()
        for room in self.rooms.live():
            if room.state != OVER:
                room.phone_leaves(self.rooms.now_ms())
        self.gate.close()
        await self._server.close()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _counted():
    """Make a source of bytes of which no two are the same."""
    count = 0

    def random(length):
        nonlocal count
        count += 1
        return count.to_bytes(max(4, length), "big")[-length:]

    return random


@contextlib.contextmanager
def opened(**options):
    """Open a stage for a `with` block."""
    stage = Stage(**options)
    try:
        yield stage
    finally:
        stage.close()

"""What tests of the simulator share: a running one on a free port, phones and room ends that remember, both bounded."""

import asyncio
import contextlib
import json
import random

import websockets.asyncio.client

from tincall.clock import ManualClock
from tincall.simulator.ledger import Ledger
from tincall.simulator.room import Times
from tincall.simulator.rooms import Rooms

APPID = "wx00000000000000aa"
PATIENCE_S = 10
FRAME = bytes(range(256)) * 2 + bytes(128)


def rooms(times=None, start_ms=0):
    """Make rooms on a manual clock; gives both."""
    clock = ManualClock(start_ms)
    return Rooms(clock, counted(), times or Times(), Ledger(clock)), clock


def counted():
    """Make a source of bytes that never repeats itself and is the same in every run."""
    return random.Random(7).randbytes


class PhoneWitness:
    """A phone that remembers what it is told."""

    def __init__(self):
        self.told = []
        self.heard = []

    def rings(self, room):
        self.told.append("rings")

    def talks(self, room):
        self.told.append("talks")

    def stopped(self, room, why):
        self.told.append(why)

    def frame(self, pcm):
        self.heard.append(pcm)


class EndWitness:
    """A room end that remembers what it is told."""

    def __init__(self):
        self.statuses = []
        self.heard = []

    def status(self, number):
        self.statuses.append(number)

    def frame(self, pcm):
        self.heard.append(pcm)


class RoomClient:
    """A room end on the wire."""

    def __init__(self, socket):
        self.socket = socket
        self.statuses = []
        self.heard = []

    async def say(self, **message):
        await self.socket.send(json.dumps(message))

    async def next(self):
        """Give the next text message; frames on the way are kept."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.socket.recv()
                if isinstance(message, str):
                    fields = json.loads(message)
                    if fields["t"] == "status":
                        self.statuses.append(fields["number"])
                    return fields
                self.heard.append(message)

    async def frame(self):
        """Give the next frame."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.heard:
                message = await self.socket.recv()
                assert isinstance(message, bytes), message
                self.heard.append(message)
        return self.heard.pop(0)


def join_of(room, **other):
    """Make the join message of a room."""
    keys = room.keys
    return {
        "t": "join",
        "appid": room.order.appid,
        "server_token": keys.server_token,
        "room_id": keys.room_id,
        "session_key": keys.session_key,
        "payload": room.order.payload,
        "room_type": room.order.room_type,
        **other,
    }


@contextlib.asynccontextmanager
async def room_client(port, **message):
    """Connect to the room WebSocket and say the first message."""
    async with websockets.asyncio.client.connect(f"ws://127.0.0.1:{port}/sim/room", proxy=None) as socket:
        client = RoomClient(socket)
        await client.say(**message)
        yield client


def run(main):
    """Run a coroutine with an end to all patience."""

    async def bounded():
        async with asyncio.timeout(PATIENCE_S * 3):
            return await main

    return asyncio.run(bounded())


async def until(condition, what="it"):
    """Turn the loop until `condition()` holds."""
    for _ in range(PATIENCE_S * 200):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{what} never came")

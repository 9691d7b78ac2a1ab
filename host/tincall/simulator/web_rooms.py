"""The WebSocket of room ends, `GET /sim/room`: what the platform's server library does for a process, as messages.

The first text message is `join` or `listener_hangup`; then statuses come as text and frames go both ways as binary. The
answer to a step that fails is `error`, after which the connection ends. Frames that a slow room end does not take are
dropped, oldest first; statuses never are.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tincall.simulator import numbers
from tincall.simulator.numbers import RoomError
from tincall.simulator.room import OVER, Room
from tincall.simulator.rooms import Rooms

TEXT_MAX_CHARS = 4096
# half a second: more is delay that nobody wants to hear
FRAMES_MAX = 25
JOIN_S = 5.0
CLOSE_NORMAL = 1000
CLOSE_REFUSED = 1008


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Join(_Strict):
    """The first message of a room end that comes in."""

    t: str
    appid: str
    server_token: str = Field(repr=False)
    room_id: str
    session_key: str = Field(repr=False)
    payload: str
    room_type: str


class ListenerHangup(_Strict):
    """The first and only message of a room end that declines a phone's call."""

    t: str
    server_token: str = Field(repr=False)
    payload: str
    reason: int
    appid: str = ""


class Hangup(_Strict):
    """A later message: hang up."""

    t: str
    reason: int


class Connection:
    """One room end on the wire.

    Args:
        socket: accepted.
        rooms: the platform's rooms.
    """

    def __init__(self, socket: WebSocket, rooms: Rooms) -> None:
        self._socket = socket
        self._rooms = rooms
        self._room: Room | None = None
        self._texts: deque[str] = deque()
        self._frames: deque[bytes] = deque(maxlen=FRAMES_MAX)
        self._filled = asyncio.Event()
        self._is_over = False

    # what the room tells

    def status(self, number: int) -> None:
        """See `RoomEnd.status`."""
        self._texts.append(json.dumps({"t": "status", "number": number}))
        self._filled.set()

    def frame(self, pcm: bytes) -> None:
        """See `RoomEnd.frame`."""
        self._frames.append(pcm)
        self._filled.set()

    async def serve(self) -> None:
        """Serve until the room or the room end is over."""
        try:
            async with asyncio.timeout(JOIN_S):
                message = await self._socket.receive()
            first = _fields(message)
            if first.get("t") == "listener_hangup":
                await self._decline(ListenerHangup.model_validate(first))
                return
            self._join(Join.model_validate(first))
            await self._both_ways()
        except RoomError as error:
            await self._refuse(error.number, str(error))
        except ValidationError as error:
            where = error.errors()[0]
            await self._refuse(numbers.INVALID_ARGUMENT, f"{'.'.join(map(str, where['loc']))}: {where['msg']}")
        except TimeoutError:
            await self._refuse(numbers.INVALID_ARGUMENT, f"nothing came within {JOIN_S:g} s")
        finally:
            if self._room is not None:
                self._room.lose(self)
                self._rooms.changed()

    async def _decline(self, message: ListenerHangup) -> None:
        self._rooms.listener_hang_up(message.appid, message.server_token, message.payload, message.reason)
        await self._socket.send_text(json.dumps({"t": "done"}))
        await self._socket.close(CLOSE_NORMAL)

    def _join(self, message: Join) -> None:
        if message.t != "join":
            raise RoomError(numbers.INVALID_ARGUMENT, "the first message is neither join nor listener_hangup")
        room = self._rooms.find(message.room_id)
        if room is not None and message.room_type != room.order.room_type:
            raise RoomError(numbers.INVALID_ARGUMENT, f"the room is for {room.order.room_type}")
        # before the join, which tells the first status
        self._room = room
        self._rooms.join(
            message.appid, message.room_id, message.session_key, message.server_token, message.payload, self
        )

    async def _both_ways(self) -> None:
        """Run both directions until one ends."""
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        assert self._room is not None
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            pcm = message.get("bytes")
            if pcm is not None:
                self._rooms.hear(self._room, pcm)
                continue
            fields = _fields(message)
            if fields.get("t") != "hangup":
                raise RoomError(numbers.INVALID_ARGUMENT, "a room end in a room says hangup and nothing else")
            self._rooms.hang_up(self._room, Hangup.model_validate(fields).reason)

    async def _write(self) -> None:
        """Send what there is; statuses first. Ends after the last status of a room that is over."""
        assert self._room is not None
        while True:
            await self._filled.wait()
            self._filled.clear()
            try:
                while self._texts or self._frames:
                    if self._texts:
                        await self._socket.send_text(self._texts.popleft())
                    else:
                        await self._socket.send_bytes(self._frames.popleft())
                if self._room.state == OVER or self._room.end is not self:
                    await self._socket.close(CLOSE_NORMAL)
                    return
            except (WebSocketDisconnect, RuntimeError):
                # it went away while something was on its way to it
                return

    async def _refuse(self, number: int, text: str) -> None:
        try:
            await self._socket.send_text(json.dumps({"t": "error", "number": number, "text": text}))
            await self._socket.close(CLOSE_REFUSED)
        except (WebSocketDisconnect, RuntimeError):
            return


def _fields(message: Any) -> dict[str, Any]:
    """Read a text message.

    Raises:
        RoomError: it is no JSON object within the bound.
    """
    text = message.get("text")
    if text is None or len(text) > TEXT_MAX_CHARS:
        raise RoomError(numbers.INVALID_ARGUMENT, f"a text message of at most {TEXT_MAX_CHARS} characters is due")
    try:
        fields = json.loads(text)
    except ValueError:
        raise RoomError(numbers.INVALID_ARGUMENT, "the message is not JSON") from None
    if not isinstance(fields, dict):
        raise RoomError(numbers.INVALID_ARGUMENT, "the message is no JSON object")
    return fields


def mount(app: FastAPI, rooms: Rooms) -> None:
    """Add the WebSocket to the simulator's web application."""

    @app.websocket("/sim/room")
    async def room(socket: WebSocket) -> None:
        """Let a room end in."""
        await socket.accept()
        await Connection(socket, rooms).serve()

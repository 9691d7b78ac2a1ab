"""The simulator's room end, `python -m tincall.simulator.room_end`: the room pipe on standard input and output.

It stands where `host/native` with the platform's library would, and behaves like it: it goes into a room of the simulator
by a WebSocket, tells the room's statuses, and keeps a beat of 20 ms of its own in both directions while the status is
`TALKING`: one frame each way, silence when there is none. It hangs up and ends when its worker goes away. A worker that
breaks the protocol makes it exit with 1 and a line on the standard error output, in which no secret ever is.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tincall import __version__
from tincall.simulator import numbers
from tincall.worker import room
from tincall.worker.frames import FrameQueue
from tincall.worker.pace import Pace
from tincall.worker.room_pipe import RoomPipe

PATH = "/sim/room"
CONNECT_S = 5.0
HANGUP_S = 1.0
LEAVE_S = 0.2
TICK_NS = room.FRAME_MS * 1_000_000
# frames that wait for the connection; what is older is worth nothing
OUT_MOST = 5
MESSAGE_MAX_BYTES = 8192
REASON_MANUAL = 1
UNAVAILABLE = 14

CLOSED, OPENED, JOINING, JOINED, DECLINING, OVER, CLOSING = (
    "closed", "opened", "joining", "joined", "declining", "over", "closing"
)  # fmt: skip
# (state, message): next state; what is not here is a breach
TABLE = {
    (CLOSED, "open"): OPENED,
    (OPENED, "join"): JOINING,
    (OPENED, "listener_hangup"): DECLINING,
    (JOINING, "hangup"): JOINING,
    (JOINED, "hangup"): JOINED,
    (OVER, "hangup"): OVER,
    **{(state, "close"): CLOSING for state in (OPENED, JOINING, JOINED, DECLINING, OVER)},
}


class SimulatedRoomEnd:
    """One room end.

    Args:
        read_fd: the pipe from the worker.
        write_fd: the pipe to the worker.

    Attributes:
        ended: done with the exit status.
    """

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = self._loop.create_future()
        self._state = CLOSED
        self._opening: dict[str, Any] = {}
        self._status = numbers.IDLE
        self._up, self._down = FrameQueue(), FrameQueue()
        self._texts: deque[str] = deque()
        self._frames: deque[bytes] = deque(maxlen=OUT_MOST)
        self._filled = asyncio.Event()
        self._left = asyncio.Event()
        self._pace: Pace | None = None
        self._is_hung_up = False
        self._timer: asyncio.TimerHandle | None = None
        self._work: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._pipe = RoomPipe(
            read_fd, write_fd, room.FROM_ROOM_END, room.FROM_WORKER, self._hear, self._up.put, self._lose
        )

    def _hear(self, message: dict[str, Any]) -> None:
        word, before = message["t"], self._state
        if (before, word) not in TABLE:
            self._lose(f"the worker said {word!r} while the room end was {before}")
            return
        self._state = TABLE[before, word]
        if word == "open":
            self._open(message)
        elif word == "join":
            self._begin(self._be_in_room(message))
        elif word == "listener_hangup":
            self._begin(self._decline(message))
        elif word == "hangup":
            self._hang_up(message["reason"])
        else:
            self._close(before, 0)

    def _open(self, message: dict[str, Any]) -> None:
        url = urlsplit(message.get("url", ""))
        if url.scheme not in ("http", "https") or not url.hostname:
            self._fail(
                room.OPEN, numbers.INVALID_ARGUMENT, "no address of a simulator was given: url must be http(s)://..."
            )
            return
        self._opening = message
        self._pipe.say({"t": "ready", "kind": "simulator", "version": __version__})

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = self._loop.create_task(work)

    def _connect(self) -> connect:
        url = urlsplit(self._opening["url"])
        scheme = "wss" if url.scheme == "https" else "ws"
        return connect(
            f"{scheme}://{url.netloc}{url.path.rstrip('/')}{PATH}",
            open_timeout=CONNECT_S,
            close_timeout=LEAVE_S,
            max_size=MESSAGE_MAX_BYTES,
            compression=None,
            proxy=None,
        )

    async def _be_in_room(self, message: dict[str, Any]) -> None:
        first = {name: message[name] for name in ("t", *room.ROOM)}
        first["appid"] = message.get("appid") or self._opening["appid"]
        try:
            async with self._connect() as socket:
                await socket.send(json.dumps(first))
                writer = self._loop.create_task(self._write(socket))
                try:
                    async for heard in socket:
                        self._take(heard)
                finally:
                    writer.cancel()
        except (OSError, TimeoutError, WebSocketException) as error:
            if self._state == JOINING:
                self._fail(room.JOIN, UNAVAILABLE, f"the simulator cannot be reached: {type(error).__name__}")
        if self._state == JOINED:
            # the platform's library finds out by silence; so the relay is told what it would be told then
            self._tell(numbers.ABORTED)
        self._left.set()

    async def _decline(self, message: dict[str, Any]) -> None:
        first = {name: message[name] for name in ("t", "server_token", "payload", "reason")}
        first["appid"] = message.get("appid") or self._opening["appid"]
        try:
            async with self._connect() as socket, asyncio.timeout(HANGUP_S):
                await socket.send(json.dumps(first))
                answer = _fields(await socket.recv())
                if answer.get("t") != "done":
                    self._fail(room.LISTENER_HANGUP, int(answer.get("number", -1)), str(answer.get("text", "")))
        except (OSError, TimeoutError, WebSocketException) as error:
            text = f"the simulator cannot be reached: {type(error).__name__}"
            self._fail(room.LISTENER_HANGUP, UNAVAILABLE, text)
        self._left.set()

    def _take(self, heard: str | bytes) -> None:
        if isinstance(heard, bytes):
            if len(heard) == room.FRAME_BYTES:
                self._down.put(heard)
            return
        fields = _fields(heard)
        if fields.get("t") == "status":
            self._tell(int(fields.get("number", numbers.ABORTED)))
        elif fields.get("t") == "error":
            step = room.JOIN if self._state == JOINING else room.HANGUP
            self._fail(step, int(fields.get("number", -1)), str(fields.get("text", "")))

    def _tell(self, number: int) -> None:
        """Tell the worker a status, and let sound flow, or no more."""
        self._status = number
        if self._state == JOINING:
            self._state = JOINED
        if number == numbers.TALKING and self._pace is None:
            self._up.clear()
            self._pace = Pace(TICK_NS, time.monotonic_ns())
            self._pipe.say({"t": "status", "number": number})
            self._beat()
            return
        if number > numbers.TALKING:
            self._state = OVER if self._state == JOINED else self._state
            self._stop_beat()
        self._pipe.say({"t": "status", "number": number})

    def _fail(self, step: str, number: int, text: str) -> None:
        """Say what went wrong; the worker ends it."""
        if self._state in (JOINING, JOINED):
            self._state = OVER
        self._status = numbers.ABORTED
        self._stop_beat()
        self._pipe.say({"t": "failed", "step": step, "number": number, "text": _printable(text)})

    def _beat(self) -> None:
        """Send one frame each way for every tick that is due, and come back for the next."""
        assert self._pace is not None
        _, ticks = self._pace.due(time.monotonic_ns())
        for _ in range(ticks):
            self._frames.append(self._up.take())
            self._pipe.send(self._down.take())
        self._filled.set()
        self._timer = self._loop.call_later(max(0.0, (self._pace.next_ns - time.monotonic_ns()) / 1e9), self._beat)

    def _stop_beat(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _hang_up(self, reason: int) -> None:
        self._stop_beat()
        self._frames.clear()
        if self._is_hung_up:
            return
        self._is_hung_up = True
        self._texts.append(json.dumps({"t": "hangup", "reason": reason}))
        self._filled.set()

    async def _write(self, socket: ClientConnection) -> None:
        """Send what there is, texts first."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._texts or self._frames:
                await socket.send(self._texts.popleft() if self._texts else self._frames.popleft())

    def _lose(self, sentence: str) -> None:
        """End without the worker: it is gone, or it broke the rules."""
        is_gone = sentence == "the other end closed"
        if not is_gone:
            print(f"simulated room end: {sentence}", file=sys.stderr)
        before, self._state = self._state, CLOSING
        if before != CLOSING:
            self._close(before, 0 if is_gone else 1)

    def _close(self, before: str, status: int) -> None:
        self._closing = self._loop.create_task(self._leave(before, status))

    async def _leave(self, before: str, status: int) -> None:
        """Hang up where there is something to hang up, and end."""
        self._stop_beat()
        if before in (JOINING, JOINED):
            self._hang_up(REASON_MANUAL)
        if self._work is not None:
            try:
                async with asyncio.timeout(HANGUP_S):
                    await self._left.wait()
            except TimeoutError:
                self._work.cancel()
        self._pipe.say({"t": "closed"})
        await self._pipe.flushed(LEAVE_S)
        self._pipe.close()
        if not self.ended.done():
            self.ended.set_result(status)

    def stumble(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End with status 1 after an error that nobody expected; the loop's exception handler."""
        print(f"simulated room end: {context['message']}: {type(context.get('exception')).__name__}", file=sys.stderr)
        if not self.ended.done():
            self.ended.set_result(1)


def _fields(text: str | bytes) -> dict[str, Any]:
    """Read a message of the simulator, empty when it is none."""
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:256]


async def serve(read_fd: int, write_fd: int) -> int:
    """Be a room end for one call.

    Args:
        read_fd: the pipe from the worker; closed in the end.
        write_fd: the pipe to the worker; closed in the end.

    Returns:
        Exit status.
    """
    end = SimulatedRoomEnd(read_fd, write_fd)
    asyncio.get_running_loop().set_exception_handler(end.stumble)
    return await end.ended


def main() -> int:
    """Run the room end; see the head of this file."""
    # the pipe's descriptors are moved away, so that nothing printed by chance gets between its records
    read_fd, write_fd = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    return asyncio.run(serve(read_fd, write_fd))


if __name__ == "__main__":
    sys.exit(main())

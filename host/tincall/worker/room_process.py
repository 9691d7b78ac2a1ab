"""One room end as a child process, seen from its worker: its birth, its pipe, its death.

Nothing secret is in its arguments or its environment; what it must know goes through the pipe. It has a folder of its own,
removed with it. Every step has a deadline, and what does not end is killed. A room end whose worker dies meets the end of
its pipe, hangs up and ends by itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callcore import causes
from callcore.errors import LocalError
from tincall.worker import room
from tincall.worker.child import Child
from tincall.worker.process import public_environment
from tincall.worker.protocol import WorkerError
from tincall.worker.room_folder import RoomFolder
from tincall.worker.room_pipe import RoomPipe

# what a room end may say after `ready`, and when; `lost` for the rest
READY, JOINING, JOINED, DECLINING, CLOSING, GONE = "ready", "joining", "joined", "declining", "closing", "gone"
HEARD = {
    ("starting", "ready"): READY,
    ("starting", "failed"): GONE,
    (JOINING, "status"): JOINED,
    (JOINING, "failed"): JOINED,
    (JOINED, "status"): JOINED,
    (JOINED, "failed"): JOINED,
    (DECLINING, "failed"): DECLINING,
    (CLOSING, "status"): CLOSING,
    (CLOSING, "failed"): CLOSING,
    (CLOSING, "closed"): GONE,
}


@dataclass(frozen=True)
class RoomLimits:
    """How long a room end may take, in seconds.

    Args:
        ready_s: from the start of the process to `ready`; below the worker's own `Limits.ready_s`.
        join_s: from `join` to the first status.
        closed_s: from `close` to `closed`, hanging up included; with `grace_s` below the worker's own `Limits.report_s`.
        grace_s: from `closed`, or from the end of the pipe, to the end of the process.
    """

    ready_s: float = 4.0
    join_s: float = 10.0
    closed_s: float = 1.4
    grace_s: float = 0.3


class RoomEndProcess:
    """A running room end; made by `spawn`.

    Attributes:
        pid: its process id.
        kind: what it says it is.
        version: of itself.
        state: one of the states above.
        pipe: its pipe, for the counters.
    """

    def __init__(self, command: Sequence[str], limits: RoomLimits, place: Path | None) -> None:
        self._loop = asyncio.get_running_loop()
        self.kind = self.version = ""
        self.state = "starting"
        self._limits = limits
        self._heard: Callable[[dict[str, Any]], object] = _ignore
        self._frame: Callable[[bytes], object] = _ignore
        self._lost: Callable[[str], object] = _ignore
        self._timer: asyncio.TimerHandle | None = None
        self._fault = ""
        self._is_given_up = False
        self._turned: asyncio.Event = asyncio.Event()
        self._folder = RoomFolder(place)
        try:
            with ExitStack() as theirs:
                read_fd, write_fd = self._start(command, theirs)
        except OSError as error:
            self._folder.remove()
            raise WorkerError(
                f"room end {command[0]} cannot be started: {error.strerror}", causes.DESTINATION_OUT_OF_ORDER
            ) from None
        self.pipe = RoomPipe(
            read_fd, write_fd, room.FROM_WORKER, room.FROM_ROOM_END, self._hear, self._take, self._lose
        )

    @classmethod
    async def spawn(
        cls, command: Sequence[str], opening: Mapping[str, Any], limits: RoomLimits, place: Path | None = None
    ) -> RoomEndProcess:
        """Start a room end and wait until it is ready.

        Args:
            command: program and arguments.
            opening: fields of `open`, but for `data_dir`.
            limits: see `RoomLimits`.
            place: where its folder is made; the user's own place if missing.

        Raises:
            WorkerError: it cannot be started, failed, or was too slow; nothing of it is left running.
        """
        try:
            end = cls(command, limits, place)
        except LocalError as error:
            raise WorkerError(error.detail, causes.DESTINATION_OUT_OF_ORDER) from None
        try:
            end.pipe.say({**opening, "t": "open", "data_dir": str(end._folder.path)})
            async with asyncio.timeout(limits.ready_s):
                while end.state == "starting":
                    await end._turn()
        except TimeoutError:
            end._fault = f"it was not ready within {limits.ready_s} s"
        except (asyncio.CancelledError, LocalError):
            await end.close()
            raise
        if end.state != READY:
            await end.close()
            raise WorkerError(f"room end {command[0]}: {end._fault}", causes.DESTINATION_OUT_OF_ORDER)
        return end

    def attach(
        self,
        heard: Callable[[dict[str, Any]], object],
        frame: Callable[[bytes], object],
        lost: Callable[[str], object],
    ) -> None:
        """Take the room end for a call.

        Args:
            heard: gets every `status` and `failed`, checked.
            frame: gets every frame.
            lost: told once, with a sentence, when the room end is of no more use; not after `close`.
        """
        self._heard, self._frame, self._lost = heard, frame, lost

    def join(self, fields: Mapping[str, Any]) -> None:
        """Go into a room.

        Args:
            fields: what `room.check_room` gave.

        Raises:
            LocalError: it is not ready, or was asked before.
        """
        self._say(READY, JOINING, {**fields, "t": "join"})
        self._timer = self._loop.call_later(
            self._limits.join_s, self._lose, f"no status within {self._limits.join_s} s of the join"
        )

    def decline(self, fields: Mapping[str, Any], reason: int) -> None:
        """Refuse a phone's call without going into its room.

        Args:
            fields: what `room.check_room` gave.
            reason: the platform's number.

        Raises:
            LocalError: it is not ready, or was asked before.
        """
        kept = {name: fields[name] for name in ("server_token", "payload", *room.WHO) if name in fields}
        self._say(READY, DECLINING, {**kept, "t": "listener_hangup", "reason": reason})

    def hang_up(self, reason: int) -> None:
        """Leave the room; does nothing when it is in none.

        Args:
            reason: the platform's number.
        """
        if self.state in (JOINING, JOINED):
            self.pipe.say({"t": "hangup", "reason": reason})

    def send(self, pcm: bytes) -> bool:
        """Hand on a frame; tells whether it was taken."""
        return self.pipe.send(pcm)

    async def close(self) -> int:
        """End it: in order if it lets itself be ended, else by killing; its folder is gone when this returns.

        Returns:
            The exit status, negative for a signal.
        """
        self._stop_timer()
        # one that was given up meets the end of its pipe, and hangs up by itself
        patience_s = self._limits.closed_s if self._is_given_up else self._limits.grace_s
        if self.state not in (GONE, "starting", CLOSING) and self.pipe.is_open:
            self.state = CLOSING
            self.pipe.say({"t": "close"})
        try:
            async with asyncio.timeout(self._limits.closed_s):
                while self.pipe.is_open and self.state == CLOSING:
                    await self._turn()
        except TimeoutError:
            pass
        self.state = GONE
        self.pipe.close()
        if not self._exited.done():
            await asyncio.wait([self._exited], timeout=patience_s)
        if not self._exited.done():
            self._child.kill()
        status = await asyncio.shield(self._exited)
        self._folder.remove()
        return status

    def _start(self, command: Sequence[str], theirs: ExitStack) -> tuple[int, int]:
        """Start the process; gives our ends of its output and its input."""
        with ExitStack() as ours:
            fds = (*os.pipe(), *os.pipe())
            for fd, keeper in zip(fds, (theirs, ours, ours, theirs), strict=True):
                keeper.callback(os.close, fd)
            environment = public_environment(os.environ)
            self._child = Child(command, (self._folder.lock_fd,), environment, stdin=fds[0], stdout=fds[3])
            ours.pop_all()
        self.pid = self._child.pid
        self._exited = self._loop.create_task(self._child.wait())
        return fds[2], fds[1]

    def _say(self, before: str, after: str, message: Mapping[str, Any]) -> None:
        if self.state != before:
            raise LocalError(f"{message['t']} is not possible: the room end is {self.state}")
        self.pipe.say(message)
        self.state = after

    def _hear(self, message: dict[str, Any]) -> None:
        before, word = self.state, message["t"]
        if (before, word) not in HEARD:
            self._lose(f"it said {word!r} while it was {before}")
            return
        self.state = HEARD[before, word]
        self._turned.set()
        if before == "starting":
            self.kind, self.version = message.get("kind", ""), message.get("version", "")
            if word == "failed":
                self._fault = told(message)
        elif word != "closed":
            self._stop_timer()
            self._heard(message)

    def _take(self, pcm: bytes) -> None:
        if self.state == JOINED:
            self._frame(pcm)

    def _lose(self, sentence: str) -> None:
        """Give it up; told once, unless it is being closed."""
        self._stop_timer()
        self.pipe.close()
        self._turned.set()
        is_told = self.state not in ("starting", CLOSING, GONE)
        self._is_given_up = self._is_given_up or is_told
        if self.state != CLOSING:
            self._fault = self._fault or sentence
        self.state = GONE
        if is_told:
            self._lost(sentence)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _turn(self) -> None:
        self._turned.clear()
        await self._turned.wait()


def told(message: Mapping[str, Any]) -> str:
    """Give a `failed` as a sentence."""
    text = message["text"] or "no reason was given"
    return f"{message['step']} failed with number {message['number']}: {text}"


def _ignore(_: object) -> None:
    """Hear what nobody asked for."""

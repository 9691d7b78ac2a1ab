"""One worker as a child process: its birth, its two sockets, its death.

Knows no call. Whoever takes a ready process for a call calls `attach`; until then a word or a packet from the worker is a
breach. The order of a worker's doings across its two sockets is the holder's to keep, by `drain_control` and `drain_media`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from callcore import causes
from callcore.errors import MessageError
from tincall import logs
from tincall.worker import protocol
from tincall.worker.channel import DRAIN_MOST, Channel
from tincall.worker.child import Child
from tincall.worker.protocol import MAX_CONTROL_BYTES, MAX_MEDIA_BYTES, WorkerError

log = logs.get("worker")

# what the kernel may hold towards the other end: it doubles the number and counts some 770 bytes for a 172-byte packet,
# so about 20 packets or 400 ms; what is older than that is worth nothing to a listener
MEDIA_BUFFER_BYTES = 8192
# variables of the relay's own settings are no business of a worker
PRIVATE_PREFIX = "TINCALL_"


@dataclass(frozen=True)
class Limits:
    """Time and count limits for workers; seconds unless the name says otherwise.

    Args:
        ready_s: from start of the process to its `ready`.
        report_s: from `release` to `report`.
        exit_s: from the closing of control to the end of the process.
        control_messages: messages a worker may send in its life; a call needs five.
        media_per_s: packets a second that a worker may send, averaged over 256 packets; speech is 50.
        workers: processes at one time, warm ones included.
    """

    ready_s: float = 5.0
    report_s: float = 2.0
    exit_s: float = 1.0
    control_messages: int = 32
    media_per_s: int = 150
    workers: int = 256


class WorkerProcess:
    """A running worker that has said `ready`; made by `spawn`.

    Attributes:
        pid: the child's process id.
        kind: what the worker says it is.
        codecs: names of the codecs it can speak.
        ready: done when the worker has said `ready`; fails with WorkerError when it will not.
        exited: done when the process has been reaped; its exit status.
    """

    def __init__(self, child: Child, control: socket.socket, media: socket.socket, limits: Limits) -> None:
        loop = asyncio.get_running_loop()
        self.pid = child.pid
        self.kind = ""
        self.codecs: tuple[str, ...] = ()
        self._heard: Callable[[dict[str, Any]], object] = self._hear_ready
        self._lost: Callable[[str], object] = self._die_early
        self._child = child
        self._messages = 0
        self._most_messages = limits.control_messages
        self._is_lost = False
        self.ready: asyncio.Future[None] = loop.create_future()
        self._control = Channel(control, MAX_CONTROL_BYTES, self._read_control, self.lose)
        self._media = Channel(media, MAX_MEDIA_BYTES, self._refuse_media, self._media_ended)
        self._control.open(loop)
        self._media.open(loop)
        self.exited: asyncio.Task[int] = loop.create_task(self._watch())

    @classmethod
    async def spawn(cls, command: Sequence[str], limits: Limits) -> WorkerProcess:
        """Start a worker and wait until it is ready.

        Args:
            command: program and arguments; `--control-fd` and `--media-fd` with their numbers are added.
            limits: see `Limits`.

        Raises:
            WorkerError: it cannot be started, ended before it was ready, broke the protocol or was too slow; nothing of
                it is left running.
        """
        process = cls._start(command, limits)
        try:
            async with asyncio.timeout(limits.ready_s):
                await process.ready
        except TimeoutError:
            await process.destroy()
            raise WorkerError(
                f"worker {command[0]} was not ready within {limits.ready_s} s", causes.DESTINATION_OUT_OF_ORDER
            ) from None
        except WorkerError as error:
            # patience, so that a worker that ends by itself can show its own exit status
            status = await process.destroy(limits.exit_s)
            raise WorkerError(
                f"worker {command[0]}: {error.detail} (exit status {status})", causes.DESTINATION_OUT_OF_ORDER
            ) from None
        except asyncio.CancelledError:
            await process.destroy()
            raise
        return process

    @classmethod
    def _start(cls, command: Sequence[str], limits: Limits) -> WorkerProcess:
        with ExitStack() as ours, ExitStack() as theirs:
            pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in ("control", "media")]
            for our_end, their_end in pairs:
                ours.enter_context(our_end)
                theirs.enter_context(their_end)
            for end in pairs[1]:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MEDIA_BUFFER_BYTES)
            control_fd, media_fd = pairs[0][1].fileno(), pairs[1][1].fileno()
            numbers = ("--control-fd", str(control_fd), "--media-fd", str(media_fd))
            try:
                child = Child([*command, *numbers], (control_fd, media_fd), public_environment(os.environ))
            except OSError as error:
                raise WorkerError(
                    f"worker {command[0]} cannot be started: {error.strerror}", causes.DESTINATION_OUT_OF_ORDER
                ) from error
            ours.pop_all()
            return cls(child, pairs[0][0], pairs[1][0], limits)

    @property
    def is_usable(self) -> bool:
        """Whether the worker still listens, as far as is known."""
        return self._control.is_open

    def attach(
        self,
        heard: Callable[[dict[str, Any]], object],
        media: Callable[[bytes], object],
        lost: Callable[[str], object],
    ) -> None:
        """Take the worker for a call.

        Args:
            heard: gets every further control message, checked.
            media: gets every RTP packet, at most `MAX_MEDIA_BYTES`.
            lost: told once, with a sentence, when the worker is of no more use: gone, or it broke the rules.
        """
        self._heard = heard
        self._lost = lost
        self._media.heard = media

    def send(self, message: Mapping[str, Any]) -> bool:
        """Send a control message.

        Returns:
            Whether it was taken; False: the worker is gone or hangs, and is of no more use.
        """
        return self._control.send(protocol.encode(message, protocol.FROM_RELAY))

    @property
    def send_media(self) -> Callable[[bytes], bool]:
        """The function that hands one packet to the worker and tells whether it was taken."""
        return self._media.send

    def drain_media(self) -> None:
        """Hand over the packets that have come and were not read yet."""
        self._media.drain()

    def drain_control(self, most: int = DRAIN_MOST) -> bool:
        """Hand over up to `most` control messages that have come and were not read yet; tells whether there was any."""
        return self._control.drain(most)

    def dismiss(self) -> None:
        """Close both sockets: a worker that keeps the rules exits by itself; nothing is told any more."""
        self._is_lost = True
        self._control.close()
        self._media.close()

    def kill(self) -> None:
        """Kill the process if it still runs."""
        if not self.exited.done():
            self._child.kill()

    async def destroy(self, patience_s: float = 0.0) -> int:
        """Dismiss the worker, kill it unless it ends within `patience_s`, and wait until it is reaped.

        Returns:
            The exit status, negative for a signal.
        """
        self.dismiss()
        if patience_s > 0:
            await asyncio.wait([self.exited], timeout=patience_s)
        self.kill()
        return await asyncio.shield(self.exited)

    async def _watch(self) -> int:
        status = await self._child.wait()
        self.drain_media()
        self.drain_control()
        self.lose(f"the worker ended with status {status}")
        return status

    def _read_control(self, datagram: bytes) -> None:
        self._messages += 1
        if self._messages > self._most_messages:
            self.lose(f"the worker sent more than {self._most_messages} control messages")
            return
        try:
            message = protocol.decode(datagram, protocol.FROM_WORKER)
        except MessageError as error:
            self.lose(error.detail)
            return
        self._heard(message)

    def _media_ended(self, sentence: str) -> None:
        # a worker that ends closes both sockets, so its last words may still wait on the other one; and this may be told
        # from within the reading of one of them
        asyncio.get_running_loop().call_soon(self._lose_after_last_words, f"media: {sentence}")

    def _lose_after_last_words(self, sentence: str) -> None:
        self._control.drain()
        self.lose(sentence)

    def lose(self, sentence: str) -> None:
        """Give the worker up, telling `lost` why, unless that has been told."""
        if self._is_lost:
            return
        self._media.drain()
        self._is_lost = True
        self._control.close()
        self._media.close()
        self._lost(sentence)

    def _hear_ready(self, message: dict[str, Any]) -> None:
        if message["t"] != "ready" or self.ready.done():
            self.lose(f"the worker said {message['t']!r} before it was asked")
            return
        self.kind = message["kind"]
        self.codecs = tuple(message["codecs"])
        self.ready.set_result(None)

    def _refuse_media(self, packet: bytes) -> None:
        self.lose("the worker sent media before a call")

    def _die_early(self, sentence: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(WorkerError(sentence, causes.DESTINATION_OUT_OF_ORDER))
        else:
            log.warning("spare worker lost", pid=self.pid, reason=sentence)


def public_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Give what a worker inherits: everything but the relay's own variables, which may name secrets."""
    return {name: value for name, value in environment.items() if not name.startswith(PRIVATE_PREFIX)}

"""The simulated worker: a scripted phone as a process, `python -m tincall.simulator.worker --control-fd N --media-fd M`.

It says `ready`, lives one call, reports and exits with 0. When the relay goes away (control ends) it exits at once, with
its recordings finished. A relay that breaks the protocol makes it exit with 1 and a line on the standard error output.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import time
from typing import Any

import numpy as np
from pydantic import ValidationError

from callcore.errors import PeerError
from tincall import clock, wav
from tincall.errors import OperatorError
from tincall.leg import CN, Media
from tincall.simulator import phone
from tincall.simulator.talk import RATE_HZ, TICK_NS, Talk
from tincall.worker import protocol
from tincall.worker.channel import Channel
from tincall.worker.media import TICK_MS
from tincall.worker.protocol import CALLER, MAX_CONTROL_BYTES, MAX_MEDIA_BYTES
from tincall.worker.transcode import Samples, codecs, coder

# two paths of 512 bytes and an error fit into a report beside the figures
MAX_ERROR_CHARS = 400


class SimulatedWorker:
    """The process's one call: control messages to the phone's machine and back.

    Args:
        control: this end of the control socket.
        media: this end of the media socket.
    """

    def __init__(self, control: socket.socket, media: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = self._loop.create_future()
        self._control = Channel(control, MAX_CONTROL_BYTES, self._hear, self._relay_lost)
        self._media = Channel(media, MAX_MEDIA_BYTES, self._take, self._relay_lost)
        self._machine: phone.PhoneMachine | None = None
        self._script = phone.PhoneScript(id="nobody")
        self._start: dict[str, Any] = {}
        self._choice = Media("PCMA", TICK_MS, 0, 0)
        self._clip: Samples = np.zeros(0, dtype=np.int16)
        self._talk: Talk | None = None
        self._early = 0
        self._error = ""
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Say `ready` and begin to listen."""
        self._control.open(self._loop)
        self._media.open(self._loop)
        self._say({"t": "ready", "v": protocol.VERSION, "kind": "simulator", "codecs": [*codecs(RATE_HZ), CN]})

    def close(self) -> None:
        """Stop everything; recordings are finished."""
        if self._timer is not None:
            self._timer.cancel()
        if self._talk is not None:
            self._talk.close()
            self._talk = None
        self._control.close()
        self._media.close()

    def _hear(self, datagram: bytes) -> None:
        message = protocol.decode(datagram, protocol.FROM_RELAY)
        now_ms, word = clock.now_ms(), message["t"]
        if word == "start" and self._machine is None:
            self._begin(message, now_ms)
        elif self._machine is None or word == "start":
            raise PeerError(f"{word!r} out of turn")
        elif word == "ringing":
            self._do(self._machine.far_rings(now_ms))
        elif word == "answer":
            self._choice = protocol.media_of(message["media"])
            self._do(self._machine.far_answers(now_ms))
            if self._machine.state == phone.ANSWERED:
                self._begin_talk()
        else:
            self._media.drain()
            self._machine.far_hangs_up(now_ms)
            self._report()
        self._wake()

    def _begin(self, start: dict[str, Any], now_ms: int) -> None:
        self._start = start
        self._choice = protocol.media_of(start["media"])
        try:
            self._script = phone.PhoneScript.model_validate(start["phone"])
        except ValidationError as error:
            first = error.errors()[0]
            self._fail(f"the phone's settings are wrong: {'.'.join(map(str, first['loc']))}: {first['msg']}")
            return
        self._machine = phone.PhoneMachine(self._script, min(start["ring_ms"], self._script.ring_ms))
        self._do(self._machine.calls(now_ms) if start["role"] == CALLER else self._machine.rung(now_ms))
        if self._script.speak is not None and self._machine.state != phone.OVER:
            # after the first word, so that a long clip does not delay ringing
            try:
                self._clip = wav.load(self._script.speak, RATE_HZ)
            except OperatorError as error:
                self._fail(error.message)

    def _take(self, packet: bytes) -> None:
        while self._talk is None and self._control.drain(1):
            # its `answer` may wait on the other socket; no more is read there, since packets come before a `release`
            pass
        if self._talk is not None:
            self._talk.audio.take(packet, clock.now_ms())
        else:
            self._early += 1

    def _do(self, actions: list[phone.Action]) -> None:
        for action in actions:
            if action.word == "release":
                self._say({"t": "release", "cause": action.cause})
            elif action.word == "ringing":
                self._say({"t": "ringing"})
            elif self._begin_talk():
                self._say({"t": "answer", "media": protocol.media_fields(self._choice)})

    def _begin_talk(self) -> bool:
        now_ns = time.monotonic_ns()
        calendar_ns = time.time_ns() - now_ns
        call_id = self._start["call"]
        try:
            self._talk = Talk(
                self._script, call_id, self._choice, self._clip, self._media.send, now_ns + TICK_NS, calendar_ns
            )
        except OSError as error:
            self._fail(f"cannot record into {self._script.record}: {error.strerror}")
            return False
        return True

    def _wake(self) -> None:
        """Run what is due, and come back when the next thing is."""
        if self._machine is None or self._machine.state == phone.OVER:
            return
        now_ms = clock.now_ms()
        self._do(self._machine.tick(now_ms))
        delays_s = []
        if self._talk is not None and self._machine.state == phone.ANSWERED:
            self._talk.run(time.monotonic_ns())
            if self._talk.microphone.is_spoken:
                self._do(self._machine.clip_spoken(now_ms))
            delays_s.append((self._talk.pace.next_ns - time.monotonic_ns()) / 1e9)
        wait_ms = self._machine.next_wake_ms(now_ms)
        if wait_ms is not None:
            delays_s.append(wait_ms / 1000)
        if self._timer is not None:
            self._timer.cancel()
        if delays_s:
            self._timer = self._loop.call_later(max(0.0, min(delays_s)), self._wake)

    def _fail(self, sentence: str) -> None:
        """Give the call up with a reason that the report carries."""
        self._error = sentence[:MAX_ERROR_CHARS]
        if self._machine is None:
            self._machine = phone.PhoneMachine(self._script, 1)
        self._do(self._machine.breaks())

    def _report(self) -> None:
        figures: dict[str, Any] = {"sent": 0, "received": 0}
        if self._talk is not None:
            figures = self._talk.close()
            self._talk = None
        figures["received"] += self._early
        if self._error:
            figures["error"] = self._error
        self._say({"t": "report", "figures": figures})
        self._finish()

    def _say(self, message: dict[str, Any]) -> None:
        if not self._control.send(protocol.encode(message, protocol.FROM_WORKER)):
            self._finish()

    def _relay_lost(self, sentence: str) -> None:
        self._finish()

    def _finish(self, status: int = 0) -> None:
        if not self.ended.done():
            self.ended.set_result(status)

    def stumble(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End with status 1 after an error that nobody expected; the loop's exception handler."""
        error = context.get("exception")
        print(f"simulated worker: {context['message']}: {error!r}", file=sys.stderr)
        self._finish(1)


async def serve(control_fd: int, media_fd: int) -> int:
    """Live one call.

    Args:
        control_fd: inherited descriptor of the control socket.
        media_fd: inherited descriptor of the media socket.

    Returns:
        Exit status.
    """
    worker = SimulatedWorker(socket.socket(fileno=control_fd), socket.socket(fileno=media_fd))
    asyncio.get_running_loop().set_exception_handler(worker.stumble)
    try:
        worker.open()
        return await worker.ended
    finally:
        worker.close()


def main(arguments: list[str] | None = None) -> int:
    """Run the worker; see the head of this file."""
    parser = argparse.ArgumentParser(prog="tincall.simulator.worker", description="A scripted phone for one call.")
    parser.add_argument("--control-fd", type=int, required=True)
    parser.add_argument("--media-fd", type=int, required=True)
    given = parser.parse_args(arguments)
    for codec in codecs(RATE_HZ):
        # 30 to 100 ms each, while the worker is still a spare
        coder(codec)
    return asyncio.run(serve(given.control_fd, given.media_fd))


if __name__ == "__main__":
    sys.exit(main())

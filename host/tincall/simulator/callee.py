"""A phone of the simulated platform that does as its script says: answers, declines, speaks a clip, records what it hears.

It is a `Phone` to the platform and lives one call after another. When it does what is `phone.PhoneMachine`'s; here is the
loop around it: alarms, 20 ms of sound a tick, files. A recording has the instant of its first sample beside it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from callcore import causes
from tincall import wav
from tincall.clock import Clock
from tincall.simulator import phone
from tincall.simulator.ledger import Ledger
from tincall.simulator.microphone import Microphone
from tincall.simulator.phone import PhoneMachine, PhoneScript
from tincall.simulator.playout import TICK_MS, Playout
from tincall.simulator.recorder import Recording
from tincall.simulator.room import FRAME_BYTES, Room
from tincall.simulator.rooms import Rooms
from tincall.wav import Samples
from tincall.worker.pace import Pace

RATE_HZ = 16_000
TICK_SAMPLES = RATE_HZ * TICK_MS // 1000
TICK_NS = TICK_MS * 1_000_000


class Speech:
    """The talk of one call: clip, loudspeaker and recordings on one beat.

    Args:
        script: the phone.
        clip: what it says, at 16 kHz; may be empty.
        name: names the recordings.
        send: hands a frame to the room; False: nobody hears it.

    Raises:
        OSError: the recordings cannot be made.
    """

    def __init__(self, script: PhoneScript, clip: Samples, name: str, send: Callable[[bytes], bool]) -> None:
        now_ns = time.monotonic_ns()
        self.pace = Pace(TICK_NS, now_ns + TICK_NS)
        self.playout = Playout(script.buffer_ms)
        self.microphone = Microphone(clip, TICK_SAMPLES, script.speak_after_ms * RATE_HZ // 1000, script.repeat)
        self.sent = self.unheard = 0
        self._has_clip = len(clip) > 0
        self._send = send
        self._heard_t0_ns = now_ns + TICK_NS + time.time_ns() - now_ns
        self._spoke_t0_ns = self._heard_t0_ns - TICK_NS
        self._heard: Recording | None = None
        self._spoke: Recording | None = None
        if script.record is not None:
            stem = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
            self._heard = Recording(script.record, f"{stem}-phone-heard", RATE_HZ, self._heard_t0_ns)
            self._spoke = Recording(script.record, f"{stem}-phone-spoke", RATE_HZ, self._spoke_t0_ns)

    def run(self, now_ns: int) -> None:
        """Run the ticks that are due; skipped ones are silence at the loudspeaker and a pause of the microphone."""
        skipped, ticks = self.pace.due(now_ns)
        if skipped and self._heard is not None:
            self._heard.write(np.zeros(skipped * TICK_SAMPLES, dtype=np.int16))
        for _ in range(ticks):
            frame = self.microphone.next_frame()
            if self._send(frame.astype("<i2", copy=False).tobytes()):
                self.sent += 1
            else:
                self.unheard += 1
            far = np.frombuffer(self.playout.get(), dtype="<i2").astype(np.int16, copy=False)
            if self._spoke is not None:
                self._spoke.write(frame)
            if self._heard is not None:
                self._heard.write(far)

    def close(self) -> dict[str, Any]:
        """Finish the recordings; gives the call's figures."""
        figures: dict[str, Any] = {**self.playout.figures(), "sent": self.sent, "skipped_ticks": self.pace.skipped}
        figures["heard_t0_ns"] = self._heard_t0_ns
        facts: dict[str, Any] = {"skipped_ticks": self.pace.skipped}
        if self._heard is not None:
            self._heard.close(**facts)
            figures["heard"] = str(self._heard.path)
        if self._has_clip:
            facts["clip_at_samples"] = self.microphone.clip_at
            facts["clip_t0_ns"] = self._spoke_t0_ns + self.microphone.clip_at * 1_000_000_000 // RATE_HZ
            figures["clip_t0_ns"] = facts["clip_t0_ns"]
        if self._spoke is not None:
            self._spoke.close(**facts)
            figures["spoke"] = str(self._spoke.path)
        return figures


class ScriptedPhone:
    """A phone that does as its script says; made inside an event loop, and on from then.

    Args:
        rooms: the platform's rooms.
        script: what it does; its `id` is the openid.
        clock: the time.
        ledger: where each call's figures go.
        vanish_after_ms: it falls silent for good this long after the talk began; 0: never.

    Attributes:
        line: its way into the platform.

    Raises:
        OperatorError: the clip cannot be read.
    """

    def __init__(
        self, rooms: Rooms, script: PhoneScript, clock: Clock, ledger: Ledger, vanish_after_ms: int = 0
    ) -> None:
        self.script = script
        self._clip = np.zeros(0, dtype=np.int16) if script.speak is None else wav.load(script.speak, RATE_HZ)
        self._clock = clock
        self._ledger = ledger
        self._loop = asyncio.get_running_loop()
        self._machine: PhoneMachine | None = None
        self._speech: Speech | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._vanish_after_ms = vanish_after_ms
        self._vanishing: asyncio.TimerHandle | None = None
        self.line = rooms.attach(script.id, self)

    def call(self, sn: str, model_id: str, payload: str, room_type: str, time_limit_ms: int = 0) -> Room:
        """Call a device.

        Raises:
            Refused: the platform does not allow it, or the phone is in a call.
        """
        room = self.line.call(sn, model_id, payload, room_type, time_limit_ms)
        self._machine = PhoneMachine(self.script, self.script.ring_ms)
        self._do(self._machine.calls(self._clock.now_ms()))
        self._wake()
        return room

    def close(self) -> None:
        """Switch it off; recordings are finished."""
        self._end()
        self.line.leave()

    # what the platform tells

    def rings(self, room: Room) -> None:
        """See `Phone.rings`."""
        self._machine = PhoneMachine(self.script, self.script.ring_ms)
        # a phone does nothing from inside the platform's own step
        self._loop.call_soon(self._begin, self._machine)

    def talks(self, room: Room) -> None:
        """See `Phone.talks`."""
        if self._machine is not None and self._machine.state == phone.CALLING:
            self._machine.far_answers(self._clock.now_ms())
        try:
            self._speech = Speech(self.script, self._clip, room.keys.room_id, self.line.send)
        except OSError as error:
            self._ledger.note("phone_failed", openid=self.script.id, why=f"cannot record: {error.strerror}")
            self._loop.call_soon(self.line.hang_up)
            return
        if self._vanish_after_ms:
            self._vanishing = self._loop.call_later(self._vanish_after_ms / 1000, self.close)
        self._wake()

    def stopped(self, room: Room, why: str) -> None:
        """See `Phone.stopped`."""
        figures = self._end()
        self._ledger.note("phone_call", openid=self.script.id, room_id=room.keys.room_id, why=why, figures=figures)

    def frame(self, pcm: bytes) -> None:
        """See `Phone.frame`."""
        if self._speech is not None and len(pcm) == FRAME_BYTES:
            self._speech.playout.put(pcm)

    def _begin(self, machine: PhoneMachine) -> None:
        if machine is self._machine:
            self._do(machine.rung(self._clock.now_ms()))
            self._wake()

    def _do(self, actions: list[phone.Action]) -> None:
        for action in actions:
            if action.word == "answer":
                self.line.answer()
            elif action.word == "release" and action.cause == causes.BUSY:
                self.line.occupied()
            elif action.word == "release" and action.cause == causes.REJECTED:
                self.line.reject()
            elif action.word == "release":
                self.line.hang_up()

    def _wake(self) -> None:
        """Run what is due, and come back when the next thing is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._machine is None:
            return
        now_ms = self._clock.now_ms()
        self._do(self._machine.tick(now_ms))
        if self._speech is not None and self._machine is not None:
            self._speech.run(time.monotonic_ns())
            if self._speech.microphone.is_spoken:
                self._do(self._machine.clip_spoken(now_ms))
        # the call may be over by what was done
        if self._machine is None:
            return
        waits_s = []
        if self._speech is not None:
            waits_s.append((self._speech.pace.next_ns - time.monotonic_ns()) / 1e9)
        wait_ms = self._machine.next_wake_ms(now_ms)
        if wait_ms is not None:
            waits_s.append(wait_ms / 1000)
        if waits_s:
            self._timer = self._loop.call_later(max(0.0, min(waits_s)), self._wake)

    def _end(self) -> dict[str, Any]:
        for timer in (self._timer, self._vanishing):
            if timer is not None:
                timer.cancel()
        self._timer = self._vanishing = None
        self._machine = None
        speech, self._speech = self._speech, None
        return speech.close() if speech is not None else {}

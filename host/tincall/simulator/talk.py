"""The answered part of a simulated call: audio, clip and recordings on one beat.

The far edge is a file instead of a loudspeaker: what is played in the 20 ms from a tick on is written with the tick's
instant, and what the microphone gives at a tick was captured in the 20 ms before it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import numpy as np

from tincall import clock
from tincall.leg import Media
from tincall.simulator.microphone import Microphone
from tincall.simulator.phone import PhoneScript
from tincall.simulator.recorder import Recording
from tincall.worker.media import TICK_MS, PhoneAudio
from tincall.worker.pace import Pace
from tincall.worker.transcode import WIDE_HZ, Samples

RATE_HZ = WIDE_HZ
TICK_NS = TICK_MS * 1_000_000
TICK_SAMPLES = RATE_HZ * TICK_MS // 1000


class Talk:
    """The answered part of a call: audio, clip, recordings and the beat that drives them.

    Args:
        script: the phone.
        call_id: names the recordings.
        choice: what is spoken, seen from the phone.
        clip: what the phone says, at `RATE_HZ`; may be empty.
        send: hands a packet to the relay.
        began_ns: instant of the first tick, by the monotonic clock.
        calendar_ns: calendar time minus monotonic time.
    """

    def __init__(
        self,
        script: PhoneScript,
        call_id: str,
        choice: Media,
        clip: Samples,
        send: Callable[[bytes], bool],
        began_ns: int,
        calendar_ns: int,
    ) -> None:
        self.pace = Pace(TICK_NS, began_ns)
        self.audio = PhoneAudio(
            choice, send, secrets.randbelow(1 << 16), secrets.randbelow(1 << 32), script.buffer_ms, RATE_HZ
        )
        self.microphone = Microphone(clip, TICK_SAMPLES, script.speak_after_ms * RATE_HZ // 1000, script.repeat)
        self._has_clip = len(clip) > 0
        self._heard_t0_ns = began_ns + calendar_ns
        self._spoke_t0_ns = self._heard_t0_ns - TICK_NS
        self._heard: Recording | None = None
        self._spoke: Recording | None = None
        if script.record is not None:
            name = re.sub(r"[^A-Za-z0-9_.-]", "_", call_id)
            self._heard = Recording(script.record, f"{name}-phone-heard", RATE_HZ, self._heard_t0_ns)
            self._spoke = Recording(script.record, f"{name}-phone-spoke", RATE_HZ, self._spoke_t0_ns)

    def run(self, now_ns: int) -> None:
        """Run the ticks that are due; skipped ones are silence at the far edge and a pause of the microphone."""
        skipped, ticks = self.pace.due(now_ns)
        if skipped and self._heard is not None:
            self._heard.write(np.zeros(skipped * TICK_SAMPLES, dtype=np.int16))
        for _ in range(ticks):
            frame = self.microphone.next_frame()
            far = self.audio.tick(clock.now_ms(), frame)
            if self._spoke is not None:
                self._spoke.write(frame)
            if self._heard is not None:
                self._heard.write(far)

    def close(self) -> dict[str, Any]:
        """Finish the recordings.

        Returns:
            The call's figures for the report.
        """
        figures = {**self.audio.figures(), "skipped_ticks": self.pace.skipped, "heard_t0_ns": self._heard_t0_ns}
        facts: dict[str, Any] = {"skipped_ticks": self.pace.skipped}
        if self._heard is not None:
            self._heard.close(**facts)
            figures["heard"] = str(self._heard.path)
        if self._has_clip:
            # the instant of the clip's first sample, while no tick was skipped before it
            facts["clip_at_samples"] = self.microphone.clip_at
            facts["clip_t0_ns"] = self._spoke_t0_ns + self.microphone.clip_at * 1_000_000_000 // RATE_HZ
            figures["clip_t0_ns"] = facts["clip_t0_ns"]
        if self._spoke is not None:
            self._spoke.close(**facts)
            figures["spoke"] = str(self._spoke.path)
        return figures

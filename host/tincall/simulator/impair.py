"""Makes a path bad on purpose, the same way each time: bytes that come late or not at all, frames that get lost.

Two forms, as two kinds of carriers: a stream keeps its order and loses nothing until it is cut; frames may be lost, doubled
and overtake each other. Both are told the time and asked what is due; a seed decides everything else. No I/O.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from callcore.compat import ticks_add, ticks_diff

# ten seconds of frames: what a path holds back at most
FRAMES_MAX = 512
STREAM_MAX_BYTES = 256 * 1024

Share = Annotated[float, Field(ge=0, le=1)]
Delay = Annotated[int, Field(ge=0, le=60_000)]


class FrameProfile(BaseModel):
    """How bad a path for frames is.

    Attributes:
        loss: share of frames lost.
        burst: how many are lost in a row, on average.
        duplicate: share of frames that come twice.
        reorder: share of frames that come one frame later than the next.
        delay_ms: that every frame takes.
        jitter_ms: that a frame takes at most beside it, evenly spread.
        stall_every_ms: the path stands still this often; 0: never.
        stall_ms: for so long; what waits comes at once afterwards.
        seed: the same seed, the same path.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    loss: Share = 0.0
    burst: Annotated[float, Field(ge=1, le=100)] = 1.0
    duplicate: Share = 0.0
    reorder: Share = 0.0
    delay_ms: Delay = 0
    jitter_ms: Delay = 0
    stall_every_ms: Delay = 0
    stall_ms: Delay = 0
    seed: int = 1


class StreamProfile(BaseModel):
    """How bad a path for a byte stream is.

    Attributes:
        delay_ms: that every byte takes.
        jitter_ms: that a piece takes at most beside it; order is kept.
        stall_after_bytes: the path stands still once after so many bytes; 0: never.
        stall_ms: for so long.
        rate_bytes_s: bytes a second that get through; 0: all.
        cut_after_bytes: the path ends after so many bytes; 0: never.
        seed: the same seed, the same path.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    delay_ms: Delay = 0
    jitter_ms: Delay = 0
    stall_after_bytes: Annotated[int, Field(ge=0)] = 0
    stall_ms: Delay = 0
    rate_bytes_s: Annotated[int, Field(ge=0)] = 0
    cut_after_bytes: Annotated[int, Field(ge=0)] = 0
    seed: int = 1


class FramePath:
    """A bad path for frames.

    Args:
        profile: how bad.
        now_ms: the time; stalls are counted from here.
        frame_ms: how much later a frame comes that the next one overtakes.

    Attributes:
        taken, lost, doubled, overtaken, given: frames of each fate; `taken + doubled` = `lost + given` + those on the way.
    """

    def __init__(self, profile: FrameProfile, now_ms: int, frame_ms: int = 20) -> None:
        self.taken = self.lost = self.doubled = self.overtaken = self.given = 0
        self._profile = profile
        self._random = random.Random(profile.seed)
        self._start_ms = now_ms
        self._frame_ms = frame_ms
        self._losing = False
        # a path lives for one call, so times relative to its start never wrap
        self._waiting: list[tuple[int, int, bytes]] = []
        self._number = 0

    def put(self, frame: bytes, now_ms: int) -> None:
        """Take a frame."""
        self.taken += 1
        if self._is_lost():
            self.lost += 1
            return
        self._hold(frame, now_ms)
        if self._random.random() < self._profile.duplicate:
            self.doubled += 1
            self._hold(frame, now_ms)

    def due(self, now_ms: int) -> list[bytes]:
        """Give the frames that come out now, in the order in which they come."""
        elapsed_ms = ticks_diff(now_ms, self._start_ms)
        found = []
        while self._waiting and self._waiting[0][0] <= elapsed_ms:
            found.append(heapq.heappop(self._waiting)[2])
        self.given += len(found)
        return found

    def next_wake_ms(self, now_ms: int) -> int | None:
        """Give in how many ms `due` has something; None: nothing is on the way."""
        if not self._waiting:
            return None
        return max(0, self._waiting[0][0] - ticks_diff(now_ms, self._start_ms))

    def _is_lost(self) -> bool:
        """Two states, good and losing, so that losses come in bursts of `burst` and make up `loss` of all."""
        profile = self._profile
        if profile.loss >= 1:
            return True
        leave = 1 / profile.burst
        enter = profile.loss * leave / (1 - profile.loss)
        draw = self._random.random()
        self._losing = draw >= leave if self._losing else draw < enter
        return self._losing

    def _hold(self, frame: bytes, now_ms: int) -> None:
        profile = self._profile
        at_ms = ticks_diff(now_ms, self._start_ms) + profile.delay_ms + self._random.randint(0, profile.jitter_ms)
        if self._random.random() < profile.reorder:
            self.overtaken += 1
            at_ms += self._frame_ms + 1
        if profile.stall_every_ms:
            into_ms = at_ms % (profile.stall_every_ms + profile.stall_ms) - profile.stall_every_ms
            if into_ms >= 0:
                at_ms += profile.stall_ms - into_ms
        self._number += 1
        heapq.heappush(self._waiting, (at_ms, self._number, frame))
        if len(self._waiting) > FRAMES_MAX:
            heapq.heappop(self._waiting)
            self.lost += 1


class StreamPath:
    """A bad path for a byte stream.

    Args:
        profile: how bad.
        now_ms: the time.

    Attributes:
        is_cut: it has ended; what comes now is swallowed, and what was on the way still comes.
    """

    def __init__(self, profile: StreamProfile, now_ms: int) -> None:
        self.is_cut = False
        self._profile = profile
        self._random = random.Random(profile.seed)
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._held_bytes = 0
        self._passed_bytes = 0
        self._free_ms = now_ms

    @property
    def has_room(self) -> bool:
        """Tell whether it takes more; a sender that does not ask is a bug."""
        return self._held_bytes < STREAM_MAX_BYTES

    def put(self, data: bytes, now_ms: int) -> None:
        """Take bytes."""
        profile = self._profile
        if self.is_cut or not data:
            return
        if profile.cut_after_bytes and self._passed_bytes + len(data) >= profile.cut_after_bytes:
            data = data[: profile.cut_after_bytes - self._passed_bytes]
            self.is_cut = True
        at_ms = ticks_add(now_ms, profile.delay_ms + self._random.randint(0, profile.jitter_ms))
        # order is kept: nothing comes before what came before it
        at_ms = at_ms if ticks_diff(at_ms, self._free_ms) > 0 else self._free_ms
        before, self._passed_bytes = self._passed_bytes, self._passed_bytes + len(data)
        if profile.stall_after_bytes and before < profile.stall_after_bytes <= self._passed_bytes:
            at_ms = ticks_add(at_ms, profile.stall_ms)
        if profile.rate_bytes_s:
            at_ms = ticks_add(at_ms, -(-len(data) * 1000 // profile.rate_bytes_s))
        self._free_ms = at_ms
        self._held_bytes += len(data)
        self._waiting.append((at_ms, bytes(data)))

    def due(self, now_ms: int) -> bytes:
        """Give the bytes that come out now."""
        found = []
        while self._waiting and ticks_diff(now_ms, self._waiting[0][0]) >= 0:
            found.append(self._waiting.popleft()[1])
        data = b"".join(found)
        self._held_bytes -= len(data)
        return data

    def next_wake_ms(self, now_ms: int) -> int | None:
        """Give in how many ms `due` has something; None: nothing is on the way."""
        if not self._waiting:
            return None
        return max(0, ticks_diff(self._waiting[0][0], now_ms))

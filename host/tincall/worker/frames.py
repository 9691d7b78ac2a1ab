"""Frames of sound between two beats of one machine: bounded, silence when short, delay given back.

Who fills it and who empties it both go by 20 ms, by the same clock, but either may stall for a moment. Nothing is given out
until `target` frames are here, which rides such moments out. When it runs dry it fills up to the target anew. What that adds
to the delay is given back by leaving out one frame whenever there were more than `target` to spare for a whole window.
"""

from __future__ import annotations

from collections import deque

from tincall.worker.room import FRAME_BYTES, FRAME_MS

# 40 ms: what a busy machine's scheduler takes without being heard
TARGET = 2
# 200 ms: what is older is worth nothing to a listener
MOST = 10
# one second: long enough to see a scheduler's worst, short enough that a stall is forgotten soon
WINDOW = 1000 // FRAME_MS
SILENCE = bytes(FRAME_BYTES)


class FrameQueue:
    """The frames of one direction.

    Args:
        target: frames that are held before the first is given out, 1 or more.
        most: frames that are held at all, above `target`.

    Attributes:
        silent: frames of silence given out after the first frame came.
        dropped: frames that came and were not given out.
    """

    def __init__(self, target: int = TARGET, most: int = MOST) -> None:
        self.silent = self.dropped = 0
        self._target = target
        self._most = most
        self._frames: deque[bytes] = deque()
        self._is_filling = True
        self._any = False
        self._least = most
        self._turns = 0

    def put(self, frame: bytes) -> None:
        """Take a frame; when there are too many the oldest goes."""
        self._any = True
        if len(self._frames) == self._most:
            self._frames.popleft()
            self.dropped += 1
        self._frames.append(frame)

    def take(self) -> bytes:
        """Give the frame of this turn, silence if there is none; to be called every 20 ms."""
        if self._is_filling and len(self._frames) >= self._target:
            self._is_filling = False
            self._turns, self._least = 0, self._most
        if self._is_filling or not self._frames:
            self._is_filling = True
            self.silent += self._any
            return SILENCE
        self._shorten()
        return self._frames.popleft()

    def clear(self) -> None:
        """Throw away what is held, and begin anew."""
        self.dropped += len(self._frames)
        self._frames.clear()
        self._is_filling = True
        self._any = False

    def _shorten(self) -> None:
        """Leave out one frame when a whole window had more than enough."""
        self._least = min(self._least, len(self._frames))
        self._turns += 1
        if self._turns < WINDOW:
            return
        if self._least > self._target:
            self._frames.popleft()
            self.dropped += 1
        self._turns, self._least = 0, self._most

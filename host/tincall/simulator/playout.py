"""What a simulated phone hears at 16 kHz: frames as the network brings them, played on the phone's own beat.

It waits until `buffer_ms` are there before it begins, plays silence when a frame is missing, and throws the oldest away when
more waits than is any use. Frames carry no numbers here, as on the platform's own sockets, so nothing can be concealed.
"""

from __future__ import annotations

from collections import deque

from tincall.simulator.room import FRAME_BYTES

TICK_MS = 20
# beyond the first wait; more would be delay that nobody takes away again
SLACK_FRAMES = 5
SILENCE = bytes(FRAME_BYTES)


class Playout:
    """A queue between the network and a loudspeaker.

    Args:
        buffer_ms: what is gathered before the first frame is played.

    Attributes:
        received: frames put in.
        played: frames that were heard.
        missing: silences after the first frame.
        dropped: frames thrown away.
    """

    def __init__(self, buffer_ms: int) -> None:
        self.received = self.played = self.missing = self.dropped = 0
        self._wanted = max(1, -(-buffer_ms // TICK_MS))
        self._queue: deque[bytes] = deque()
        self._has_begun = False

    def put(self, pcm: bytes) -> None:
        """Take a frame from the network."""
        self.received += 1
        self._queue.append(pcm)
        while len(self._queue) > self._wanted + SLACK_FRAMES:
            self._queue.popleft()
            self.dropped += 1

    def get(self) -> bytes:
        """Give the next 20 ms to play."""
        if not self._has_begun and len(self._queue) < self._wanted:
            return SILENCE
        self._has_begun = True
        if not self._queue:
            self.missing += 1
            return SILENCE
        self.played += 1
        return self._queue.popleft()

    def figures(self) -> dict[str, int]:
        """Give the counters."""
        return {
            "received": self.received,
            "played": self.played,
            "missing": self.missing,
            "dropped": self.dropped,
            "waiting": len(self._queue),
        }

"""The room in which an emulated board stands: its microphone hears its speaker, less loud, and a little noise.

What the speaker played is told late and in pieces, so it is heard when it is told, after some tens of milliseconds and in whole
blocks where it can be; what comes faster than it is heard is dropped, the oldest first.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from tincall.wav import Samples

# about -77 dBFS: what a microphone of a few cents hears where nobody speaks
NOISE_LEVEL = 8
# a quarter of a second, more than any pipe holds back
_MOST_BLOCKS = 16


class Room:
    """A room.

    Args:
        loss_db: by how much the speaker is less loud at the microphone, 0 to 90.
    """

    def __init__(self, loss_db: float) -> None:
        self._share = 10 ** (-loss_db / 20)
        self._heard: deque[Samples] = deque(maxlen=_MOST_BLOCKS)
        # the same noise each time
        self._noise = np.random.default_rng(1)

    def hear(self, data: bytes) -> None:
        """Take samples that the speaker played, int16 little endian."""
        self._heard.append(np.frombuffer(data, dtype="<i2"))

    def block(self, samples: int) -> Samples:
        """Give what the microphone hears next."""
        found = self._noise.integers(-NOISE_LEVEL, NOISE_LEVEL + 1, samples).astype("<i2")
        if self._heard:
            sound = self._heard.popleft()[:samples]
            loud = found[: len(sound)] + sound * self._share
            found[: len(sound)] = np.clip(loud, -32768, 32767).astype("<i2")
        return found

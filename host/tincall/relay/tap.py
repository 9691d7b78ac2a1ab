"""A copy of what one party of a call says, for an operator who looks into it: its RTP packets as they come.

Rules of this file: a call that nobody listens to pays nothing, since a tap is set around a leg's sink and taken off again. A
listener who is too slow loses the oldest packets, counted; the call never waits for one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from tincall.relay.bridge import MediaEnd

# a second of sound: longer than any pause of a network over which one would listen
HELD_PACKETS = 50
# an empty frame when nobody speaks, so that a listener sees that the relay lives and can leave in time
SILENCE_S = 0.5


class Tap:
    """A listener at one leg, from now until the call ends or it is closed.

    Args:
        leg: answered, its sink set by the bridge.

    Attributes:
        dropped: packets lost because the listener was too slow.
    """

    def __init__(self, leg: MediaEnd) -> None:
        self.dropped = 0
        self._leg = leg
        self._sink = leg.sink
        self._waiting: deque[bytes] = deque()
        self._is_over = False
        self._came = asyncio.Event()
        leg.sink = self._take

    def end(self) -> None:
        """Hear that the call is over; what waits is still given."""
        self._is_over = True
        self._came.set()

    def close(self) -> None:
        """Stop listening; the bridge gets its packets from the leg itself again."""
        if self._leg.sink == self._take:
            self._leg.sink = self._sink
        self.end()

    async def frames(self) -> AsyncIterator[bytes]:
        """Give each packet behind its length in two bytes, big-endian (RFC 4571 section 2), until the call is over.

        While there is none, an empty one comes each SILENCE_S.
        """
        try:
            while True:
                while self._waiting:
                    packet = self._waiting.popleft()
                    yield len(packet).to_bytes(2, "big") + packet
                if self._is_over:
                    return
                self._came.clear()
                try:
                    async with asyncio.timeout(SILENCE_S):
                        await self._came.wait()
                except TimeoutError:
                    yield bytes(2)
        finally:
            self.close()

    def _take(self, packet: bytes) -> None:
        if self._sink is not None:
            self._sink(packet)
        if self._is_over:
            return
        if len(self._waiting) == HELD_PACKETS:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(bytes(packet))
        self._came.set()

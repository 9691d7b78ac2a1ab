"""What tests of legs and workers share: an observer that remembers, RTP packets, both event loops."""

import asyncio
from array import array

import uvloop

from callcore import wire
from tincall.leg import OUT, CallOffer, Media

MEDIA = Media("PCMA", 20, 0x11111111, 0x22222222)
OFFER = CallOffer("c-1", OUT, "board-1", "The board", MEDIA, 5000)
LOOPS = {"asyncio": None, "uvloop": uvloop.new_event_loop}
# nothing in these tests takes long; a test that waits this long has failed
PATIENCE_S = 10


def run(main, loop="asyncio"):
    """Run a coroutine in a new loop of the kind asked for, with an end to all patience."""

    async def bounded():
        async with asyncio.timeout(PATIENCE_S * 3):
            return await main

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(bounded())


def packets(count, ssrc=MEDIA.remote_ssrc, payload_bytes=160, payload_type=8, first=0):
    """Give `count` sound packets in a row."""
    made = []
    for number in range(first, first + count):
        state = array("I", [number & 0xFFFF, number * payload_bytes, ssrc])
        packet = bytearray(12 + payload_bytes)
        wire.write_header(packet, 0, 1 if number == 0 else 0, payload_type, state)
        packet[12:] = bytes([number & 0xFF]) * payload_bytes
        made.append(bytes(packet))
    return made


class Witness:
    """An observer and sink that remembers everything.

    Attributes:
        events: ("ringing",), ("answered", media), ("released", cause), ("reported", report), in order.
        heard: packets given to the sink.
    """

    def __init__(self, leg):
        self.events = []
        self.heard = []
        self._changed = asyncio.Event()
        leg.observer = self
        leg.sink = self.heard.append

    def leg_ringing(self, leg):
        self._note(("ringing",))

    def leg_answered(self, leg, media):
        self._note(("answered", media))

    def leg_released(self, leg, cause):
        self._note(("released", cause))

    def leg_reported(self, leg, report):
        assert leg.report is report
        self._note(("reported", report))

    @property
    def names(self):
        """The events' names in order."""
        return [event[0] for event in self.events]

    async def until(self, name):
        """Wait for an event and give it."""
        async with asyncio.timeout(PATIENCE_S):
            while name not in self.names:
                self._changed.clear()
                await self._changed.wait()
        return next(event for event in self.events if event[0] == name)

    def _note(self, event):
        self.events.append(event)
        self._changed.set()


async def until(condition, what="it"):
    """Turn the loop until `condition()` holds."""
    for _ in range(PATIENCE_S * 1000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{what} never came")

"""A whole relay in memory for tests: boards that speak frames, phones that do as told, records that remember; no socket.

Time stands still: `Exchange.advance` moves it and ticks everything. `settle` lets the event loop do what is due now.
"""

import asyncio

from callcore import framer
from callcore.errors import LocalError
from support.board_end import HELLO, BoardEnd, media, text
from tincall.clock import ManualClock
from tincall.leg import PHONE, CallOffer, Leg, Media
from tincall.relay.limits import Limits
from tincall.relay.session import Session
from tincall.relay.switchboard import Switchboard
from tincall.settings import CallSettings

PHONES = [{"id": "mum", "name": "Mum"}, {"id": "dad", "name": "Dad"}]
NO_FIGURES = {"received": 0, "lost": 0, "late": 0, "concealed": 0, "jitter_ms": 0, "buffer_ms": 0, "underruns": 0}


class FakePhone(Leg):
    """A phone's leg that does what the test says.

    Attributes:
        told: the verbs it was given, in order, as (name, arguments).
        got: packets sent to it.
    """

    def __init__(self, codecs=("PCMA", "PCMU")):
        super().__init__(PHONE)
        self.codecs = codecs
        self.told = []
        self.got = []
        self.offer: CallOffer | None = None
        self.is_over = False

    @property
    def verbs(self):
        """The names of the verbs so far."""
        return [name for name, *_ in self.told]

    def invite(self, call):
        self._begin("invite", call)

    def place(self, call):
        self._begin("place", call)

    def ringing(self):
        self._live("ringing")

    def answer(self, media):
        self._live("answer", media)

    def release(self, cause, released_by, duration_ms):
        if not self.is_over:
            self.is_over = True
            self.told.append(("release", cause, released_by, duration_ms))

    def send_media(self, packet):
        self.got.append(packet)
        return True

    # what the party does; each is an event of the loop

    def rings(self):
        self.observer.leg_ringing(self)

    def answers(self, media: Media | None = None):
        self.observer.leg_answered(self, media or self.offer.media)

    def ends(self, cause):
        self.is_over = True
        self.observer.leg_released(self, cause)

    def reports(self, **figures):
        self.report = figures
        self.observer.leg_reported(self, figures)

    def speaks(self, packet):
        self.sink(packet)

    def _begin(self, verb, call):
        self._live(verb, call)
        self.offer = call

    def _live(self, verb, *more):
        if self.is_over:
            raise LocalError(f"{verb} on a phone leg that is over")
        self.told.append((verb, *more))


class FakeRecords:
    """Call records in a list; `hold` makes the disk wait, `used` are ids that were used before."""

    def __init__(self):
        self.written = []
        self.used = set()
        self.disk = asyncio.Event()
        self.disk.set()
        self.fault = None
        self.backlog = []

    def unix_ms(self):
        return 1_790_000_000_000

    def late(self, call_id, is_new, facts):
        self.backlog.append((call_id, is_new, facts))

    def of(self, call_id):
        """Give the writes of one call, without its id."""
        return [(name, *more) for name, its, *more in self.written if its == call_id]

    def hold(self):
        """Make the disk wait until `disk.set()`."""
        self.disk.clear()

    async def opened(self, call_id, sn, phone, direction):
        await self._write("opened", call_id, sn, phone, direction)
        return call_id not in self.used

    async def ringing(self, call_id):
        await self._write("ringing", call_id)
        return True

    async def answered(self, call_id, codec):
        await self._write("answered", call_id, codec)
        return True

    async def ended(self, call_id, cause, released_by, duration_ms, up, down):
        await self._write("ended", call_id, cause, released_by, duration_ms, up, down)
        return True

    async def reported(self, call_id, board_stats=None, worker_report=None, up=None, down=None):
        await self._write("reported", call_id, board_stats, worker_report, up, down)

    async def _write(self, *what):
        await self.disk.wait()
        if self.fault is not None:
            raise self.fault
        self.written.append(what)


class Board(BoardEnd):
    """A board on a link of the exchange."""

    def __init__(self, exchange, sn, **hello):
        super().__init__()
        self.sn = sn
        self._exchange = exchange
        now_ms = exchange.clock.now_ms()
        self.session = Session(self.take, self._shut, exchange.limits, now_ms)
        self.session.owner = self.line = exchange.switchboard.connect(sn, self.session, "192.0.2.1", now_ms)
        self.say({**HELLO, **hello})

    def say(self, message):
        """Send one message."""
        self.session.receive(text(message), self._exchange.clock.now_ms())

    def dials(self, call_id="c1", to="mum", codecs=("PCMA", "PCMU"), ptimes=(20,), **more):
        """Call a phone."""
        offer = {"codecs": list(codecs), "ptimes": list(ptimes)}
        self.say({"t": "invite", "call": call_id, "to": to, "media": offer, **more})

    def speaks(self, seq, ssrc):
        """Send one packet."""
        self.session.receive(media(seq, ssrc), self._exchange.clock.now_ms())

    def reports(self, call_id="c1", sent=0, received=0, final=True):
        """Send its last figures, or those of the moment."""
        down = {**NO_FIGURES, "received": received}
        self.say({"t": "stats", "call": call_id, "final": final, "up": {"sent": sent, "dropped": 0}, "down": down})

    def vanishes(self):
        """Break the connection."""
        asyncio.get_running_loop().call_soon(self.session.gone, self._exchange.clock.now_ms())

    def closes(self):
        """Say goodbye."""
        data = framer.encode(framer.CLOSE, framer.close_payload(1000, ""), b"\1\2\3\4")
        self.session.receive(data, self._exchange.clock.now_ms())

    def _shut(self):
        self.vanishes()


class Exchange:
    """The relay.

    Attributes:
        phones: the phone legs made so far, in order.
    """

    def __init__(self, **settings):
        self.clock = ManualClock(5000)
        self.records = FakeRecords()
        self.limits = Limits()
        self.phones = []
        self.phone_fault = None
        self.phone_codecs = ("PCMA", "PCMU")
        self.phone_gate = asyncio.Event()
        self.phone_gate.set()
        self._random = 0
        self.boards = []
        self.switchboard = Switchboard(
            self._make_phone, self.records, lambda sn: PHONES, self.clock, CallSettings(**settings), self._bytes
        )

    @property
    def phone(self):
        """The newest phone leg."""
        return self.phones[-1]

    def board(self, sn="board-1", **hello):
        """Connect a board."""
        self.boards.append(Board(self, sn, **hello))
        return self.boards[-1]

    async def advance(self, ms, step_ms=100):
        """Let time pass in steps, ticking calls and sessions."""
        for _ in range(max(1, ms // step_ms)):
            self.clock.advance(min(ms, step_ms))
            for entry in list(self.switchboard._calls.values()):
                entry.call.tick(self.clock.now_ms())
            for board in self.boards:
                board.session.tick(self.clock.now_ms())
            await settle()

    async def _make_phone(self, phone_id):
        await self.phone_gate.wait()
        if self.phone_fault is not None:
            raise self.phone_fault
        self.phones.append(FakePhone(self.phone_codecs))
        return self.phones[-1]

    def _bytes(self, n):
        self._random += 1
        return (self._random * 0x01010101).to_bytes(4, "big") + bytes(n)[4:] if n >= 4 else bytes(n)


async def settle():
    """Let the loop do what is due now, the timers of 0 ms included."""
    for _ in range(10):
        await asyncio.sleep(0)
    await asyncio.sleep(0.002)
    for _ in range(10):
        await asyncio.sleep(0)


async def talking(exchange, board, call_id="c1"):
    """Let a board call a phone and be answered; gives the phone."""
    board.dials(call_id)
    await settle()
    exchange.phone.rings()
    exchange.phone.answers()
    await settle()
    return exchange.phone

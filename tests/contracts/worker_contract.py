"""What every worker does, as a real process on its two sockets; see docs/architecture.md.

A `WorkerKit` names the command and gives phone settings by what the phone shall do. `test_worker_contract.py` runs every
case of this file against every kit of `conftest.py`; a worker in another language is one more kit.
"""

import asyncio
from dataclasses import dataclass, field

from support.legs import MEDIA, PATIENCE_S, packets, until

from callcore import causes, wire
from tincall.worker.process import Limits, WorkerProcess
from tincall.worker.protocol import media_fields


@dataclass
class WorkerKit:
    """One kind of worker.

    Args:
        command: program and arguments.
        phones: settings for a phone that `answers` (at once, and speaks or is silent, but sends), `rejects`, is `busy`,
            `never_answers`, or `hangs_up` soon after the answer.
    """

    command: list
    phones: dict = field(default_factory=dict)

    def phone(self, behaviour, role):
        """Give the settings of a phone that is rung (`callee`) or calls (`caller`)."""
        return self.phones[behaviour]


class Relay:
    """The relay's end of one worker, played by the test.

    Attributes:
        messages: what the worker said, in order.
        heard: RTP packets it sent.
    """

    def __init__(self, process):
        self.process = process
        self.messages = []
        self.heard = []
        self.lost = []
        process.attach(self._hear, self.heard.append, self.lost.append)

    def _hear(self, message):
        if message["t"] in ("release", "report"):
            self.process.drain_media()
        self.messages.append(message)

    @property
    def words(self):
        """The names of the messages, in order; a status is no word of the call but the reason of one."""
        return [message["t"] for message in self.messages if message["t"] != "status"]

    def start(self, kit, phone, role="callee", media=MEDIA):
        """Begin a call."""
        start = {"t": "start", "call": "c-1", "role": role, "phone": kit.phone(phone, role), "ring_ms": 5000}
        assert self.process.send({**start, "media": media_fields(media)})

    async def until(self, word):
        """Wait for a message and give it."""
        await until(lambda: word in self.words, word)
        return next(message for message in self.messages if message["t"] == word)

    async def end(self, cause=causes.NORMAL):
        """Release; give the report's figures, and check that the worker ends in order."""
        assert self.process.send({"t": "release", "cause": cause})
        figures = (await self.until("report"))["figures"]
        async with asyncio.timeout(PATIENCE_S):
            assert await asyncio.shield(self.process.exited) == 0
        assert self.words[-1] == "report"
        return figures


async def opened(kit):
    """Start a worker."""
    return Relay(await WorkerProcess.spawn(kit.command, Limits()))


async def case_it_says_what_it_can(kit, relay):
    assert relay.process.kind and "PCMA" in relay.process.codecs


async def case_a_rung_phone_rings_then_answers(kit, relay):
    relay.start(kit, "answers")
    answer = await relay.until("answer")
    assert relay.words == ["ringing", "answer"]
    assert answer["media"] == media_fields(MEDIA)
    await relay.end()


async def case_its_packets_are_one_stream(kit, relay):
    relay.start(kit, "answers")
    await until(lambda: len(relay.heard) >= 10, "ten packets")
    await relay.end()
    first = relay.heard[0]
    seq, before = wire.seq(first, 0), first
    assert wire.marker(first, 0) == 1
    for packet in relay.heard:
        assert wire.check(packet, 0, len(packet)) == wire.SOUND
        assert wire.payload_type(packet, 0) == 8 and len(packet) == 172
        assert int.from_bytes(packet[8:12], "big") == MEDIA.ssrc
        assert wire.seq(packet, 0) == seq
        assert wire.stamp_delta(packet, 0, before, 0) in (0, 160)
        seq, before = (seq + 1) & 0xFFFF, packet


async def case_every_packet_is_in_the_report(kit, relay):
    relay.start(kit, "answers")
    await relay.until("answer")
    taken = 0
    for packet in packets(40):
        taken += relay.process.send_media(packet)
        await asyncio.sleep(0.005)
    figures = await relay.end()
    assert figures["received"] == taken == 40
    assert figures["sent"] == len(relay.heard)


async def case_nonsense_among_the_packets_is_counted_and_survived(kit, relay):
    relay.start(kit, "answers")
    await relay.until("answer")
    foreign = packets(1, ssrc=7) + packets(1, payload_type=0) + packets(1, payload_bytes=80)
    nonsense = [b"\x00", b"\x80" * 11, bytes(12), b"\xff" * 172, bytes(2048), *foreign]
    for packet in [*nonsense, *packets(3)]:
        assert relay.process.send_media(packet)
        await asyncio.sleep(0.005)
    figures = await relay.end()
    assert figures["received"] == len(nonsense) + 3 and figures["refused"] == len(nonsense)


async def case_losses_repeats_and_stragglers_are_told_apart(kit, relay):
    relay.start(kit, "answers")
    await relay.until("answer")
    made = packets(30)
    # 5 never comes, 9 comes twice, 12 comes 300 ms late
    order = [*made[:5], *made[6:12], made[9], *made[13:28], made[12], *made[28:]]
    for packet in order:
        assert relay.process.send_media(packet)
        await asyncio.sleep(0.02)
    figures = await relay.end()
    assert figures["received"] == len(order)
    assert (figures["lost"], figures["duplicates"], figures["late"]) == (1, 1, 1)


async def case_a_phone_refuses(kit, relay):
    relay.start(kit, "rejects")
    assert (await relay.until("release"))["cause"] == causes.REJECTED
    assert relay.words == ["ringing", "release"]
    assert (await relay.end())["sent"] == 0


async def case_a_phone_is_busy(kit, relay):
    relay.start(kit, "busy")
    assert (await relay.until("release"))["cause"] == causes.BUSY
    # a platform may say that it calls before it notices
    assert relay.words in (["release"], ["ringing", "release"])
    await relay.end()


async def case_a_phone_hangs_up(kit, relay):
    relay.start(kit, "hangs_up")
    assert (await relay.until("release"))["cause"] == causes.NORMAL
    heard = len(relay.heard)
    figures = await relay.end()
    assert figures["sent"] == len(relay.heard) == heard, "it spoke after it had hung up"


async def case_the_caller_gives_up_while_it_rings(kit, relay):
    relay.start(kit, "never_answers")
    await relay.until("ringing")
    assert (await relay.end(causes.ORIGINATOR_CANCEL))["sent"] == 0
    assert relay.words == ["ringing", "report"]


async def case_a_calling_phone_speaks_once_it_is_answered(kit, relay):
    relay.start(kit, "answers", role="caller")
    assert relay.process.send({"t": "ringing"})
    await asyncio.sleep(0.1)
    assert relay.heard == []
    assert relay.process.send({"t": "answer", "media": media_fields(MEDIA)})
    await until(lambda: len(relay.heard) >= 3, "its packets")
    figures = await relay.end()
    assert relay.words == ["report"] and figures["sent"] == len(relay.heard)


async def case_a_calling_phone_is_refused(kit, relay):
    relay.start(kit, "answers", role="caller")
    await relay.end(causes.BUSY)
    assert relay.words == ["report"]


async def case_a_spare_ends_when_its_relay_does(kit, relay):
    relay.process.dismiss()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.shield(relay.process.exited)


async def case_a_talking_worker_ends_when_its_relay_does(kit, relay):
    relay.start(kit, "answers")
    await until(lambda: len(relay.heard) >= 3, "its packets")
    relay.process.dismiss()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.shield(relay.process.exited)


async def case_a_relay_that_speaks_out_of_turn_ends_the_worker(kit, relay):
    assert relay.process.send({"t": "ringing"})
    async with asyncio.timeout(PATIENCE_S):
        assert await asyncio.shield(relay.process.exited) != 0


CASES = [value for name, value in globals().items() if name.startswith("case_")]

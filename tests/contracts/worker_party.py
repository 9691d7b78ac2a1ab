"""The worker's end of a `WorkerLeg`, played by the test: the real sockets, no process behind them."""

import asyncio
import socket

from support.legs import OFFER

from contracts.leg_contract import Party
from tincall.worker import protocol
from tincall.worker.channel import Channel
from tincall.worker.leg import WorkerLeg
from tincall.worker.process import MEDIA_BUFFER_BYTES, Limits, WorkerProcess


class Child:
    """What a `WorkerProcess` needs of a child process; ends when the test says so."""

    pid = 0

    def __init__(self):
        self.status = 0
        self._ended = asyncio.Event()

    async def wait(self):
        await self._ended.wait()
        return self.status

    def kill(self):
        self.end(-9)

    def end(self, status):
        self.status = status
        self._ended.set()


class WorkerParty(Party):
    """A worker that does what the test says."""

    def __init__(self, limits):
        super().__init__()
        ours, theirs = zip(*(socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)), strict=True)
        for end in (ours[1], theirs[1]):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MEDIA_BUFFER_BYTES)
        loop = asyncio.get_running_loop()
        self.messages = []
        self.media_fd = ours[1].fileno()
        self.control = Channel(ours[0], protocol.MAX_CONTROL_BYTES, self._told, lambda _: None)
        self.media = Channel(ours[1], protocol.MAX_MEDIA_BYTES, self.heard.append, lambda _: None)
        self.control.open(loop)
        self.media.open(loop)
        self.child = Child()
        self.process = WorkerProcess(self.child, theirs[0], theirs[1], limits)
        self.leg = None

    @classmethod
    async def make(cls, role, limits=None):
        limits = limits or Limits()
        party = cls(limits)
        await party.say({"t": "ready", "v": 1, "kind": "test", "codecs": ["PCMA"]})
        await party.process.ready
        party.leg = WorkerLeg(party.process, {"id": "mum"}, limits)
        if role == "caller":
            party.leg.place(OFFER)
            await asyncio.sleep(0)
            party.control.drain()
            assert party.messages.pop(0)["role"] == "caller"
            party.words.clear()
        return party

    async def say(self, message):
        assert self.control.send(protocol.encode(message, protocol.FROM_WORKER))

    async def ring(self):
        await self.say({"t": "ringing"})

    async def answer(self):
        start = next(message for message in self.messages if message["t"] == "start")
        await self.say({"t": "answer", "media": start["media"]})

    async def hang_up(self, cause):
        await self.say({"t": "release", "cause": cause})

    async def speak(self, made):
        for packet in made:
            assert self.media.send(packet)

    async def report(self, figures):
        await self.say({"t": "report", "figures": figures})

    async def vanish(self):
        self.control.close()
        self.media.close()
        self.child.end(-9)

    async def stall(self):
        asyncio.get_running_loop().remove_reader(self.media_fd)

    async def close(self):
        self.control.close()
        self.media.close()
        await self.process.destroy()

    def _told(self, datagram):
        message = protocol.decode(datagram, protocol.FROM_RELAY)
        self.messages.append(message)
        self.words.append({"start": "invite"}.get(message["t"], message["t"]))

"""One end of a SEQPACKET socket in both event loops."""

import asyncio
import socket
import threading

import pytest
from support.legs import LOOPS, run, until

from tincall.worker.channel import BATCH, Channel


@pytest.fixture(params=sorted(LOOPS))
def loop(request):
    return request.param


class Pair:
    """A channel with its other end as a plain socket."""

    def __init__(self, max_bytes=100):
        ours, self.other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.other.settimeout(5)
        self.heard, self.lost = [], []
        self.channel = Channel(ours, max_bytes, self.heard.append, self.lost.append)
        self.channel.open(asyncio.get_running_loop())

    def close(self):
        self.channel.close()
        self.other.close()


def play(scene, loop, **more):
    async def main():
        pair = Pair(**more)
        try:
            await scene(pair)
        finally:
            pair.close()

    run(main(), loop)


def test_datagrams_keep_their_borders_and_their_order(loop):
    async def scene(pair):
        for number in range(50):
            pair.other.send(bytes([number]) * (number + 1))
        await until(lambda: len(pair.heard) == 50)
        assert pair.heard == [bytes([number]) * (number + 1) for number in range(50)]
        assert pair.channel.send(b"back") and pair.other.recv(100) == b"back"

    play(scene, loop)


def test_the_longest_datagram_passes_and_one_byte_more_ends_the_channel(loop):
    async def scene(pair):
        pair.other.send(b"x" * 100)
        pair.other.send(b"x" * 101)
        pair.other.send(b"never")
        await until(lambda: pair.lost)
        assert pair.heard == [b"x" * 100]
        assert pair.lost == ["a datagram has more than 100 bytes"] and not pair.channel.is_open

    play(scene, loop)


def test_what_was_sent_before_the_end_is_heard_before_it(loop):
    async def scene(pair):
        # something unread at the other end makes the kernel report a reset before it gives the rest
        assert pair.channel.send(b"unread")
        pair.other.send(b"one")
        pair.other.send(b"two")
        pair.other.close()
        await until(lambda: pair.lost)
        assert pair.heard == [b"one", b"two"]
        assert pair.lost == ["the other end closed"] and not pair.channel.is_open
        assert pair.channel.send(b"late") is False

    play(scene, loop)


def test_a_full_socket_refuses_and_does_not_wait(loop):
    async def scene(pair):
        taken = 0
        while pair.channel.send(b"x" * 100):
            taken += 1
            assert taken < 100_000
        pair.other.recv(100)
        assert pair.channel.send(b"x" * 100)

    play(scene, loop)


def test_a_flood_leaves_turns_to_others(loop):
    async def scene(pair):
        for _ in range(3 * BATCH):
            pair.other.send(b"x")
        seen = []
        while len(pair.heard) < 3 * BATCH:
            await asyncio.sleep(0)
            seen.append(len(pair.heard))
        steps = [after - before for before, after in zip([0, *seen], seen, strict=False)]
        assert max(steps) <= BATCH

    play(scene, loop)


def test_drain_reads_what_is_there_at_once(loop):
    async def scene(pair):
        for _ in range(3 * BATCH):
            pair.other.send(b"x")
        pair.channel.drain()
        assert len(pair.heard) == 3 * BATCH
        pair.channel.drain()
        assert len(pair.heard) == 3 * BATCH and pair.channel.is_open

    play(scene, loop)


def test_drain_from_within_a_datagram_does_nothing(loop):
    async def scene(pair):
        depth = []

        def heard(datagram):
            before = len(depth)
            pair.channel.drain()
            depth.append(len(depth) - before)

        pair.channel.heard = heard
        pair.other.send(b"one")
        pair.other.send(b"two")
        await until(lambda: len(depth) == 2)
        assert depth == [0, 0]

    play(scene, loop)


def test_closed_from_within_a_datagram_hears_no_more(loop):
    async def scene(pair):
        heard = []
        pair.channel.heard = lambda datagram: (heard.append(datagram), pair.channel.close())
        pair.other.send(b"one")
        pair.other.send(b"two")
        await until(lambda: heard)
        await asyncio.sleep(0.01)
        pair.channel.drain()
        pair.channel.close()
        assert heard == [b"one"] and pair.lost == []

    play(scene, loop)


def test_it_writes_to_a_reader_in_another_thread(loop):
    async def scene(pair):
        got = []
        thread = threading.Thread(target=lambda: got.extend(pair.other.recv(100) for _ in range(2)))
        thread.start()
        assert pair.channel.send(b"one") and pair.channel.send(b"two")
        await until(lambda: len(got) == 2)
        thread.join()
        assert got == [b"one", b"two"]

    play(scene, loop)

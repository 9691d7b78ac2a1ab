"""A tap: hears what a leg says, changes nothing for the call, never grows, and ends with the call."""

import asyncio

import pytest
from support.exchange import Exchange, settle, talking

from callcore import causes
from tincall.relay.tap import HELD_PACKETS, Tap


class FakeLeg:
    def __init__(self):
        self.heard = []
        self.sink = self.heard.append


@pytest.fixture
def leg():
    return FakeLeg()


async def test_each_packet_goes_on_and_is_heard_behind_its_length(leg):
    tap = Tap(leg)
    packets = [b"one", b"", b"x" * 300]
    for packet in packets:
        leg.sink(packet)
    tap.end()
    assert leg.heard == packets
    assert [frame async for frame in tap.frames()] == [b"\0\x03one", b"\0\0", b"\x01\x2c" + b"x" * 300]


async def test_borrowed_packets_are_copied(leg):
    tap = Tap(leg)
    packet = bytearray(b"one")
    leg.sink(memoryview(packet))
    packet[:] = b"two"
    tap.end()
    assert [frame async for frame in tap.frames()] == [b"\0\x03one"]


async def test_a_slow_listener_loses_the_oldest(leg):
    tap = Tap(leg)
    for number in range(HELD_PACKETS + 5):
        leg.sink(bytes([number]))
    tap.end()
    frames = [frame async for frame in tap.frames()]
    assert tap.dropped == 5 and frames[0] == b"\0\x01\x05" and len(frames) == HELD_PACKETS
    assert len(leg.heard) == HELD_PACKETS + 5


async def test_of_two_listeners_the_first_may_leave_first(leg):
    first, second = Tap(leg), Tap(leg)
    first.close()
    leg.sink(b"one")
    second.close()
    leg.sink(b"two")
    assert [frame async for frame in second.frames()] == [b"\0\x03one"]
    assert leg.heard == [b"one", b"two"]


async def test_while_nobody_speaks_empty_frames_come(leg):
    tap = Tap(leg)
    frames = tap.frames()
    assert await anext(frames) == b"\0\0"
    leg.sink(b"one")
    assert await anext(frames) == b"\0\x03one"
    assert await anext(frames) == b"\0\0"
    await frames.aclose()


async def test_a_listener_who_leaves_is_taken_off(leg):
    before = leg.sink
    frames = Tap(leg).frames()
    leg.sink(b"one")
    assert await anext(frames) == b"\0\x03one"
    await frames.aclose()
    assert leg.sink == before


async def test_waiting_ends_with_a_packet_or_with_the_call(leg):
    tap = Tap(leg)
    frames = tap.frames()
    waiting = asyncio.ensure_future(anext(frames))
    await asyncio.sleep(0)
    assert not waiting.done()
    leg.sink(b"late")
    assert await waiting == b"\0\x04late"
    waiting = asyncio.ensure_future(anext(frames))
    await asyncio.sleep(0)
    tap.end()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_a_call_is_heard_from_answer_to_end():
    exchange = Exchange()
    board = exchange.board()
    assert exchange.switchboard.tap("c1", "device") is None
    board.dials()
    await settle()
    assert exchange.switchboard.tap("c1", "phone") is None
    exchange.phone.answers()
    await settle()
    tap = exchange.switchboard.tap("c1", "phone")
    exchange.phone.speaks(b"hello")
    assert exchange.switchboard.hangup("c1")
    assert [frame async for frame in tap.frames()] == [b"\0\x05hello"]
    assert exchange.switchboard.live() == [] and exchange.switchboard.tap("c1", "phone") is None


async def test_the_second_listener_takes_over():
    exchange = Exchange()
    phone = await talking(exchange, exchange.board())
    first = exchange.switchboard.tap("c1", "phone")
    second = exchange.switchboard.tap("c1", "phone")
    phone.speaks(b"hello")
    assert [frame async for frame in first.frames()] == []
    exchange.switchboard._calls["c1"].call.end(causes.NORMAL, "relay")
    assert [frame async for frame in second.frames()] == [b"\0\x05hello"]
    down = exchange.switchboard._calls["c1"].call.counters()["down"]
    assert (down["in"], down["out"] + down["dropped"]) == (1, 1)

"""Two ends of the room pipe in one loop: messages are never lost, frames never wait, an end is told once."""

import asyncio
import os

import pytest
from support.legs import run, until

from callcore.errors import LocalError
from tincall.worker.room import FRAME_BYTES, FROM_ROOM_END, FROM_WORKER, pack_frame, pack_message
from tincall.worker.room_pipe import RoomPipe

FRAME = bytes(range(256)) * 2 + bytes(128)


class End:
    def __init__(self, read_fd, write_fd, us, them):
        self.messages, self.frames, self.lost = [], [], []
        self.pipe = RoomPipe(read_fd, write_fd, us, them, self.messages.append, self.frames.append, self.lost.append)


def play(scene):
    async def main():
        down, up = os.pipe(), os.pipe()
        worker = End(up[0], down[1], FROM_WORKER, FROM_ROOM_END)
        try:
            await scene(worker, down[0], up[1])
        finally:
            worker.pipe.close()

    run(main())


def both(scene):
    async def with_room_end(worker, read_fd, write_fd):
        end = End(read_fd, write_fd, FROM_ROOM_END, FROM_WORKER)
        try:
            await scene(worker, end)
        finally:
            end.pipe.close()

    play(with_room_end)


def test_messages_and_frames_go_both_ways_in_order():
    async def scene(worker, end):
        worker.pipe.say({"t": "hangup", "reason": 1})
        assert worker.pipe.send(FRAME)
        worker.pipe.say({"t": "close"})
        end.pipe.say({"t": "status", "number": 2})
        assert end.pipe.send(FRAME)
        await until(lambda: len(end.messages) == 2 and worker.frames)
        assert end.messages == [{"t": "hangup", "reason": 1}, {"t": "close"}] and end.frames == [FRAME]
        assert worker.messages == [{"t": "status", "number": 2}] and worker.frames == [FRAME]
        assert (end.pipe.received, end.pipe.sent, end.pipe.dropped) == (1, 1, 0)

    both(scene)


def test_an_end_that_does_not_read_costs_frames_but_no_message():
    async def scene(worker, read_fd, write_fd):
        taken = sum(worker.pipe.send(FRAME) for _ in range(40))
        assert 5 <= taken <= 16 and worker.pipe.dropped == 40 - taken
        messages = [{"t": "hangup", "reason": number} for number in range(100)]
        for message in messages:
            worker.pipe.say(message)
        assert not worker.pipe.send(FRAME), "a frame overtook a message"
        end = End(read_fd, write_fd, FROM_ROOM_END, FROM_WORKER)
        await until(lambda: len(end.messages) == 100)
        assert end.messages == messages and end.pipe.received == taken
        await worker.pipe.flushed(1)
        assert worker.pipe.send(FRAME)
        end.pipe.close()

    play(scene)


def test_too_many_messages_that_nobody_reads_end_it():
    async def scene(worker, read_fd, write_fd):
        for _ in range(3000):
            worker.pipe.say({"t": "hangup", "reason": 1})
        assert worker.lost == [], "told from inside a verb"
        await until(lambda: worker.lost)
        assert worker.lost == ["the other end takes no messages"]
        os.close(read_fd)
        os.close(write_fd)

    play(scene)


@pytest.mark.parametrize(
    ("last", "sentence"),
    [
        (b"", "the other end closed"),
        (b"P\x80", "the other end closed within a record"),
        (b"Q\x00\x00", "no record is of type 0x51"),
        (pack_message({"t": "close"}, FROM_WORKER), "'close' does not come from the room end"),
    ],
)
def test_an_end_is_told_once_with_what_came_before_it(last, sentence):
    async def scene(worker, read_fd, write_fd):
        os.write(write_fd, pack_frame(FRAME))
        await until(lambda: worker.frames)
        os.write(write_fd, last)
        os.close(write_fd)
        await until(lambda: worker.lost)
        await asyncio.sleep(0)
        assert worker.lost == [sentence] and not worker.pipe.is_open
        worker.pipe.say({"t": "close"})
        assert not worker.pipe.send(FRAME)
        os.close(read_fd)

    play(scene)


def test_a_closed_end_says_nothing_and_is_told_nothing():
    async def scene(worker, end):
        end.pipe.say({"t": "status", "number": 1})
        worker.pipe.close()
        worker.pipe.close()
        await until(lambda: end.lost)
        assert worker.lost == [] and worker.messages == []

    both(scene)


def test_what_this_side_may_not_say_is_a_bug():
    async def scene(worker, end):
        with pytest.raises(LocalError):
            worker.pipe.say({"t": "closed"})
        with pytest.raises(LocalError):
            worker.pipe.send(bytes(FRAME_BYTES + 1))

    both(scene)

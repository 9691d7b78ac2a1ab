"""What every room end does, as a real process on its pipe; see docs/architecture.md, "Room pipe".

A `RoomEndKit` names the command, makes rooms with phones that do as they are told, and knows how each room ended.
`test_room_end_contract.py` runs every case of this file against every kit of `conftest.py`.
"""

import asyncio
import os
import signal
import time

from support.legs import PATIENCE_S, until

from tincall.worker.room import FRAME_BYTES
from tincall.worker.room_process import RoomEndProcess, RoomLimits

MANUAL, REJECT = 1, 11
REJECTED, CANCELED, BY_DEVICE, BY_PHONE = 3, 4, 5, 6
LIMITS = RoomLimits(closed_s=3, grace_s=3)


class RoomEndKit:
    """One kind of room end.

    Attributes:
        command: program and arguments.
        opening: fields of `open`, but for the folder.
    """

    def room(self, behaviour, role="callee"):
        """Give a room in which a phone `answers` and echoes, `rejects`, `never_answers`, `hangs_up` soon after the answer,
        or that is `wrong` and lets nobody in; `role` is the phone's."""
        raise NotImplementedError

    def end_of(self, room):
        """Tell how a room ended: `hung_up_by_device`, `hung_up_by_phone`, `cancelled`, `rejected`, or '' if it did not."""
        raise NotImplementedError


class Worker:
    """The worker's end of one room end, played by the test.

    Attributes:
        numbers: of the statuses, in order.
        failures: (step, number), in order.
        frames: what was heard, each with the instant it came.
    """

    def __init__(self, end):
        self.end = end
        self.numbers, self.failures, self.frames, self.lost = [], [], [], []
        end.attach(self._hear, lambda pcm: self.frames.append((time.monotonic(), pcm)), self.lost.append)

    @property
    def sounds(self):
        """The frames that are not silence."""
        return [pcm for _, pcm in self.frames if any(pcm)]

    async def until_status(self, number):
        await until(lambda: number in self.numbers, f"status {number}")

    async def close(self):
        """End it in order."""
        assert await self.end.close() == 0 and self.lost == []

    def _hear(self, message):
        if message["t"] == "status":
            self.numbers.append(message["number"])
        else:
            self.failures.append((message["step"], message["number"]))


async def opened(kit, place):
    """Start a room end."""
    return Worker(await RoomEndProcess.spawn(kit.command, kit.opening, LIMITS, place))


async def talking(kit, worker):
    """Go into a room and wait for the answer; gives the room."""
    room = kit.room("answers")
    worker.end.join(room)
    await worker.until_status(2)
    return room


def numbered(count):
    """Give frames that are unlike each other and no silence."""
    return [(number + 1).to_bytes(2, "little") * (FRAME_BYTES // 2) for number in range(count)]


async def case_it_says_what_it_is(kit, worker):
    assert worker.end.kind and worker.end.version
    await worker.close()


async def case_a_phone_rings_and_answers(kit, worker):
    await talking(kit, worker)
    assert worker.numbers in ([0, 1, 2], [1, 2])
    await worker.close()


async def case_frames_come_every_20_ms_and_only_after_the_answer(kit, worker):
    await talking(kit, worker)
    assert worker.frames == [] or worker.numbers[-1] == 2
    await asyncio.sleep(1.0)
    first, last = worker.frames[0][0], worker.frames[-1][0]
    assert {len(pcm) for _, pcm in worker.frames} == {FRAME_BYTES}
    due = (last - first) / 0.02
    # never more; fewer only where the machine was too busy
    assert 0.6 * due < len(worker.frames) - 1 < due + 4
    await worker.close()


async def case_sound_goes_there_and_back_in_order_without_a_gap(kit, worker):
    await talking(kit, worker)
    made = numbered(40)
    next_s = time.monotonic()
    for frame in made:
        worker.end.send(frame)
        next_s += 0.02
        await asyncio.sleep(max(0, next_s - time.monotonic()))
    await until(lambda: made[-1] in worker.sounds, "the last frame")
    # a busy machine may cost a frame or a pause, never order
    heard = [made.index(pcm) for pcm in worker.sounds]
    assert heard == sorted(heard) and len(heard) >= 25
    await worker.close()


async def case_a_burst_is_not_handed_on_as_one(kit, worker):
    await talking(kit, worker)
    await asyncio.sleep(0.1)
    for frame in numbered(10):
        worker.end.send(frame)
    await until(lambda: len(worker.sounds) >= 5, "the burst")
    times = [when for when, pcm in worker.frames if any(pcm)]
    assert times[4] - times[0] > 0.03
    await worker.close()


async def case_hanging_up_ends_sound_and_room(kit, worker):
    room = await talking(kit, worker)
    worker.end.hang_up(MANUAL)
    await worker.until_status(BY_DEVICE)
    count = len(worker.frames)
    await asyncio.sleep(0.1)
    assert len(worker.frames) == count
    await worker.close()
    assert kit.end_of(room) == "hung_up_by_device"


async def case_a_phone_declines(kit, worker):
    room = kit.room("rejects")
    worker.end.join(room)
    await worker.until_status(REJECTED)
    assert worker.numbers in ([0, 1, 3], [1, 3]) and worker.frames == []
    await worker.close()
    assert kit.end_of(room) == "rejected"


async def case_a_phone_hangs_up(kit, worker):
    room = kit.room("hangs_up")
    worker.end.join(room)
    await worker.until_status(BY_PHONE)
    count = len(worker.frames)
    await asyncio.sleep(0.1)
    assert len(worker.frames) == count
    await worker.close()
    assert kit.end_of(room) == "hung_up_by_phone"


async def case_hanging_up_while_it_rings_stops_the_ringing(kit, worker):
    room = kit.room("never_answers")
    worker.end.join(room)
    await worker.until_status(1)
    worker.end.hang_up(MANUAL)
    await worker.until_status(CANCELED)
    await worker.close()
    assert kit.end_of(room) == "cancelled" and worker.frames == []


async def case_hanging_up_at_once_after_the_join_counts(kit, worker):
    room = kit.room("never_answers")
    worker.end.join(room)
    worker.end.hang_up(MANUAL)
    await worker.close()
    assert kit.end_of(room) == "cancelled"


async def case_closing_hangs_up(kit, worker):
    room = await talking(kit, worker)
    await worker.close()
    assert kit.end_of(room) == "hung_up_by_device"


async def case_a_worker_that_vanishes_is_a_hang_up(kit, worker):
    room = await talking(kit, worker)
    worker.end.pipe.close()
    await until(lambda: worker.end._exited.done(), "the end of the process")
    assert worker.end._exited.result() == 0
    await until(lambda: kit.end_of(room) == "hung_up_by_device", "the end of the room")


async def case_a_phones_call_is_answered(kit, worker):
    room = kit.room("answers", "caller")
    worker.end.join(room)
    await worker.until_status(2)
    await until(lambda: len(worker.frames) > 5, "frames")
    await worker.close()
    assert kit.end_of(room) == "hung_up_by_device"


async def case_a_phones_call_is_declined(kit, worker):
    room = kit.room("answers", "caller")
    worker.end.decline(room, REJECT)
    await worker.close()
    assert worker.numbers == [] and worker.failures == [] and kit.end_of(room) == "rejected"


async def case_a_room_that_lets_nobody_in_is_a_failed_join(kit, worker):
    worker.end.join(kit.room("wrong"))
    await until(lambda: worker.failures, "the failure")
    (step, number), *_ = worker.failures
    assert step == "join" and number != 0 and worker.numbers == []
    await worker.close()


async def case_a_worker_that_does_not_read_blocks_nothing(kit, worker):
    loop = asyncio.get_running_loop()
    room = await talking(kit, worker)
    loop.remove_reader(worker.end.pipe._read_fd)
    await asyncio.sleep(3.0)  # twice what the pipe holds
    loop.add_reader(worker.end.pipe._read_fd, worker.end.pipe._read)
    worker.end.hang_up(MANUAL)
    await worker.until_status(BY_DEVICE)
    await worker.close()
    assert kit.end_of(room) == "hung_up_by_device"


async def case_a_spare_ends_without_having_been_used(kit, worker):
    began_s = time.monotonic()
    await worker.close()
    assert time.monotonic() - began_s < 1


async def _broken(kit, worker, data):
    os.write(worker.end.pipe._write_fd, data)
    async with asyncio.timeout(PATIENCE_S):
        assert await asyncio.shield(worker.end._exited) == 1


async def case_garbage_ends_it(kit, worker):
    await _broken(kit, worker, b"GET / HTTP/1.1\r\n\r\n")


async def case_a_message_out_of_turn_ends_it(kit, worker):
    await _broken(kit, worker, b'J\x19\x00{"t":"hangup","reason":1}')


async def case_a_message_that_nobody_knows_ends_it(kit, worker):
    await _broken(kit, worker, b'J\x0d\x00{"t":"dance"}')


async def case_a_breach_in_a_room_hangs_up_first(kit, worker):
    room = await talking(kit, worker)
    await _broken(kit, worker, b"P\x00\x00")
    await until(lambda: kit.end_of(room) == "hung_up_by_device", "the end of the room")


async def case_killed_it_is_told_as_lost(kit, worker):
    await talking(kit, worker)
    os.kill(worker.end.pid, signal.SIGKILL)
    await until(lambda: worker.lost, "the loss")
    assert await worker.end.close() == -9


CASES = [value for name, value in globals().items() if name.startswith("case_")]

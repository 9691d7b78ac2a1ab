"""The waker: ticks when asked, not before, not after the machine has changed its mind."""

import asyncio

from tincall.clock import RING_MS, ManualClock, SystemClock
from tincall.relay.waker import Waker


class Machine:
    """Wants a tick at `wake_ms`, `times` times, each `step_ms` later."""

    def __init__(self, clock, wake_ms, times=1, step_ms=0):
        self.wake_ms = wake_ms
        self.ticks = []
        self.ticked = asyncio.Event()
        self._times = times
        self._step_ms = step_ms
        self.waker = Waker(asyncio.get_running_loop(), clock, self.tick, lambda: self.wake_ms)

    def tick(self, now_ms):
        self.ticks.append(now_ms)
        self._times -= 1
        self.wake_ms = (now_ms + self._step_ms) % RING_MS if self._times else None
        self.ticked.set()


async def test_it_ticks_when_it_is_time_and_as_often_as_asked(loop_factory):
    clock = SystemClock()
    start_ms = clock.now_ms()
    machine = Machine(clock, start_ms + 20, times=3, step_ms=10)
    machine.waker.follow()
    for _ in range(3):
        await asyncio.wait_for(machine.ticked.wait(), 5)
        machine.ticked.clear()
    assert machine.ticks[0] - start_ms >= 20 and machine.ticks[2] - machine.ticks[0] >= 20
    assert machine.waker._timer is None


async def test_it_never_ticks_early(loop_factory):
    clock = ManualClock()
    machine = Machine(clock, 1)
    machine.waker.follow()
    await asyncio.sleep(0.05)
    assert machine.ticks == []
    clock.advance(1)
    await asyncio.wait_for(machine.ticked.wait(), 5)
    machine.waker.stop()


async def test_it_follows_a_machine_that_changes_its_mind(loop_factory):
    machine = Machine(SystemClock(), SystemClock().now_ms() + 60_000)
    machine.waker.follow()
    machine.wake_ms = SystemClock().now_ms()
    machine.waker.follow()
    await asyncio.wait_for(machine.ticked.wait(), 5)


async def test_it_forgets_a_machine(loop_factory):
    machine = Machine(SystemClock(), SystemClock().now_ms() + 5)
    machine.waker.follow()
    machine.waker.stop()
    machine.waker.follow()
    await asyncio.sleep(0.03)
    assert machine.ticks == []


async def test_a_machine_that_wants_no_tick_gets_none(loop_factory):
    machine = Machine(SystemClock(), SystemClock().now_ms() + 5)
    machine.waker.follow()
    machine.wake_ms = None
    machine.waker.follow()
    await asyncio.sleep(0.03)
    assert machine.ticks == []

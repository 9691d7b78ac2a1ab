"""Starts the firmware on CPython: lends the standard modules what MicroPython's have more, then runs `main.py`.

Run as `boot.py MAIN`; the module search path of the board is in `TINCALL_PATH`. Only additions stand here: what both
interpreters have is left as it is, so that a difference shows itself instead of being smoothed over.
"""

import asyncio
import collections
import gc
import os
import runpy
import select
import sys
import time
import traceback

_TICKS_PERIOD = 1 << 30
_HALF = _TICKS_PERIOD >> 1
_POLL_IOCTL = 3


def ticks_ms():
    """Give milliseconds in the ring of 2**30."""
    return time.monotonic_ns() // 1000000 % _TICKS_PERIOD


def ticks_us():
    """Give microseconds in the ring of 2**30."""
    return time.monotonic_ns() // 1000 % _TICKS_PERIOD


def ticks_add(ticks, delta):
    """Advance a time of the ring."""
    return (ticks + delta) % _TICKS_PERIOD


def ticks_diff(later, earlier):
    """Give the signed distance of two times of the ring."""
    return (later - earlier + _HALF) % _TICKS_PERIOD - _HALF


class Deque(collections.deque):
    """MicroPython's deque: flag 1 makes a full one raise IndexError. CPython's own modules use it too."""

    def __init__(self, iterable=(), maxlen=None, flags=0):
        super().__init__(iterable, maxlen)
        self._is_strict = bool(flags & 1)

    def _check(self):
        if self._is_strict and len(self) == self.maxlen:
            raise IndexError("full")

    def append(self, item):
        """Put an item at the right end."""
        self._check()
        super().append(item)

    def appendleft(self, item):
        """Put an item at the left end."""
        self._check()
        super().appendleft(item)


class ThreadSafeFlag(asyncio.Event):
    """MicroPython's flag: `wait` clears it."""

    async def wait(self):
        """Wait until the flag is set, then clear it."""
        await super().wait()
        self.clear()


class Poll:
    """MicroPython's poll object: gives the objects themselves and asks fakes, which have no file, by their ioctl."""

    def __init__(self):
        self._poll = _real_poll()
        self._by_fd = {}
        self._devices = {}

    def register(self, thing, events=select.POLLIN | select.POLLOUT):
        """Watch a stream or a device."""
        if hasattr(thing, "ioctl"):
            self._devices[id(thing)] = (thing, events)
            return
        fd = thing if isinstance(thing, int) else thing.fileno()
        self._by_fd[fd] = thing
        self._poll.register(fd, events)

    modify = register

    def unregister(self, thing):
        """Stop watching."""
        if self._devices.pop(id(thing), None) is None:
            fd = thing if isinstance(thing, int) else thing.fileno()
            self._poll.unregister(fd)
            del self._by_fd[fd]

    def poll(self, timeout=-1):
        """Wait at most `timeout` ms, for ever when negative; gives pairs of object and events."""
        until_ms = time.monotonic() * 1000 + timeout
        while True:
            ready = [(thing, thing.ioctl(_POLL_IOCTL, wanted)) for thing, wanted in self._devices.values()]
            ready = [(thing, events) for thing, events in ready if events]
            left_ms = -1 if timeout < 0 else max(0, until_ms - time.monotonic() * 1000)
            step_ms = 0 if ready else left_ms if not self._devices else min(1, left_ms) if left_ms >= 0 else 1
            ready += [(self._by_fd[fd], events) for fd, events in self._poll.poll(step_ms)]
            if ready or left_ms == 0:
                return ready

    ipoll = poll


def ilistdir(path="."):
    """List a folder as MicroPython does: name, type, inode, size."""
    for entry in os.scandir(path):
        yield (entry.name, 0x4000 if entry.is_dir() else 0x8000, entry.inode(), entry.stat().st_size)


def print_exception(error, file=None):
    """Print an exception with its traceback."""
    traceback.print_exception(error, file=file or sys.stdout)


async def sleep_ms(delay_ms):
    """Sleep in a task."""
    await asyncio.sleep(max(0, delay_ms) / 1000)


async def wait_for_ms(awaitable, timeout_ms):
    """Wait for an awaitable at most `timeout_ms`."""
    return await asyncio.wait_for(awaitable, timeout_ms / 1000)


def lend():
    """Give the standard modules what MicroPython's have and CPython's lack."""
    time.ticks_ms, time.ticks_us, time.ticks_cpu = ticks_ms, ticks_us, ticks_us
    time.ticks_add, time.ticks_diff = ticks_add, ticks_diff
    time.sleep_ms = lambda delay_ms: time.sleep(max(0, delay_ms) / 1000)
    time.sleep_us = lambda delay_us: time.sleep(max(0, delay_us) / 1000000)
    asyncio.sleep_ms, asyncio.wait_for_ms, asyncio.ThreadSafeFlag = sleep_ms, wait_for_ms, ThreadSafeFlag
    collections.deque = Deque
    gc.mem_alloc, gc.mem_free = (lambda: 0), (lambda: 0)
    gc.threshold = lambda amount=-1: -1
    os.ilistdir = ilistdir
    select.poll = Poll
    sys.print_exception = print_exception


def main():
    """Run the firmware as MicroPython does."""
    script = sys.argv[1]
    sys.path[:0] = [os.path.dirname(script)] + os.environ["TINCALL_PATH"].split(os.pathsep)
    lend()
    sys.argv[:] = [script]
    runpy.run_path(script, run_name="__main__")


_real_poll = select.poll

if __name__ == "__main__":
    main()

"""A world in which only tasks move time: for machines of the handset that sleep, on every interpreter, in no time at all.

`World()` takes the place of the clock of `handset.clock` and of `asyncio.create_task`. Tasks sleep by `clock.sleep_ms`; `run`
wakes them in the order of their times. Nothing else may be awaited.
"""

from callcore.compat import ticks_add
from handset import clock, voice

# close to the end of the ring of the clock, so that every test crosses it
START_MS = 0x40000000 - 300


class Nap:
    """What `sleep_ms` gives: hands its length to the world once."""

    def __init__(self, delay_ms):
        self.delay_ms = delay_ms
        self._slept = False

    def __iter__(self):
        return self

    __await__ = __iter__

    def __next__(self):
        if self._slept:
            raise StopIteration
        self._slept = True
        return self


class Task:
    """A coroutine that the world runs.

    Attributes:
        wake_ms: when it wants to go on, in ms since the world began.
        error: what ended it, None while it runs or when it returned.
    """

    def __init__(self, coroutine, wake_ms):
        self._coroutine = coroutine
        self._done = False
        self.wake_ms = wake_ms
        self.error = None

    def cancel(self):
        self._done = True
        self._coroutine.close()

    def done(self):
        return self._done

    def step(self, now_ms):
        try:
            nap = self._coroutine.send(None)
            self.wake_ms = now_ms + max(nap.delay_ms, 0)
        except StopIteration:
            self._done = True
        except Exception as error:
            self._done = True
            self.error = error


class World:
    """Time and tasks.

    Attributes:
        now: ms since it began.
    """

    def __init__(self):
        self.now = 0
        self._tasks = []
        clock.now_ms = self.now_ms
        clock.sleep_ms = Nap
        voice.asyncio = self

    def now_ms(self):
        return ticks_add(START_MS, self.now)

    def create_task(self, coroutine):
        task = Task(coroutine, self.now)
        self._tasks.append(task)
        return task

    def run(self, for_ms):
        """Let time pass; an error that ends a task stays in the task."""
        end = self.now + for_ms
        while self._step(end):
            pass
        self.now = end

    def finish(self, coroutine, within_ms=100000):
        """Run a coroutine to its end: gives the error that ended it, None when it returned."""
        task = self.create_task(coroutine)
        end = self.now + within_ms
        while not task.done():
            assert self._step(end), "it never ended"
        return task.error

    def _step(self, end):
        """Let the task whose turn it is go on; False when none wants to before `end`."""
        self._tasks = [task for task in self._tasks if not task.done()]
        due = None
        for task in self._tasks:
            if task.wake_ms <= end and (due is None or task.wake_ms < due.wake_ms):
                due = task
        if due is None:
            return False
        self.now = max(self.now, due.wake_ms)
        due.step(self.now)
        return True

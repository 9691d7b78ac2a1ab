"""Keeps workers warm, gives them out, and sees to it that none is left behind.

One worker serves one call and ends. The pool is refilled one process at a time in the background; when workers will not
start the attempts are spaced by a backoff, and the reason is logged once per attempt.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from callcore import causes
from callcore.backoff import Backoff
from tincall import logs
from tincall.errors import OperatorError
from tincall.worker.leg import WorkerLeg
from tincall.worker.process import Limits, WorkerProcess
from tincall.worker.protocol import WorkerError

log = logs.get("worker.supervisor")

# waits between attempts to start a spare worker: the machine may be short of memory or processes for a moment
FIRST_WAIT_MS = 500
LONGEST_WAIT_MS = 30_000
STOPPING = "the relay is stopping: no worker is given out"


class Supervisor:
    """The pool of warm workers.

    Args:
        command: program and arguments of a worker.
        warm: workers kept ready, 0 for none.
        limits: see `Limits`.
    """

    def __init__(self, command: Sequence[str], warm: int = 1, limits: Limits | None = None) -> None:
        self._command = list(command)
        self._target = warm
        self._limits = limits or Limits()
        self._warm: deque[WorkerProcess] = deque()
        self._legs: set[WorkerLeg] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refilling: asyncio.Task[None] | None = None
        self._starting = 0
        self._is_running = False
        self._wanted = asyncio.Event()
        self._none_starting = asyncio.Event()
        self._none_starting.set()

    @property
    def warm(self) -> int:
        """Workers that are ready and unused."""
        return len(self._warm)

    @property
    def processes(self) -> int:
        """Workers that run or are being started or ended."""
        return len(self._warm) + len(self._legs) + self._starting

    async def start(self) -> None:
        """Start the pool; the first spare worker is ready when this returns.

        Raises:
            OperatorError: the worker's command does not give a worker; nothing is left running.
        """
        self._is_running = True
        if self._target == 0:
            return
        try:
            await self._add_spare()
        except WorkerError as error:
            self._is_running = False
            raise OperatorError(
                f"no worker can be started: {error.detail}",
                hint="Check [worker] command in the settings; its own words are on the standard error output.",
            ) from error
        self._refilling = asyncio.get_running_loop().create_task(self._refill())

    async def take(self, phone: Mapping[str, Any]) -> WorkerLeg:
        """Give a worker for one call: a warm one at once, else a new one.

        Args:
            phone: settings of the phone, for the worker.

        Returns:
            An idle leg; whoever takes it must invite, place or release it.

        Raises:
            WorkerError: none could be started in time, or there are too many; has the hangup cause.
        """
        if not self._is_running:
            raise WorkerError(STOPPING, causes.TEMPORARY_FAILURE)
        process = self._take_spare()
        self._wanted.set()
        if process is None:
            process = await self._spawn()
        leg = WorkerLeg(process, phone, self._limits)
        self._legs.add(leg)
        self._keep(self._follow(leg))
        return leg

    async def stop(self) -> None:
        """End all workers, those in a call by a release; none is left when this returns."""
        self._is_running = False
        for leg in list(self._legs):
            leg.release(causes.TEMPORARY_FAILURE, "relay", 0)
        if self._refilling is not None:
            self._refilling.cancel()
            await asyncio.wait([self._refilling])
        patience_s = self._limits.exit_s
        await asyncio.gather(*(process.destroy(patience_s) for process in self._warm))
        self._warm.clear()
        if self._tasks:
            await asyncio.wait(self._tasks)
        # a call that was waiting for its worker gets an error instead
        await self._none_starting.wait()

    def _take_spare(self) -> WorkerProcess | None:
        while self._warm:
            process = self._warm.popleft()
            if process.is_usable:
                return process
            self._keep(_bury(process))
        return None

    async def _spawn(self) -> WorkerProcess:
        if self.processes >= self._limits.workers:
            raise WorkerError(f"{self._limits.workers} workers run already", causes.CONGESTION)
        self._starting += 1
        self._none_starting.clear()
        try:
            process = await WorkerProcess.spawn(self._command, self._limits)
            if not self._is_running:
                await process.destroy()
                raise WorkerError(STOPPING, causes.TEMPORARY_FAILURE)
            return process
        finally:
            self._starting -= 1
            if not self._starting:
                self._none_starting.set()

    async def _add_spare(self) -> None:
        process = await self._spawn()
        self._warm.append(process)
        # a spare that dies is replaced at once, not when a call meets it
        process.exited.add_done_callback(lambda _: self._drop_spare(process))

    def _drop_spare(self, process: WorkerProcess) -> None:
        if process in self._warm:
            self._warm.remove(process)
            process.dismiss()
            self._wanted.set()

    async def _refill(self) -> None:
        backoff = Backoff(FIRST_WAIT_MS, LONGEST_WAIT_MS)
        while True:
            while len(self._warm) >= self._target:
                self._wanted.clear()
                await self._wanted.wait()
            try:
                await self._add_spare()
                backoff.reset()
            except WorkerError as error:
                wait_ms = backoff.next_ms(random.randrange(256))
                log.warning("spare worker cannot be started", reason=error.detail, next_try_ms=wait_ms)
                await asyncio.sleep(wait_ms / 1000)

    async def _follow(self, leg: WorkerLeg) -> None:
        """See a worker that is in a call to its end."""
        try:
            await leg.done
            status = await leg.process.destroy(self._limits.exit_s if leg.report else 0.0)
            log.debug("worker ended", pid=leg.process.pid, status=status)
        finally:
            self._legs.discard(leg)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _bury(process: WorkerProcess) -> None:
    await process.destroy()

"""Workers that meet phones in rooms, played by the test: real `WorkerLeg`s, no process behind them."""

import asyncio

from contracts.worker_party import WorkerParty

from callcore.errors import CallError
from tincall.worker.leg import WorkerLeg
from tincall.worker.process import Limits

LIMITS = Limits(report_s=0.3)


class RoomWorker(WorkerParty):
    """A worker that, when released, does what the test says.

    Attributes:
        phone: what it was told of its phone.
    """

    phone = None

    def says(self, word):
        """Tell whether it was told that word."""
        return any(message["t"] == word for message in self.messages)

    def told(self, word):
        """Give the message of that word."""
        return next(message for message in self.messages if message["t"] == word)

    @property
    def room(self):
        """The room it was told, at its start or later; None: none."""
        if "room" in self.phone:
            return self.phone["room"]
        return self.told("room")["room"] if self.says("room") else None


class RoomWorkers:
    """A pool of them: `take` is what a relay is given.

    Args:
        reports: what each reports when it is released; None: it hangs.

    Attributes:
        made: all so far, in order.
        fault: raised in place of giving one.
        gate: when cleared, nobody gets one.
    """

    def __init__(self, reports=None):
        self.made = []
        self.fault = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.reports = [] if reports is None else reports
        self._tasks = []

    async def take(self, phone):
        await self.gate.wait()
        if self.fault is not None:
            raise CallError(*self.fault)
        worker = RoomWorker(LIMITS)
        worker.phone = dict(phone)
        self.made.append(worker)
        await worker.say({"t": "ready", "v": 1, "kind": "test", "codecs": ["PCMA"]})
        await worker.process.ready
        worker.leg = WorkerLeg(worker.process, phone, LIMITS)
        self._tasks.append(asyncio.get_running_loop().create_task(self._serve(worker)))
        return worker.leg

    async def close(self):
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self.made:
            await worker.close()

    async def _serve(self, worker):
        """Answer the release with the next report of the list, or with a good one when it is used up."""
        while not worker.says("release"):  # noqa: ASYNC110 - its words come by a reader of the loop, not by an event
            await asyncio.sleep(0.001)
        report = self.reports.pop(0) if self.reports else {"sent": 0}
        if report is not None:
            await worker.report(report)

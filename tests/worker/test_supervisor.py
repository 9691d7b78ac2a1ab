"""The pool of workers, against real processes: warm ones, broken ones, and none left behind."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.legs import LOOPS, OFFER, PATIENCE_S, Witness, run, until

from callcore import causes
from tincall.errors import OperatorError
from tincall.worker.process import Limits
from tincall.worker.protocol import WorkerError
from tincall.worker.supervisor import Supervisor

PUPPET = str(Path(__file__).with_name("puppet.py"))
QUICK = Limits(ready_s=5, report_s=0.2, exit_s=0.2)


@pytest.fixture(params=sorted(LOOPS))
def loop(request):
    return request.param


def puppet(behaviour):
    return [sys.executable, PUPPET, behaviour]


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def open_files():
    return len(os.listdir("/proc/self/fd"))


async def call(supervisor):
    """Take a worker and begin a call with it."""
    leg = await supervisor.take({})
    witness = Witness(leg)
    leg.invite(OFFER)
    return leg, witness


def test_a_warm_worker_is_given_at_once_and_replaced(loop):
    async def main():
        supervisor = Supervisor(puppet("good"), warm=1)
        await supervisor.start()
        assert supervisor.warm == 1
        turns = asyncio.get_running_loop().time()
        leg = await supervisor.take({})
        took_s = asyncio.get_running_loop().time() - turns
        await until(lambda: supervisor.warm == 1, "the next spare")
        leg.release(causes.NORMAL, "relay", 0)
        await supervisor.stop()
        # starting an interpreter takes longer by an order of magnitude
        assert took_s < 0.01

    run(main(), loop)


def test_a_whole_call_and_nothing_is_left(loop):
    async def main():
        before = open_files()
        supervisor = Supervisor(puppet("good"), warm=1)
        await supervisor.start()
        leg, witness = await call(supervisor)
        await witness.until("answered")
        await until(lambda: len(witness.heard) == 5, "the packets")
        leg.release(causes.NORMAL, "relay", 100)
        report = (await witness.until("reported"))[1]
        assert report == {"sent": leg.counters.received, "received": 0}
        assert await leg.process.exited == 0
        await supervisor.stop()
        assert supervisor.processes == 0 and not is_alive(leg.process.pid)
        assert open_files() == before

    run(main(), loop)


def test_without_spares_a_worker_is_started_when_wanted(loop):
    async def main():
        supervisor = Supervisor(puppet("good"), warm=0)
        await supervisor.start()
        assert supervisor.processes == 0
        leg, witness = await call(supervisor)
        await witness.until("answered")
        await supervisor.stop()
        assert not is_alive(leg.process.pid)

    run(main(), loop)


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ("exit_early", "status 3"),
        ("garbage", "not JSON"),
        ("wrong_version", "wrong 'v'"),
        ("never_ready", "not ready within"),
    ],
)
def test_a_command_that_gives_no_worker_is_named_at_start(behaviour, sentence, loop):
    async def main():
        before = open_files()
        supervisor = Supervisor(puppet(behaviour), warm=1, limits=Limits(ready_s=1))
        with pytest.raises(OperatorError, match=sentence) as caught:
            await supervisor.start()
        assert caught.value.hint
        await supervisor.stop()
        assert supervisor.processes == 0 and open_files() == before

    run(main(), loop)


def test_a_command_that_is_not_there_is_named(loop):
    async def main():
        supervisor = Supervisor(["/nowhere/worker"], warm=1)
        with pytest.raises(OperatorError, match="/nowhere/worker cannot be started: No such file"):
            await supervisor.start()
        await supervisor.stop()

    run(main(), loop)


def test_a_call_that_finds_no_worker_gets_a_cause(loop):
    async def main():
        supervisor = Supervisor(puppet("exit_early"), warm=0)
        await supervisor.start()
        with pytest.raises(WorkerError) as caught:
            await supervisor.take({})
        assert caught.value.cause == causes.DESTINATION_OUT_OF_ORDER
        await supervisor.stop()

    run(main(), loop)


def test_there_is_a_most_of_workers():
    async def main():
        supervisor = Supervisor(puppet("good"), warm=0, limits=Limits(workers=1))
        await supervisor.start()
        await supervisor.take({})
        with pytest.raises(WorkerError) as caught:
            await supervisor.take({})
        assert caught.value.cause == causes.CONGESTION
        await supervisor.stop()

    run(main())


@pytest.mark.parametrize("behaviour", ["garbage_in_call", "flood_control", "flood_media", "long_packet"])
def test_a_worker_that_breaks_the_rules_loses_its_call_and_its_life(behaviour, loop):
    async def main():
        supervisor = Supervisor(puppet(behaviour), warm=0, limits=QUICK)
        await supervisor.start()
        leg, witness = await call(supervisor)
        assert (await witness.until("released"))[1] == causes.DESTINATION_OUT_OF_ORDER
        assert (await witness.until("reported"))[1] == {}
        await until(lambda: supervisor.processes == 0, "the end of the worker")
        assert not is_alive(leg.process.pid)
        await supervisor.stop()

    run(main(), loop)


@pytest.mark.parametrize("behaviour", ["talk_as_spare", "media_as_spare", "die_as_spare"])
def test_a_spare_that_breaks_the_rules_is_never_given_out(behaviour):
    async def main():
        supervisor = Supervisor(puppet(behaviour), warm=1, limits=QUICK)
        await supervisor.start()
        first = supervisor._warm[0]
        await until(lambda: not first.is_usable, "the breach")
        await until(lambda: supervisor._warm and supervisor._warm[0] is not first, "another spare")
        await supervisor.stop()
        assert supervisor.processes == 0 and not is_alive(first.pid)

    run(main())


def test_a_killed_worker_ends_its_call(loop):
    async def main():
        supervisor = Supervisor(puppet("good"), warm=0, limits=QUICK)
        await supervisor.start()
        leg, witness = await call(supervisor)
        await witness.until("answered")
        os.kill(leg.process.pid, signal.SIGKILL)
        assert (await witness.until("released"))[1] == causes.DESTINATION_OUT_OF_ORDER
        assert (await witness.until("reported"))[1] == {}
        assert witness.names[-2:] == ["released", "reported"]
        assert await leg.process.exited == -signal.SIGKILL
        await supervisor.stop()

    run(main(), loop)


def test_a_killed_spare_is_replaced(loop):
    async def main():
        supervisor = Supervisor(puppet("good"), warm=1, limits=QUICK)
        await supervisor.start()
        first = supervisor._warm[0]
        os.kill(first.pid, signal.SIGKILL)
        await until(lambda: supervisor._warm and supervisor._warm[0] is not first, "another spare")
        _, witness = await call(supervisor)
        await witness.until("answered")
        await supervisor.stop()

    run(main(), loop)


@pytest.mark.parametrize("behaviour", ["mute", "stays"])
def test_a_worker_that_does_not_end_is_killed(behaviour, loop):
    async def main():
        supervisor = Supervisor(puppet(behaviour), warm=0, limits=QUICK)
        await supervisor.start()
        leg, witness = await call(supervisor)
        leg.release(causes.NORMAL, "relay", 0)
        report = (await witness.until("reported"))[1]
        assert bool(report) == (behaviour == "stays") and witness.names[-1] == "reported"
        assert await leg.process.exited == -signal.SIGKILL
        await supervisor.stop()

    run(main(), loop)


def test_a_stopped_worker_is_killed(loop):
    async def main():
        supervisor = Supervisor(puppet("good"), warm=0, limits=QUICK)
        await supervisor.start()
        leg, witness = await call(supervisor)
        await witness.until("answered")
        os.kill(leg.process.pid, signal.SIGSTOP)
        leg.release(causes.NORMAL, "relay", 0)
        assert (await witness.until("reported"))[1] == {}
        assert await leg.process.exited == -signal.SIGKILL
        await supervisor.stop()

    run(main(), loop)


def test_stop_ends_spares_and_calls_alike(loop):
    async def main():
        supervisor = Supervisor(puppet("good"), warm=2, limits=QUICK)
        await supervisor.start()
        leg, witness = await call(supervisor)
        stopped, other = await call(supervisor)
        os.kill(stopped.process.pid, signal.SIGSTOP)
        await until(lambda: supervisor.warm == 2, "two spares")
        pids = [leg.process.pid, stopped.process.pid, *(process.pid for process in supervisor._warm)]
        await supervisor.stop()
        assert [pid for pid in pids if is_alive(pid)] == []
        assert witness.names[-1] == other.names[-1] == "reported"
        with pytest.raises(WorkerError):
            await supervisor.take({})

    run(main(), loop)


def test_stop_does_not_leave_a_worker_that_was_being_started(loop):
    async def main():
        supervisor = Supervisor(puppet("good"), warm=0)
        await supervisor.start()
        taking = asyncio.ensure_future(supervisor.take({}))
        await until(lambda: supervisor.processes == 1, "the start")
        await supervisor.stop()
        assert supervisor.processes == 0
        with pytest.raises(WorkerError, match="stopping"):
            await taking

    run(main(), loop)


def test_the_relay_dies_and_its_workers_with_it():
    program = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from support.legs import OFFER, Witness
from tincall.worker.supervisor import Supervisor
async def main():
    supervisor = Supervisor([sys.executable, "-m", "tincall.simulator.worker"], warm=1)
    await supervisor.start()
    leg = await supervisor.take({{"id": "mum", "answer_after_ms": 0}})
    witness = Witness(leg)
    leg.invite(OFFER)
    await witness.until("answered")
    while not supervisor.warm:
        await asyncio.sleep(0.01)
    print(leg.process.pid, supervisor._warm[0].pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as relay:
        try:
            workers = [os.pidfd_open(int(word)) for word in relay.stdout.readline().split()]
            assert len(workers) == 2
        finally:
            relay.kill()
    for worker in workers:
        ended, _, _ = select.select([worker], [], [], PATIENCE_S)
        os.close(worker)
        assert ended, "a worker outlived its relay"

"""One worker as a child process: what it inherits, and how it is let go. More of its life is in test_supervisor.py."""

import os
import sys
from pathlib import Path

import pytest
from support.legs import LOOPS, run

from tincall.worker.process import Limits, WorkerProcess, public_environment
from tincall.worker.protocol import WorkerError

PUPPET = str(Path(__file__).with_name("puppet.py"))


@pytest.fixture(params=sorted(LOOPS))
def loop(request):
    return request.param


def test_a_worker_does_not_inherit_the_relays_variables():
    given = {"PATH": "/bin", "TINCALL__KEK": "x", "TINCALL_TOKEN": "y"}
    assert public_environment(given) == {"PATH": "/bin"}


def test_a_worker_has_its_two_sockets_and_the_standard_three_and_no_secret_in_sight(loop, monkeypatch):
    monkeypatch.setenv("TINCALL__SECRET", "tulip")

    async def main():
        process = await WorkerProcess.spawn([sys.executable, PUPPET, "good"], Limits())
        folder = Path(f"/proc/{process.pid}")
        kinds = sorted(os.readlink(entry).split(":")[0] for entry in (folder / "fd").iterdir())
        assert kinds.count("socket") == 2 and len(kinds) == 5
        assert "tulip" not in (folder / "environ").read_text() + (folder / "cmdline").read_text()
        assert await process.destroy(5) == 0

    run(main(), loop)


def test_what_it_says_of_itself_is_kept(loop):
    async def main():
        process = await WorkerProcess.spawn([sys.executable, PUPPET, "good"], Limits())
        assert (process.kind, process.codecs) == ("puppet", ("PCMA",))
        assert process.is_usable
        await process.destroy(5)
        assert not process.is_usable
        assert process.send({"t": "ringing"}) is False and process.send_media(b"x") is False

    run(main(), loop)


def test_a_slow_worker_is_not_waited_for(loop):
    async def main():
        with pytest.raises(WorkerError, match=r"not ready within 0\.2 s") as caught:
            await WorkerProcess.spawn([sys.executable, PUPPET, "never_ready"], Limits(ready_s=0.2))
        assert caught.value.cause == 27

    run(main(), loop)


def test_destroyed_twice_is_destroyed(loop):
    async def main():
        process = await WorkerProcess.spawn([sys.executable, PUPPET, "good"], Limits())
        process.kill()
        first = await process.destroy()
        assert await process.destroy() == first

    run(main(), loop)

"""A child process watched by its pidfd, in both event loops."""

import asyncio
import os
import signal
import sys

import pytest
from support.legs import LOOPS, run

from tincall.worker.child import Child


@pytest.fixture(params=sorted(LOOPS))
def loop(request):
    return request.param


def program(text):
    return [sys.executable, "-c", text]


def test_its_end_is_told_with_its_status(loop):
    async def main():
        child = Child(program("import sys; sys.exit(7)"), (), {})
        assert await child.wait() == 7
        assert await child.wait() == 7
        child.kill()
        return child.pid

    pid = run(main(), loop)
    assert not os.path.exists(f"/proc/{pid}"), "it was not reaped"


def test_it_is_killed(loop):
    async def main():
        child = Child(program("import time; time.sleep(600)"), (), {})
        child.kill()
        child.kill()
        assert await child.wait() == -signal.SIGKILL

    run(main(), loop)


def test_several_who_wait_all_learn_of_it_and_one_may_give_up(loop):
    async def main():
        child = Child(program("import sys; sys.stdin.read()"), (), {})
        waiting = [asyncio.ensure_future(child.wait()) for _ in range(3)]
        waiting[0].cancel()
        assert await asyncio.gather(*waiting[1:]) == [0, 0]

    run(main(), loop)


def test_it_gets_the_descriptors_it_shall_have_and_no_others(loop):
    async def main():
        mine, other = os.pipe(), os.pipe()
        os.set_inheritable(other[1], True)
        text = f"import os; os.write({mine[1]}, ' '.join(os.listdir('/proc/self/fd')).encode())"
        child = Child(program(text), (mine[1],), {})
        assert await child.wait() == 0
        # listing the folder takes a descriptor itself
        numbers = {int(word) for word in os.read(mine[0], 1000).split()}
        assert {0, 1, 2, mine[1]} <= numbers and len(numbers) == 5 and other[1] not in numbers
        for descriptor in (*mine, *other):
            os.close(descriptor)

    run(main(), loop)


def test_what_cannot_be_started_is_an_error(loop):
    async def main():
        with pytest.raises(FileNotFoundError):
            Child(["/nowhere/worker"], (), {})

    run(main(), loop)

"""Runs every case of the worker contract against every kind of worker."""

import pytest
from support.legs import run

from contracts.worker_contract import CASES, opened


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__[5:])
def test_worker(case, worker_kit):
    async def main():
        relay = await opened(worker_kit)
        try:
            await case(worker_kit, relay)
        finally:
            await relay.process.destroy()

    run(main())

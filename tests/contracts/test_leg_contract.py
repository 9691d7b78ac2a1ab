"""Runs every case of the leg contract against every party, in both event loops."""

import pytest
from support.legs import run

from contracts.leg_contract import CALLEE_CASES, CALLER_CASES, TALK_CASES


def play(case, make_party, role, loop, *more):
    async def main():
        party = await make_party(role)
        try:
            await case(party, *more)
        finally:
            await party.close()

    run(main(), loop)


@pytest.mark.parametrize("case", CALLEE_CASES, ids=lambda case: case.__name__[5:])
def test_callee(case, make_party, loop):
    play(case, make_party, "callee", loop)


@pytest.mark.parametrize("case", CALLER_CASES, ids=lambda case: case.__name__[5:])
def test_caller(case, make_party, loop):
    play(case, make_party, "caller", loop)


@pytest.mark.parametrize("role", ["callee", "caller"])
@pytest.mark.parametrize("case", TALK_CASES, ids=lambda case: case.__name__[5:])
def test_talk(case, make_party, role, loop):
    play(case, make_party, role, loop, role)

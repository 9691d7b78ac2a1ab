"""How a device stands: the table in the file's head is the table of the code, and nothing leads out of `revoked`."""

import re

import pytest

from tincall.relay import standing
from tincall.relay.store.models import DEVICE_STATES

WORDS = (standing.VERIFIED, standing.DOUBLED, *standing.OPERATORS_WORDS)


def preface():
    """Read the table of the docstring: {(state, word): set of next states}."""
    lines = [re.split(r"  +", line.strip()) for line in standing.__doc__.splitlines() if line.startswith("    ")]
    head, *rows = lines
    return {
        (row[0], word): {one.strip() for one in cell.split(",")} - {"."}
        for row in rows
        for word, cell in zip(head[1:], row[1:], strict=True)
    }


def test_the_preface_is_the_table():
    told = preface()
    assert {state for state, _ in told} == set(standing.NEXT) == set(DEVICE_STATES)
    assert {word for _, word in told} == set(WORDS)
    for (state, word), wanted in told.items():
        found = {standing.after(state, word, was_verified) for was_verified in (False, True)} - {None}
        # a `new` device was never verified and an `active` one was, so one of the two answers cannot come for those
        assert wanted <= found, (state, word)
        assert len(found) <= max(2, len(wanted)), (state, word)
        if not wanted:
            assert not found, (state, word)


@pytest.mark.parametrize("state", DEVICE_STATES)
def test_operators_words_may_be_given_twice(state):
    for word in standing.OPERATORS_WORDS:
        for was_verified in (False, True):
            once = standing.after(state, word, was_verified)
            if once is not None:
                assert standing.after(once, word, was_verified) == once


def test_revoked_is_for_good():
    assert {standing.after(standing.REVOKED, word, True) for word in WORDS} == {None, standing.REVOKED}


def test_a_device_that_was_never_verified_is_new_again():
    assert standing.after(standing.SUSPENDED, standing.RESUME, was_verified=False) == standing.NEW
    assert standing.after(standing.SUSPENDED, standing.RESUME, was_verified=True) == standing.ACTIVE


def test_only_who_is_welcome_can_be_verified():
    can = {state for state, words in standing.NEXT.items() if standing.VERIFIED in words}
    assert can == set(standing.WELCOME)

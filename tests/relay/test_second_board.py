"""When two proofs that cannot come from the rightful board are two boards by turns, and what is kept of them."""

from dataclasses import replace

import pytest
from relay_store import Store, run

from tincall.relay import second_board
from tincall.relay.second_board import WINDOW_S, SecondBoard, is_by_turns

ONE = SecondBoard("SN-1", "counter_rollback", "aa", 7, "192.0.2.1", "1.0", epoch=3, times=1, seen_s=1000)


@pytest.mark.parametrize(
    ("before", "epoch", "after_s", "found"),
    [
        (None, 9, 0, False),
        (ONE, 3, 5, False),  # nobody was verified in between
        (ONE, 4, 0, True),
        (ONE, 4, WINDOW_S, True),
        (ONE, 4, WINDOW_S + 1, False),
        (ONE, 2, 5, False),
    ],
)
def test_turns(before, epoch, after_s, found):
    assert is_by_turns(before, replace(ONE, epoch=epoch, seen_s=1000 + after_s)) is found


def test_the_newest_is_kept_for_each_number_and_erased_with_it(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            other = replace(ONE, sn="SN-2")
            for one in (ONE, other, replace(ONE, times=2)):
                await store.database.run(second_board.write, one)
            assert await store.database.read(second_board.read) == {"SN-1": replace(ONE, times=2), "SN-2": other}
            await store.database.run(second_board.erase, "SN-1")
            assert await store.database.read(second_board.read) == {"SN-2": other}

    run(go())

"""Power cuts at every flash operation of every action of the board's store: the old state or the new one, always usable.

The flash is a NOR model under the real littlefs of MicroPython. A cut leaves nothing, half or all of the operation under way.
"""

import json
from pathlib import Path

import pytest
from support import boards

HERE = Path(__file__).parent
# saves before: far enough that littlefs' logs fill up, are compacted and move
HISTORIES = range(40)


def figures(board, folder, script, *arguments, timeout_s=100):
    done = boards.run(board, HERE / script, *arguments, folder=folder, timeout_s=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("board", boards.MICROPYTHONS)
@pytest.mark.parametrize(("action", "least_cuts"), [("save", 1000), ("forget", 200), ("draw", 200)])
def test_a_cut_anywhere_leaves_old_or_new(board, action, least_cuts, tmp_path):
    found = figures(board, tmp_path, "store_cuts.py", action, "once", *HISTORIES)
    assert found["bad"] == []
    assert found["cuts"] >= least_cuts and found["old"] and found["new"]
    assert found["misused"] == 0


@pytest.mark.parametrize("action", ["save", "draw"])
def test_a_second_cut_while_it_recovers_leaves_one_of_the_two(action, tmp_path):
    found = figures("unix32", tmp_path, "store_cuts.py", action, "twice", 0, 1, 2)
    assert found["bad"] == [] and found["cuts"] > 50


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("board", boards.MICROPYTHONS)
@pytest.mark.parametrize("action", ["save", "forget", "draw"])
def test_every_pair_of_cuts(board, action, tmp_path):
    found = figures(board, tmp_path, "store_cuts.py", action, "twice", *HISTORIES, timeout_s=1200)
    assert found["bad"] == []


def test_a_store_that_removes_before_it_writes_is_found(tmp_path):
    found = figures("unix", tmp_path, "store_cuts.py", "careless", "once", 1, 2, 3)
    assert len(found["bad"]) >= 3


@pytest.mark.parametrize("board", boards.MICROPYTHONS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_number_comes_twice_through_hundreds_of_cuts(board, seed, tmp_path):
    found = figures(board, tmp_path, "counter_chain.py", 300, seed)
    assert found["repeated"] == 0 and found["failed"] == 0
    assert found["lives"] == 300 and found["numbers"] > 3000


@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_a_full_flash_keeps_the_old_record(board, tmp_path):
    found = figures(board, tmp_path, "store_full.py")
    assert found == {"refused": ["storage"] * 6, "kept": [True] * 6, "after": True}

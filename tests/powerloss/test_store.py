"""Flash at its worst: power cuts at every operation, rot, full and worn-out flash, ten years, garbage; always old or new.

Both places are on it: a NOR model under the real littlefs of MicroPython, and one under a model of the ESP32's non-volatile
storage, on one power. A cut leaves nothing, half, all or random bits of the operation under way, or all of it and not
what came before it.
"""

import json
from pathlib import Path

import pytest
from support import boards

HERE = Path(__file__).parent
# actions before: far enough that the logs of littlefs and NVS fill up, are compacted and move
HISTORIES = range(40)
LONG = pytest.mark.long
ACTIONS = ["save", "forget", "draw", "rise", "mend", "large"]


def figures(board, folder, script, *arguments, timeout_s=100):
    done = boards.run(board, HERE / script, *arguments, folder=folder, timeout_s=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("action", "histories", "least_cuts"),
    [("save", (0, 7), 150), ("forget", (4,), 15), ("draw", (0, 2), 80), ("rise", (1,), 40), ("mend", (1, 2, 3), 100)],
)
def test_a_cut_anywhere_leaves_old_or_new(action, histories, least_cuts, tmp_path):
    found = figures("unix32", tmp_path, "store_cuts.py", action, "once", *histories)
    assert found["bad"] == []
    assert found["cuts"] >= least_cuts and found["new"]
    assert found["misused"] == 0


@LONG
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("board", boards.MICROPYTHONS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_cut_anywhere_after_any_history(board, action, tmp_path):
    histories = range(1, 40) if action == "mend" else HISTORIES
    found = figures(board, tmp_path, "store_cuts.py", action, "once", *histories, timeout_s=1800)
    assert found["bad"] == [] and found["misused"] == 0
    assert found["cuts"] >= 500 and found["new"]


def test_a_second_cut_while_it_recovers_leaves_one_of_the_two(tmp_path):
    found = figures("unix32", tmp_path, "store_cuts.py", "draw", "sample", 1)
    assert found["bad"] == [] and found["pairs"] > 50


@LONG
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("board", boards.MICROPYTHONS)
@pytest.mark.parametrize(("action", "histories"), [("save", (0, 1, 6)), ("draw", (0, 1, 2, 9)), ("forget", (1, 2))])
def test_every_pair_of_cuts(board, action, histories, tmp_path):
    found = figures(board, tmp_path, "store_cuts.py", action, "twice", *histories, timeout_s=3600)
    assert found["bad"] == [] and found["pairs"] > 200


def test_a_store_that_removes_before_it_writes_is_found(tmp_path):
    found = figures("unix", tmp_path, "store_cuts.py", "careless", "once", 1)
    assert len(found["bad"]) >= 3


@pytest.mark.parametrize(
    ("board", "cuts", "seed"), [("unix32", 60, 1), *[pytest.param("unix", 1000, n, marks=LONG) for n in range(5)]]
)
def test_no_number_comes_twice_through_hundreds_of_cuts(board, cuts, seed, tmp_path):
    found = figures(board, tmp_path, "counter_chain.py", cuts, seed)
    assert found["repeated"] == 0 and found["failed"] == 0
    assert found["lives"] == cuts and found["numbers"] > 10 * cuts


@pytest.mark.parametrize(
    ("fact", "doubles"),
    [("marks", 2000), pytest.param("identity", 5000, marks=LONG), pytest.param("marks", 100_000, marks=LONG)],
)
def test_rot_in_one_copy_is_mended_and_in_both_it_is_named(fact, doubles, tmp_path):
    found = figures("unix", tmp_path, "store_flips.py", fact, 1, doubles)
    assert found["recovered"] == found["singles"] > 500
    assert found["wrong"] == 0 and found["newest"] + found["named"] == found["doubles"] == doubles
    assert found["newest"] and found["named"]


@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_flash_that_fails_is_named_and_a_whole_value_stays(board, tmp_path):
    found = figures(board, tmp_path, "store_faults.py")
    one = ["(False, 'storage')", "'new'", "True"]
    none = ["('storage', '')", "'old'", "True"]
    assert found == {
        "files full": one,
        "nvs full": one,
        "both full": none,
        "files unreadable": one,
        "files unerasable": one,
        "files worn": ["(True, '')", "'new'", "True"],
        "files dead": one,
        "nvs dead": one,
        "both dead": none,
    }


@pytest.mark.parametrize("part", [73, pytest.param(1, marks=[LONG, pytest.mark.timeout(1200)])])
def test_ten_years_wear_no_block_out(part, tmp_path):
    """The figures of docs/storage.md: part 1."""
    found = figures("unix", tmp_path, "store_wear.py", part, timeout_s=1200)
    print(found)
    assert found["writes"] > 10_000 and found["reserve"] == 64
    assert 0 < found["files"] <= 10_000 and 0 < found["nvs"] <= 10_000


@pytest.mark.parametrize("rounds", [30, pytest.param(1000, marks=LONG)])
def test_garbage_on_flash_ends_in_a_named_error_or_the_identity(rounds, tmp_path):
    found = figures("unix", tmp_path, "store_garbage.py", rounds, 1)
    assert found["crashed"] == 0 and found["wrong"] == 0
    assert found["runs"] + sum(found["reasons"].values()) == found["boots"] == rounds
    assert found["runs"] and set(found["reasons"]) <= {"record_missing", "record_damaged", "storage"}

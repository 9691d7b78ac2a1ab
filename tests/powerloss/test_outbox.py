"""Power cuts at every flash operation in the life of the board's log: what it said was kept reaches the relay once."""

import json
from pathlib import Path

import pytest
from support import boards

HERE = Path(__file__).parent


def figures(board, folder, *histories, kind="careful", timeout_s=100):
    done = boards.run(board, HERE / "outbox_cuts.py", kind, *histories, folder=folder, timeout_s=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_a_cut_anywhere_loses_nothing_that_was_kept_and_doubles_nothing(board, tmp_path):
    found = figures(board, tmp_path, 0, 3)
    assert found["bad"] == [] and found["misused"] == 0
    assert found["cuts"] >= 100 and found["repeats"] > found["cuts"]


def test_a_log_that_sends_before_it_stores_is_found(tmp_path):
    assert len(figures("unix", tmp_path, 0, kind="careless")["bad"]) >= 3


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_the_same_wherever_the_logs_of_littlefs_stand(board, tmp_path):
    found = figures(board, tmp_path, *range(40), timeout_s=1200)
    assert found["bad"] == [] and found["cuts"] >= 2000

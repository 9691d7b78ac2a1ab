"""Factory reset in the raw bytes of littlefs and NVS: nothing personal is left, the firmware is, whatever power does."""

import json
from pathlib import Path

import pytest
from support import boards

HERE = Path(__file__).parent
# times that everything was stored: until littlefs' logs have been compacted and moved
HISTORIES = (1, 2, 7, 40)


def figures(board, folder, step, *histories, timeout_s=100):
    done = boards.run(board, HERE / "reset_raw.py", step, *histories, folder=folder, timeout_s=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_no_secret_is_left_in_the_raw_flash(board, tmp_path):
    found = figures(board, tmp_path, 0, *HISTORIES)
    # without the reset all are there, what was forgotten long ago among them
    assert found["before"] == [[8, 8]] * len(HISTORIES)
    assert (found["after"], found["misused"]) == ([[[], []]] * len(HISTORIES), 0)


def test_a_cut_in_the_middle_is_made_good_at_the_next_start(tmp_path):
    found = figures("unix32", tmp_path, 199, 2)
    assert found["bad"] == [] and found["cuts"] >= 6 and found["undone"] <= 2


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_a_cut_anywhere_is_made_good(board, tmp_path):
    found = figures(board, tmp_path, 1, 2, 40, timeout_s=1200)
    assert found["bad"] == [] and found["cuts"] >= 600


@pytest.mark.long
@pytest.mark.timeout(600)
def test_no_secret_is_left_after_years(tmp_path):
    assert figures("unix", tmp_path, 0, 4000, timeout_s=600)["after"] == [[[], []]]

"""Power cuts at every flash operation from a board's claim to its first link: it claims again, or it is done."""

import json
from pathlib import Path

import pytest
from support import boards

HERE = Path(__file__).parent


def figures(board, folder, *histories, timeout_s=100):
    done = boards.run(board, HERE / "claim_cuts.py", *histories, folder=folder, timeout_s=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def hold(found, least_cuts):
    assert found["bad"] == []
    assert found["cuts"] >= least_cuts and found["misused"] == 0
    assert found["claimed_twice"] > 0, "a cut before the identity was stored"
    assert found["ready_at_once"] > 0, "a cut after it"


@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_a_cut_anywhere_in_a_boards_first_life_is_made_good_by_the_next(board, tmp_path):
    hold(figures(board, tmp_path, 0), 100)


@pytest.mark.long
@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_a_cut_anywhere_wherever_the_records_lie(board, tmp_path):
    hold(figures(board, tmp_path, *range(8), timeout_s=600), 800)

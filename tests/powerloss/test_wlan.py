"""Power cuts at every flash operation of a change of WiFi: the old network or the new one, never none."""

import json
from pathlib import Path

import pytest
from support import boards

HERE = Path(__file__).parent


def hold(board, folder, *histories, least_cuts, timeout_s=100):
    done = boards.run(board, HERE / "wlan_cuts.py", *histories, folder=folder, timeout_s=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["bad"] == [] and found["misused"] == 0
    assert found["cuts"] >= least_cuts and min(found["states"]) > 0


@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_a_cut_anywhere_leaves_the_old_network_or_the_new_one(board, tmp_path):
    hold(board, tmp_path, 0, least_cuts=40)


@pytest.mark.long
@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_a_cut_anywhere_wherever_the_records_lie(board, tmp_path):
    hold(board, tmp_path, *range(16), least_cuts=1000, timeout_s=600)

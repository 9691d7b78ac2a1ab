"""Power cuts at every flash operation while a board's key changes: it is let in afterwards, the change is done (T-ID-13)."""

import json
from pathlib import Path

import pytest
from support import boards

SCRIPT = Path(__file__).parent / "rotation_cuts.py"
HISTORIES = range(12)


def figures(board, folder, *arguments, timeout_s=100):
    # thousands of images of a flash in turn leave a small heap in pieces
    done = boards.run(board, SCRIPT, *arguments, folder=folder, timeout_s=timeout_s, heap="16M")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_cut_anywhere_locks_nobody_out(tmp_path):
    found = figures("unix32", tmp_path, "once", "hmac", 3)
    assert found["bad"] == []
    assert found["cuts"] > 100 and 0 < found["rotated"] < found["cuts"]


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("profile", ["hmac", "mtls"])
@pytest.mark.parametrize("board", boards.MICROPYTHONS)
def test_a_cut_anywhere_after_any_history_locks_nobody_out(board, profile, tmp_path):
    found = figures(board, tmp_path, "once", profile, *HISTORIES, timeout_s=600)
    assert found["bad"] == [] and found["rotated"]


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("profile", ["hmac", "mtls"])
@pytest.mark.parametrize("board", boards.MICROPYTHONS)
@pytest.mark.parametrize("history", [0, 3, 7])
def test_every_pair_of_cuts_locks_nobody_out(board, profile, history, tmp_path):
    found = figures(board, tmp_path, "twice", profile, history, timeout_s=1800)
    assert found["bad"] == [] and found["cuts"] > 1000

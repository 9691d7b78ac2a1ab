"""The board's clock on each interpreter, against the host's own."""

import re
import time


def test_cases(check, board):
    check(board, "clock_cases.py")


def test_seconds_agree_with_the_host(run, board):
    before = int(time.time())
    done = run(board, "clock_show.py")
    found = re.fullmatch(r"(\d+) (\d{4}-\d\d-\d\d)\n", done.stdout)
    assert found, done.stdout + done.stderr
    assert before <= int(found[1]) <= time.time()
    assert found[2] in (time.strftime("%Y-%m-%d", time.gmtime(before)), time.strftime("%Y-%m-%d", time.gmtime()))

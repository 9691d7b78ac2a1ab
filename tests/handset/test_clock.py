"""The board's clock on each interpreter, against the host's own."""

import re
import time


def test_cases(check, board):
    check(board, "clock_cases.py")


def test_the_date_agrees_with_the_host(run, board):
    before = int(time.time())
    done = run(board, "clock_show.py")
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)\n", done.stdout)
    assert found, done.stdout + done.stderr
    assert found[1] in (time.strftime("%Y-%m-%d", time.gmtime(before)), time.strftime("%Y-%m-%d", time.gmtime()))

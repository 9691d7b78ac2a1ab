"""Runs on a board: the threshold that is asked for, where the interpreter has one."""

import gc
import sys

from handset import heap


def test_often_and_never():
    before = gc.get_threshold() if sys.implementation.name == "cpython" else None
    heap.often()
    if before is None:
        assert gc.threshold() == 4096
    heap.never()
    if before is None:
        assert gc.threshold() == -1
    else:
        assert gc.get_threshold() == before

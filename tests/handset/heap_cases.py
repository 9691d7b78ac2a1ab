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


def test_a_call_begins_on_a_swept_heap():
    if sys.implementation.name == "cpython":
        return
    heap.never()  # whatever is taken from here on stays until somebody sweeps
    thing = bytearray(8192)
    held = gc.mem_alloc()
    thing = None  # noqa: F841 - what is to be swept
    heap.never()
    assert gc.mem_alloc() < held - 4096


def _load():
    from callcore import seqnum

    return seqnum.seq_diff(3, 1)


def test_what_is_forgotten_is_loaded_anew():
    assert _load() == 2
    heap.forget(("callcore.seqnum", "callcore.never_loaded"))
    assert ("callcore.seqnum" in sys.modules) == (sys.implementation.name == "cpython")
    assert _load() == 2 and "callcore.seqnum" in sys.modules

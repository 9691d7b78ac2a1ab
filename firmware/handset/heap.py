"""When MicroPython sweeps its heap: while the firmware is loaded and idle often, so that little lies between what stays, and
within a call never by itself, since a sweep takes some milliseconds out of speech.

A call keeps no memory, but borrows some: a function with many locals has them on the heap until it returns, and MicroPython
counts what was taken, not what is there. It still sweeps when there is no room left.
"""

import gc

_OFTEN_BYTES = 4096


def often():
    """Sweep whenever 4 KB were taken: a call then fits into a sixth less of heap."""
    _threshold(_OFTEN_BYTES)


def never():
    """Sweep now, and then only when there is no room left."""
    gc.collect()
    _threshold(-1)


def _threshold(size):
    if hasattr(gc, "threshold"):  # CPython has another one
        gc.threshold(size)

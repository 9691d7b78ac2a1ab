"""When MicroPython sweeps its heap: while the firmware is loaded and idle often, so that little lies between what stays, and
within a call never by itself, since a sweep takes some milliseconds out of speech.

A call keeps no memory, but borrows some: a function with many locals has them on the heap until it returns, and MicroPython
counts what was taken, not what is there. It still sweeps when there is no room left.
"""

import gc
import sys

from callcore.compat import MICROPYTHON, const

_OFTEN_BYTES = const(4096)


def often():
    """Sweep whenever 4 KB were taken: a call then fits into a sixth less of heap."""
    _threshold(_OFTEN_BYTES)


def never():
    """Sweep now, and then only when there is no room left."""
    gc.collect()
    _threshold(-1)


def forget(modules):
    """Let go of modules that are not needed for a while; whoever imports one has it loaded anew.

    Args:
        modules: names of modules without machine code, which a chip keeps for ever, and of which nobody holds anything.
    """
    if MICROPYTHON:  # CPython has room
        for name in modules:
            if sys.modules.pop(name, None):
                package, _, own = name.rpartition(".")
                delattr(sys.modules[package], own)
        gc.collect()


def _threshold(size):
    if hasattr(gc, "threshold"):  # CPython has another one
        gc.threshold(size)

"""The board's wires to the outside on CPython; the twin of `../micropython/lines.py`, which explains each name."""

import os
import sys

Pollable = object


class outside:  # noqa: N801 - an object, as in the twin
    """The computer's own files."""

    open = open
    rename = os.rename
    remove = os.remove


def _number(name):
    number = os.environ.get(name)
    return int(number) if number else None


def reader(name):
    """Give the number of the wire named by environment variable `name`; None when the board has none."""
    return _number(name)


def writer(name):
    """Give the number of the wire named by environment variable `name`; None when the board has none."""
    return _number(name)


def take(wire, buf, n):
    """Read at most `n` bytes into the start of `buf`: bytes read, 0 for nothing now, -1 when the other end is gone."""
    try:
        return os.readv(wire, [memoryview(buf)[:n]]) or -1
    except BlockingIOError:
        return 0


def put(wire, buf, n):
    """Write the first `n` bytes of `buf`, all or nothing: `n`, 0 when the pipe is full, -1 when the other end is gone."""
    try:
        return os.write(wire, memoryview(buf)[:n])
    except BlockingIOError:
        return 0
    except OSError:
        return -1


def move(to, to_off, source, source_off, n):
    """Copy `n` bytes between two buffers."""
    to[to_off : to_off + n] = memoryview(source).cast("B")[source_off : source_off + n]


def power_off(status):
    """End the process at once, as a reset does: no finaliser runs; what was printed is not lost."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

"""The board's wires to the outside on MicroPython's unix port: pipes by number, without one byte of heap per use.

The twin of this file for CPython stands in `../cpython/lines.py`; both offer the same names. The runner made the pipes
non-blocking and wrote their numbers into the environment.
"""

import io
import os

import micropython
import vfs

try:
    import ffi
except ImportError:
    ffi = None

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9

# the computer's own files, reached by `open`, `rename` and `remove` even where the board's flash stands in their place
outside = vfs.VfsPosix()

# what a device that can be polled is derived from
Pollable = io.IOBase


def reader(name):
    """Open the wire whose number stands in environment variable `name` for reading; None when the board has none."""
    number = os.getenv(name)
    return open(int(number), "rb") if number else None


def writer(name):
    """Open the wire whose number stands in environment variable `name` for writing; None when the board has none."""
    number = os.getenv(name)
    return open(int(number), "wb") if number else None


def take(wire, buf, n):
    """Read at most `n` bytes into the start of `buf`; allocates nothing.

    Returns:
        Bytes read; 0 when there is nothing now; -1 when the other end is gone.
    """
    got = wire.readinto(buf, n)
    if got is None:
        return 0
    return got if got else -1


def put(wire, buf, n):
    """Write the first `n` bytes of `buf`, all or nothing since `n` <= 4096 (POSIX, PIPE_BUF); allocates nothing.

    Returns:
        `n`, 0 when the pipe is full, -1 when the other end is gone.
    """
    try:
        done = wire.write(buf, 0, n)
    except OSError:
        return -1
    return done or 0


@micropython.viper
def move(to, to_off: int, source, source_off: int, n: int):
    """Copy `n` bytes between two buffers; allocates nothing, checks nothing."""
    d = ptr8(to)  # noqa: F821 - the viper compiler knows it
    s = ptr8(source)  # noqa: F821
    for i in range(n):
        d[to_off + i] = s[source_off + i]


def _find(result, function, arguments):
    for name in ("libc.so.6", "libc.so", "libSystem.dylib"):
        try:
            return ffi.open(name).func(result, function, arguments)
        except (OSError, AttributeError):
            continue
    return None


# looked up early, since power may have to go off while the heap is locked
_exit = _find("v", "_exit", "i")


def die_with_parent():
    """Let the system end this process when its runner dies, whatever runs; where the system can (Linux)."""
    control = _find("i", "prctl", "ii")
    if control:
        control(_PR_SET_PDEATHSIG, _SIGKILL)


def power_off(status):
    """End the process at once, as a reset does: no finaliser runs, no file is closed; never returns."""
    if _exit:
        _exit(status)
    raise SystemExit(status)

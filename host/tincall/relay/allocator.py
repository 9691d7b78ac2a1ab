"""How the C library keeps large blocks for the relay: each in pages of its own, which go back to the system when it is freed.

uvloop gives every TLS connection a buffer of 256 KiB and uses a few pages of it. glibc begins by giving such blocks pages of
their own, too, but once one was freed it cuts all of its size from the heap. There, buffers that are gone leave holes, small
objects settle in the holes, and page after page is touched: with a crowd that comes and goes the heap grows toward all the
buffers there ever were at once (T-AS-09, decision 29).
"""

import ctypes

M_MMAP_THRESHOLD = -3  # of glibc's malloc.h
OWN_PAGES_BYTES = 128 * 1024  # where glibc begins, before it adapts; setting it is what keeps it there


def keep_apart() -> bool:
    """Let large blocks have pages of their own for as long as this process lives.

    Returns:
        Whether that was set; False where the C library has no such choice: others than glibc do not move blocks of this
        size into a heap.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES))

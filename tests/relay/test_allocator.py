"""Large blocks have pages of their own, and the heap stays what small objects need (T-AS-09)."""

import ctypes
import platform
import subprocess
import sys

import pytest

from tincall.relay import allocator

BLOCKS = 200
BLOCK_BYTES = 256 * 1024  # a buffer of uvloop's TLS
FILLED = f"""
import ctypes, re
from pathlib import Path
from tincall.relay import allocator
BEFORE
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
library.free(library.malloc({BLOCK_BYTES}))  # from here on glibc would take such blocks from the heap
for _ in range({BLOCKS}):
    library.malloc({BLOCK_BYTES})
begin, end = re.search(r"(\\w+)-(\\w+) .*\\[heap\\]", Path("/proc/self/maps").read_text()).groups()
print(int(end, 16) - int(begin, 16))
"""


def heap_bytes(before):
    """Give how large the heap is of a process that holds many large blocks, after it freed one."""
    script = FILLED.replace("BEFORE", before)
    return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no such heap")
def test_large_blocks_stay_out_of_the_heap():
    assert heap_bytes("") > BLOCKS * BLOCK_BYTES
    assert heap_bytes("assert allocator.keep_apart()") < BLOCKS * BLOCK_BYTES // 4


def test_a_c_library_without_the_choice_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not allocator.keep_apart()

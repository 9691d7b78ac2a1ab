"""A disk so small that a test can fill it: a tmpfs of its own, where the machine lets us mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SIZE_BYTES = 2 << 20


@contextmanager
def mounted(place: Path) -> Iterator[Path]:
    """Mount a small disk at `place`, as long as the test lasts; the test is skipped where that is not allowed."""
    place.mkdir(parents=True, exist_ok=True)
    options = f"size={SIZE_BYTES},mode=700"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def remount(place: Path, mode: str) -> None:
    """Make a mounted disk `ro` or `rw`."""
    subprocess.run(["mount", "-o", f"remount,{mode}", place], check=True)


def fill(folder: Path) -> Path:
    """Write a file until not one more byte fits; gives the file, whose removal makes room again."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for block in (65_536, 4096, 1):
            try:
                while file.write(b"\0" * block):
                    pass
            except OSError:
                continue
    disk = os.statvfs(folder)
    assert disk.f_bavail * disk.f_frsize < 4096
    return ballast

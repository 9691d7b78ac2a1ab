"""An image holds the files, is small, the same each time, and is mounted and written by MicroPython's own littlefs."""

import random
import subprocess
from pathlib import Path

import pytest

from tincall.emulator.interpreters import find
from tincall.errors import OperatorError
from tincall.workbench import firmware, flash_image

PARTITION_BYTES = 2 << 20
FILES = {
    "/main.py": b"import handset\n", "/lib/board.mpy": b"M" * 300, "/lib/callcore/call.mpy": bytes(range(256)) * 40,
    "/store/identity.bin": b"k" * 900, "/empty": b"",
}  # fmt: skip
# what the unix port runs: mount the partition, read every file back, write on until everything was written over several times
MOUNT = """
import os, sys, vfs
class Partition:
    def __init__(self, path):
        self.file = open(path, "r+b")
    def readblocks(self, block, buf, off=0):
        self.file.seek(block * 4096 + off)
        self.file.readinto(buf)
    def writeblocks(self, block, buf, off=None):
        if off is None:
            self.file.seek(block * 4096)
            self.file.write(b"\\xff" * 4096)
        self.file.seek(block * 4096 + (off or 0))
        self.file.write(buf)
    def ioctl(self, op, arg):
        if op == 6:
            self.file.seek(arg * 4096)
            self.file.write(b"\\xff" * 4096)
        return {4: os.stat(sys.argv[1])[6] // 4096, 5: 4096}.get(op, 0)
vfs.mount(vfs.VfsLfs2(Partition(sys.argv[1]), readsize=32, progsize=32, lookahead=32), "/flash")
def walk(at):
    for name, kind, *_ in os.ilistdir(at):
        if kind == 0x4000:
            walk(at + "/" + name)
        else:
            with open(at + "/" + name, "rb") as file:
                data = file.read()
            print(at[6:] + "/" + name, len(data), sum(data))
walk("/flash")
for turn in range(40):
    with open("/flash/new%d" % (turn % 5), "wb") as file:
        file.write(b"n" * 60000)
print("blocks", os.statvfs("/flash")[2])
walk("/flash/lib")
"""


def told(files: dict[str, bytes]) -> set[str]:
    return {f"{path} {len(content)} {sum(content)}" for path, content in files.items()}


def test_what_went_in_comes_out_and_the_image_is_small_and_always_the_same() -> None:
    image = flash_image.make(FILES, PARTITION_BYTES)
    assert flash_image.contents(image, PARTITION_BYTES) == FILES
    assert len(image) < PARTITION_BYTES // 10 and len(image) % flash_image.BLOCK_BYTES == 0
    assert flash_image.make(dict(reversed(FILES.items())), PARTITION_BYTES) == image


@pytest.mark.parametrize("partition_bytes", [PARTITION_BYTES, 6 << 20])
def test_micropython_mounts_it_whatever_the_rest_of_the_flash_holds_and_goes_on_writing(
    partition_bytes: int, tmp_path: Path
) -> None:
    files = {**FILES, **firmware.files("xtensawin", "EMULATED")}
    image = flash_image.make(files, partition_bytes)
    rest = random.Random(4).randbytes(partition_bytes - len(image))
    (tmp_path / "flash.img").write_bytes(image + rest)
    (tmp_path / "mount.py").write_text(MOUNT)
    command = [*find("unix"), "mount.py", "flash.img"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    before, after = lines[: len(files)], lines[len(files) :]
    assert set(before) == told(files)
    assert after[0] == f"blocks {partition_bytes // 4096}"
    assert set(after[1:]) == {line for line in told(files) if line.startswith("/lib/")}


def test_what_does_not_fit_is_told_with_both_sizes() -> None:
    with pytest.raises(OperatorError, match="the files need 1176 KiB, and the board has 1024 KiB"):
        flash_image.make({"/big": b"x" * 1_000_000, "/more": b"y" * 100_000}, 1 << 20)


def test_what_is_no_image_is_told() -> None:
    with pytest.raises(OperatorError, match="no LittleFS"):
        flash_image.contents(b"\xff" * 8192, PARTITION_BYTES)

"""The board's flash: an image file in blocks of 4,096 bytes, mounted at `/` as LittleFS, in the place of the computer's files.

Every write goes to the file at once, a block or a part of one at a time, so that a power cut leaves what it leaves on a chip.
"""

import os

import lines
import vfs

BLOCK_BYTES = 4096
_SEEK_END = 2

# what the port writes to a new file system
_BOOT = "# Runs at each start of the board, before main.py.\n"


class ImageFlash:
    """A block device with the extended interface.

    Args:
        path: the image file, of whole blocks.
    """

    def __init__(self, path):
        self._file = lines.outside.open(path, "r+b")
        self._blocks = self._file.seek(0, _SEEK_END) // BLOCK_BYTES

    def readblocks(self, block, buf, offset=0):
        """Read from a block."""
        self._file.seek(block * BLOCK_BYTES + offset)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, offset=None):
        """Write to a block; without an offset it is erased first, which a file need not be."""
        self._file.seek(block * BLOCK_BYTES + (offset or 0))
        self._file.write(buf)

    def ioctl(self, op, arg):
        """Give the number of blocks (4) or their size (5); erase one (6)."""
        if op == 4:
            return self._blocks
        if op == 5:
            return BLOCK_BYTES
        return 0

    def is_new(self):
        """Tell whether nothing was ever written to its first block."""
        first = bytearray(BLOCK_BYTES)
        self.readblocks(0, first)
        return all(byte == 0xFF for byte in first)


def mount(path):
    """Put the flash in the place of the computer's files; a new one is formatted.

    Returns:
        Whether there is a file system now.
    """
    flash = ImageFlash(path)
    vfs.umount("/")
    fresh = flash.is_new()
    if fresh:
        vfs.VfsLfs2.mkfs(flash)
    try:
        vfs.mount(vfs.VfsLfs2(flash), "/")
    except OSError:
        return False
    os.chdir("/")
    if fresh:
        with open("boot.py", "w") as file:
            file.write(_BOOT)
    return True

"""A board's whole flash for MicroPython, littlefs and non-volatile storage on one power, and lives of the board upon it."""

import gc
import sys

import nvs_flash
import vfs
from nor import BLOCK_BYTES, FULL, Nor, Power

from callcore.errors import StoreError
from handset.places import Folder, Nvs
from handset.store import Store

FOLDER = "/cut"
FILE_BLOCKS = 16
NVS_PAGES = 4  # of 16 KB, the smallest table that MicroPython has for an ESP32

sys.modules["esp32"] = nvs_flash.esp32


class Flash:
    """The memories of both chips, and what lives of the board do with them.

    Attributes:
        files, nvs: what the chips keep.
        file_chip, nvs_chip: called with memory, power and whether it is ordered; give the chips of a life.
        erases: how often each block of either chip was erased so far.
        misused: bytes that were programmed without having been erased.
        operations: programs and erases of the last life.
    """

    def __init__(self, file_blocks=FILE_BLOCKS, nvs_pages=NVS_PAGES):
        self.files = bytearray(file_blocks * BLOCK_BYTES)
        self.nvs = bytearray(nvs_pages * BLOCK_BYTES)
        self._scratch = bytearray(len(self.files))
        self.file_chip = self.nvs_chip = Nor
        self.misused = 0
        self.operations = 0
        self.erases = [0] * file_blocks, [0] * nvs_pages

    def format(self):
        """Make it as it comes from the factory, with an empty file system."""
        self.files[:] = b"\xff" * len(self.files)
        self.nvs[:] = b"\xff" * len(self.nvs)
        vfs.VfsLfs2.mkfs(Nor(self.files))

    def image(self):
        """Give what is on it."""
        return bytes(self.files), bytes(self.nvs)

    def restore(self, image):
        """Put an image back."""
        self.files[:], self.nvs[:] = image

    def live(self, work, cut_at=0, mode=FULL):
        """Switch the board on, let it `work(store, places)`, and switch it off, or let the power fail.

        Args:
            work: called with a Store and its places.
            cut_at: number of the operation at which the power fails, from 1 on; 0 for never.
            mode: what that operation leaves.

        Returns:
            Whether the power failed; what `work` gave, or the OSError or StoreError that it raised.
        """
        power = Power(cut_at, mode)
        chips = self.file_chip(self.files, power, False), self.nvs_chip(self.nvs, power, True)
        is_mounted = False
        try:
            nvs_flash.mount(chips[1])
            vfs.mount(vfs.VfsLfs2(chips[0]), FOLDER)
            is_mounted = True
            places = Nvs("tincall"), Folder(FOLDER)
            found = work(Store(places), places)
        except (OSError, StoreError) as error:
            found = error
        if is_mounted:
            vfs.umount(FOLDER)
        for n in range(2):
            self.misused += chips[n].misused
            for block in range(len(chips[n].erases)):
                self.erases[n][block] += chips[n].erases[block]
        self.operations = power.operations
        if power.dead:
            chips[0].bury(self._scratch)
            gc.collect()
        return power.dead, found

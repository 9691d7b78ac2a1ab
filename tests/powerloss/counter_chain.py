"""Runs on MicroPython: one counter through hundreds of power cuts in a row on one flash; no number may come twice.

    micropython counter_chain.py CUTS SEED

Each life of the board draws numbers until the power fails, at a random operation and in a random mode, and sometimes during
the boot itself. Prints one JSON object: `lives`, `numbers`, `last`, `repeated`, `failed` (boots without a cut that failed).
"""

import gc
import json
import os
import sys

import vfs
from nor import BLOCK_BYTES, MODES, Nor

from callcore.errors import StoreError
from handset.marks import Marks
from handset.places import Folder
from handset.store import Store

FOLDER = "/cut"
PLACES = (Folder(FOLDER), Folder(FOLDER + "/two"))

memory = bytearray(b"\xff" * (8 * BLOCK_BYTES))
scratch = bytearray(len(memory))


class Dice:
    """Numbers that look random and are the same in each run (a linear congruential generator)."""

    def __init__(self, seed):
        self._state = seed

    def roll(self, sides):
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 12) % sides


def live(cut_at, mode, draws):
    """One life of the board: gives the numbers it drew, and whether it failed by itself."""
    chip = Nor(memory, cut_at, mode)
    drawn = []
    broken = False
    try:
        vfs.mount(vfs.VfsLfs2(chip), FOLDER)
        marks = Marks(Store(PLACES))
        for _ in range(draws):
            drawn.append(marks.draw())
    except (OSError, StoreError):
        broken = not chip.dead
    try:
        vfs.umount(FOLDER)
    except OSError:
        pass  # it was not mounted
    if chip.dead:
        chip.bury(scratch)
        gc.collect()
    return drawn, broken


def main():
    dice = Dice(int(sys.argv[2]))
    vfs.VfsLfs2.mkfs(Nor(memory))
    vfs.mount(vfs.VfsLfs2(Nor(memory)), FOLDER)
    os.mkdir(FOLDER + "/two")
    vfs.umount(FOLDER)
    said = {"lives": 0, "numbers": 0, "last": 0, "repeated": 0, "failed": 0}
    for _ in range(int(sys.argv[1])):
        drawn, broken = live(1 + dice.roll(12), MODES[dice.roll(3)], 1 + dice.roll(300))
        said["failed"] += broken
        for number in drawn:
            said["repeated"] += number <= said["last"]
            said["last"] = max(said["last"], number)
        said["lives"] += 1
        said["numbers"] += len(drawn)
    drawn, broken = live(0, 0, 1)
    said["failed"] += broken or drawn[0] <= said["last"]
    print(json.dumps(said))


main()

"""Factory reset: both buttons held for ten seconds at the start erase what was stored, so that not even the raw flash tells it.

Removing a file is not enough: littlefs keeps old blocks until it needs them, and small files and names in logs that it appends
to; the chip's own storage keeps entries until it erases their page. Rules of this file:

- A mark is stored first and removed last. If power fails in between, the next start finds it and does all of it again.
- Every file of the store, and the mark, is written over `REWRITES` times: with that goes what stood in the folder's two log
  blocks.
- After they are removed, one file takes every free block there is, and is removed: what stood in a block is erased for it.
- The chip's own storage (NVS) is erased page by page. Nobody has it open at this moment, and the chip starts anew right after.
- Only the store's folder is emptied; the firmware's files stay. The folder is not the root, whose first log blocks littlefs
  keeps as they were once it has moved on.
"""

import os

import machine

from callcore.compat import const
from handset import clock, diag

MARK = "reset.bin"
_STEPS = const(40)  # ten seconds
_STEP_MS = const(250)
_NO_SPACE = const(28)  # MicroPython's errno has no name for it
# 160 bytes of log for each: 128 of them fill the two blocks of 4 KB twice
REWRITES = 128


async def run(board, fills):
    """Wait until both buttons were held long enough, unless a reset was begun; then erase everything and start anew.

    The lamp blinks while it waits and shines while it erases. Returns when a button is let go early, or when the flash fails:
    then the next start tries again.

    Args:
        board: its data.
        fills: whether the store is on littlefs, whose free blocks are taken; never those of a computer's disk.
    """
    call, end = [machine.Pin(n, machine.Pin.IN, machine.Pin.PULL_UP) for n in (board.BUTTON_CALL, board.BUTTON_END)]
    lamp = machine.Pin(board.LAMP, machine.Pin.OUT)
    if board.CHIPS:
        from chips import fittings

        lamp = fittings.lamp(board, machine)
    folder = board.FLASH + "/"
    steps = 0 if MARK in os.listdir(folder) else _STEPS
    while steps and call.value() == end.value() == board.BUTTON_ACTIVE:
        steps -= 1
        lamp.value(steps & 1)
        await clock.sleep_ms(_STEP_MS)
    lamp.value(1 - board.LAMP_ACTIVE)
    if not steps:
        lamp.value(board.LAMP_ACTIVE)
        try:
            erase(folder, fills)
        except OSError as error:
            diag.failed("factory_reset", error)
            return
        diag.say("factory_reset")
        machine.reset()


def erase(folder, fills):
    """Erase what is stored; if power fails, the mark is there until this was done once to its end.

    Args:
        folder: of the store, with a slash at its end.
        fills: as in `run`.

    Raises:
        OSError: the flash refuses.
    """
    mark = folder + MARK
    _write(mark, 1)
    paths = [folder + name for name in os.listdir(folder) if name.endswith(".bin")]
    _erase_nvs()
    for path in paths:
        _write(path, REWRITES)
    paths.remove(mark)
    for path in paths:
        os.remove(path)
    if fills:
        path = folder + "fill"
        try:
            _write(path, 1, True)
        except OSError as error:
            if error.errno != _NO_SPACE:
                raise
        os.remove(path)
    os.remove(mark)


def _write(path, times, forever=False):
    """Write a file that littlefs keeps in the log, which it does up to 128 bytes, or one of all that there is room for."""
    for _ in range(times):
        with open(path, "wb") as file:
            file.write(bytes(120))
            while forever:
                file.write(bytes(512))


def _erase_nvs():
    try:
        from esp32 import Partition
    except ImportError:
        return  # not that chip
    for part in Partition.find(Partition.TYPE_DATA, label="nvs"):
        for block in range(part.ioctl(4, 0)):
            part.ioctl(6, block)

"""Runs on MicroPython: flash that is full, cannot be read or erased, or is worn out: named, and a whole value is readable.

Prints one JSON object: for each fault what `save` said (`True`, `False` or the reason of its error) and the reason of
`store.fault`; which value a healthy board finds afterwards, `old` or `new`; and whether it can save again.
"""

import json
import os

from flash import FOLDER, Flash
from nor import BLOCK_BYTES, Nor

from callcore.errors import StoreError
from handset.store import Store

FACT = ("thing", 7)
OLD, NEW = b"old" * 200, b"new" * 200


class Unreadable(Nor):
    """Every read fails, but of the first two blocks, so that the file system can be mounted."""

    def readblocks(self, block, buf, off=0):
        if block > 1:
            raise OSError(5)
        Nor.readblocks(self, block, buf, off)


class Unerasable(Nor):
    """No block can be erased."""

    def erase(self, block):
        raise OSError(5)


class Worn(Nor):
    """Half of the blocks do not keep what is written to them; the first two do."""

    def program(self, at, buf):
        if at // BLOCK_BYTES > 1 and at // BLOCK_BYTES % 2:
            buf = bytes([byte | 0x10 for byte in buf])
        Nor.program(self, at, buf)


class Dead(Nor):
    """Nothing can be written."""

    def program(self, at, buf):
        raise OSError(5)

    erase = Unerasable.erase


def fill(store, places):
    """Leave no room for a second record in the file system."""
    for size in (BLOCK_BYTES, 1000, 600):
        n = 0
        try:
            while True:
                with open(FOLDER + f"/ballast-{size}-{n}", "wb") as file:
                    file.write(bytes(size))
                n += 1
        except OSError:
            pass


def fill_nvs(store, places):
    """Leave no room for a second record in the non-volatile storage."""
    for size in (1800, 400, 60):
        for n in range(40):
            try:
                places[0].write(f"b{size}-{n}", b"%d" % n + bytes(size))
            except OSError:
                break


def fill_both(store, places):
    fill(store, places)
    fill_nvs(store, places)


def empty(store, places):
    for name in os.listdir(FOLDER):
        if name.startswith("ballast"):
            os.remove(FOLDER + "/" + name)
    for size in (1800, 400, 60):
        for n in range(40):
            places[0].remove(f"b{size}-{n}")


def save(store, places):
    """Try to save; gives what came of it."""
    try:
        done = store.save(FACT, NEW)
    except StoreError as error:
        done = error.reason
    return done, store.fault.reason if store.fault else ""


def find(store, places):
    return {OLD: "old", NEW: "new"}.get(store.load(FACT), "something else")


def again(store, places):
    return store.save(FACT, OLD) and Store(places).load(FACT) == OLD


FAULTS = {
    "files full": (fill, Nor, Nor),
    "nvs full": (fill_nvs, Nor, Nor),
    "both full": (fill_both, Nor, Nor),
    "files unreadable": (None, Unreadable, Nor),
    "files unerasable": (None, Unerasable, Nor),
    "files worn": (None, Worn, Nor),
    "files dead": (None, Dead, Nor),
    "nvs dead": (None, Nor, Dead),
    "both dead": (None, Dead, Dead),
}


def main():
    said = {}
    for name, (prepare, file_chip, nvs_chip) in FAULTS.items():
        flash = Flash()
        flash.format()
        flash.live(lambda store, places: store.save(FACT, OLD))
        if prepare:
            flash.live(prepare)
        flash.file_chip, flash.nvs_chip = file_chip, nvs_chip
        done = flash.live(save)[1]
        flash.file_chip = flash.nvs_chip = Nor
        found = flash.live(find)[1]
        flash.live(empty)
        said[name] = [repr(done), repr(found), repr(flash.live(again)[1])]
    print(json.dumps(said))


main()

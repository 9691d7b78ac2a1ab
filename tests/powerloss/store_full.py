"""Runs on MicroPython: a flash that is full to the last block: saving says so, the old record stands, and works again after.

Prints one JSON object: `refused` (reasons of the saves that failed), `kept` (whether the old one stood each time), `after`.
"""

import json
import os

import vfs
from nor import BLOCK_BYTES, Nor

from callcore.errors import StoreError
from handset.places import Folder
from handset.store import Store

FOLDER = "/full"
FACT = ("thing", 1)


def fill():
    """Write files until not even a small one finds room."""
    for size in (BLOCK_BYTES, 1000, 600):
        n = 0
        try:
            while True:
                with open(FOLDER + f"/ballast-{size}-{n}", "wb") as file:
                    file.write(bytes(size))
                n += 1
        except OSError:
            pass


def empty():
    for name in os.listdir(FOLDER):
        if name.startswith("ballast"):
            os.remove(FOLDER + "/" + name)


def main():
    chip = Nor(bytearray(b"\xff" * (12 * BLOCK_BYTES)))
    vfs.VfsLfs2.mkfs(chip)
    vfs.mount(vfs.VfsLfs2(chip), FOLDER)
    store = Store([Folder(FOLDER)])
    said = {"refused": [], "kept": [], "after": False}
    for n in range(6):
        body = b"%d" % n * 2000
        store.save(FACT, body)
        fill()
        try:
            store.save(FACT, b"x" * 2500)
            said["refused"].append("")
        except StoreError as error:
            said["refused"].append(error.reason)
        said["kept"].append(Store([Folder(FOLDER)]).load(FACT) == body)
        empty()
    store.save(FACT, b"after")
    said["after"] = Store([Folder(FOLDER)]).load(FACT) == b"after"
    print(json.dumps(said))


main()

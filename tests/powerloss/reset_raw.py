"""Runs on MicroPython: factory reset on littlefs, and what the raw flash shows afterwards; with power cuts if asked.

    micropython reset_raw.py STEP HISTORY...

For each HISTORY (times that everything was stored before): reset, and look for every secret in the raw bytes. With STEP above 0
the reset is also cut at each STEPth program and erase, in each mode, and gone on with as at the next start. Prints one JSON
object: `before`, secrets that the image shows without a reset; `after`, what a reset left; `cuts`; `undone`, cuts before
the reset was decided, which left everything as it was; `bad`, what went wrong.
"""

import binascii
import gc
import json
import os
import sys

import vfs
from nor import BLOCK_BYTES, MODES, UNORDERED, Nor, Power

from handset import identity, reset
from handset.marks import Marks
from handset.outbox import Outbox
from handset.places import Folder
from handset.store import Store

BLOCKS = 24
ROOT = "/r"
FOLDER = ROOT + "/store/"
KEY = bytes(range(200, 232))
FIELDS = {"sn": "SN-PRIVATE", "model_id": "m", "kv": 1, "key": binascii.hexlify(KEY).decode(), "host": "relay.of.mine"}
FIELDS.update({"port": 1, "name": "relay.of.mine", "ca": "-----BEGIN CERTIFICATE-----" + "MIIBx" * 140})
SECRETS = (
    KEY,
    binascii.hexlify(KEY),
    b"SN-PRIVATE",
    b"relay.of.mine",
    b"MIIBx",
    b"Grandma",
    b"wifi-password",
    b"call-of-mine",
)
CODE = bytes(range(128)) * 10

memory = bytearray(BLOCKS * BLOCK_BYTES)
scratch = bytearray(len(memory))


def power_up(cut_at=0, mode=0):
    chip = Nor(memory, Power(cut_at, mode))
    vfs.mount(vfs.VfsLfs2(chip), ROOT)
    return chip


def power_down(chip):
    vfs.umount(ROOT)
    if chip.power.dead:
        chip.bury(scratch)
        gc.collect()


def write(path, data):
    with open(ROOT + path, "wb") as file:
        file.write(data)


def live(times):
    """Make a volume with firmware on it, and store everything that many times; gives its image."""
    memory[:] = b"\xff" * len(memory)
    vfs.VfsLfs2.mkfs(Nor(memory))
    chip = power_up()
    os.mkdir(ROOT + "/store")
    os.mkdir(ROOT + "/lib")
    for n in range(3):
        write(f"/lib/code{n}.mpy", CODE)
    write("/main.py", b"run()")
    store = Store([Folder(FOLDER)])
    for n in range(times):
        identity.save(store, FIELDS)
        store.save(("wifi", 8), b"wifi-password %d" % n)
        store.save(("contacts", 9), b"Grandma %d" % n)
        Outbox(store, lambda: 0).put("call", {"call": f"call-of-mine-{n}"})
        Marks(store).draw()
    store.save(("raw", 10), KEY)
    store.forget(("contacts", 9))
    power_down(chip)
    return bytes(memory)


def shown():
    """Name the secrets that the raw flash shows."""
    return [number for number, secret in enumerate(SECRETS) if secret in memory]


def whole():
    """See whether the firmware is there as it was."""
    with open(ROOT + "/main.py", "rb") as file:
        fine = file.read() == b"run()"
    for n in range(3):
        with open(ROOT + f"/lib/code{n}.mpy", "rb") as file:
            fine = fine and file.read() == CODE
    return fine and sorted(os.listdir(ROOT)) == ["lib", "main.py", "store"] and os.listdir(FOLDER) == []


def wipe(cut_at=0, mode=0):
    """Reset until it ends or the power fails; gives the chip, and whether it failed."""
    chip = power_up(cut_at, mode)
    try:
        reset.erase(FOLDER, True)
        assert whole() or chip.power.dead
    except OSError:
        assert chip.power.dead
    failed = chip.power.dead
    power_down(chip)
    return chip, failed


def go_on():
    """Start anew after a cut as the firmware does; tells whether the reset was decided."""
    chip = power_up()
    decided = reset.MARK in os.listdir(FOLDER)
    if not decided:
        decided = "identity.bin" not in os.listdir(FOLDER)
        assert decided or identity.load(Store([Folder(FOLDER)])).sn == "SN-PRIVATE"
        power_down(chip)
    else:
        power_down(chip)
        wipe()
    return decided


def main():
    said = {"before": [], "after": [], "cuts": 0, "undone": 0, "bad": [], "misused": 0}
    step = int(sys.argv[1])
    for times in sys.argv[2:]:
        image = live(int(times))
        said["before"].append(len(shown()))
        chip, _ = wipe()
        said["misused"] += chip.misused
        said["after"] += shown()
        number = 0
        while step and number * step < chip.power.operations:
            memory[:] = image
            _, failed = wipe(1 + number * step, MODES[number % UNORDERED])
            if not failed:
                break
            said["cuts"] += 1
            number += 1
            try:
                if not go_on():
                    said["undone"] += 1
                    wipe()
            except (OSError, AssertionError) as error:
                said["bad"].append([times, number, repr(error)])
            if shown():
                said["bad"].append([times, number, shown()])
    print(json.dumps(said))


main()

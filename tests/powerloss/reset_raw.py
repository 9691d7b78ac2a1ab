"""Runs on MicroPython: factory reset on littlefs and NVS, and what the raw flash shows afterwards; with power cuts if asked.

    micropython reset_raw.py STEP HISTORY...

For each HISTORY (times that everything was stored before): reset, and look for every secret in the raw bytes of both. With STEP
above 0 the reset is also cut at each STEPth program and erase, in each mode, and gone on with as at the next start. Prints one
JSON object: `before`, how many secrets each memory shows without a reset; `after`, what a reset left; `cuts`; `undone`, cuts
before the reset was decided, which left everything as it was; `bad`, what went wrong.
"""

import binascii
import json
import os
import sys

from flash import FOLDER as ROOT
from flash import Flash
from nor import UNORDERED

from handset import identity, reset
from handset.marks import Marks
from handset.outbox import Outbox
from handset.places import Folder
from handset.store import Store

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

flash = Flash(file_blocks=24)


def write(path, data):
    with open(ROOT + path, "wb") as file:
        file.write(data)


def install(_, places):
    """Put firmware on it."""
    os.mkdir(ROOT + "/store")
    os.mkdir(ROOT + "/lib")
    for n in range(3):
        write(f"/lib/code{n}.mpy", CODE)
    write("/main.py", b"run()")


def use(times):
    """Give a life in which everything is stored that many times."""

    def life(_, places):
        store = Store((places[0], Folder(FOLDER)))
        for n in range(times):
            identity.save(store, FIELDS)
            store.save(("wifi", 8), b"wifi-password %d" % n)
            store.save(("contacts", 9), b"Grandma %d" % n)
            store.save(("raw", 10), KEY)
            Outbox(store, lambda: 0).put("call", {"call": f"call-of-mine-{n}"})
            Marks(store).draw()
        store.forget(("contacts", 9))

    return life


def shown():
    """Name the secrets that each memory shows."""
    return [
        [number for number, secret in enumerate(SECRETS) if secret in memory] for memory in (flash.files, flash.nvs)
    ]


def wipe(_, places):
    """Reset, and see that the firmware is there as it was."""
    reset.erase(FOLDER, True)
    with open(ROOT + "/main.py", "rb") as file:
        assert file.read() == b"run()"
    for n in range(3):
        with open(f"{ROOT}/lib/code{n}.mpy", "rb") as file:
            assert file.read() == CODE
    assert sorted(os.listdir(ROOT)) == ["lib", "main.py", "store"] and os.listdir(FOLDER) == []


def go_on(_, places):
    """Start anew after a cut as the firmware does; tells whether the reset was decided."""
    names = os.listdir(FOLDER)
    if reset.MARK in names:
        return True
    if names:
        assert identity.load(Store((places[0], Folder(FOLDER)))).sn == "SN-PRIVATE"
    return False


def whole(work):
    """Live a life without a cut; gives what it gave."""
    failed, found = flash.live(work)
    assert not failed and not isinstance(found, Exception), repr(found)
    return found


def cut(at, mode, said):
    """Cut the reset once and go on; gives whether the power failed before its end."""
    failed, _ = flash.live(wipe, at, mode)
    if failed:
        said["cuts"] += 1
        if not whole(go_on):
            said["undone"] += shown() != [[], []]
        whole(wipe)
        if shown() != [[], []]:
            said["bad"].append([at, mode, shown()])
    return failed


def main():
    said = {"before": [], "after": [], "cuts": 0, "undone": 0, "bad": []}
    step = int(sys.argv[1])
    for times in sys.argv[2:]:
        flash.format()
        whole(install)
        whole(use(int(times)))
        image = flash.image()
        said["before"].append([len(found) for found in shown()])
        whole(wipe)
        said["after"].append(shown())
        number = 0
        while step:
            flash.restore(image)
            if not cut(1 + number * step, number % UNORDERED, said):
                break
            number += 1
    said["misused"] = flash.misused
    print(json.dumps(said))


main()

"""Runs on MicroPython: boot on flash that is garbage in part or whole; it ends with an identity or with a named error.

    micropython store_garbage.py ROUNDS SEED

Each round fills some blocks of either chip, or all, with random bytes or with what another block holds, and boots. A file
system that cannot be mounted is what MicroPython itself tells; it is formatted, as it advises, and booted again. Prints one
JSON object: `boots`, `runs` (with the identity that was there), `reasons` of those that did not, `unmounted`, `crashed`, and
`wrong` (another identity).
"""

import json
import sys

import board
import vfs
from dice import Dice
from flash import FOLDER, Flash
from nor import BLOCK_BYTES, Nor

from handset import app, diag, identity

FIELDS = {
    "sn": "SN-1",
    "model_id": "m",
    "kv": 1,
    "key": "5a" * 32,
    "host": "h",
    "port": 1,
    "name": "n",
    "ca": "c" * 700,
}


class NoLoop:
    """An `asyncio` that starts nothing: whoever comes so far runs."""

    def __init__(self, said):
        self._said = said

    def run(self, coroutine):
        coroutine.close()
        self._said.append({"ev": "runs"})


def boot(flash, said):
    """Boot once; gives the events that it told."""
    del said[:]

    def work(store, places):
        app.run()

    found = flash.live(work)[1]
    return found, list(said)


def main():
    rounds, dice = int(sys.argv[1]), Dice(int(sys.argv[2]))
    board.FLASH = FOLDER
    lines = []
    diag.print = lambda text: lines.append(json.loads(text) if text[:1] == "{" else {"ev": "text"})
    app.asyncio = NoLoop(lines)
    real = identity.load
    told = {"boots": 0, "runs": 0, "reasons": {}, "unmounted": 0, "crashed": 0, "wrong": 0}

    def load(store):
        who = real(store)
        told["wrong"] += who.sn != "SN-1"
        return who

    identity.load = load
    flash = Flash()
    flash.format()
    flash.live(lambda store, places: identity.save(store, FIELDS))
    image = flash.image()
    for _ in range(rounds):
        flash.restore(image)
        for memory in (flash.files, flash.nvs):
            blocks = len(memory) // BLOCK_BYTES
            everything = dice.roll(4) == 0
            for block in range(blocks):
                if everything or dice.roll(3) == 0:
                    spoil(memory, block, dice)
        found, events = boot(flash, lines)
        if isinstance(found, OSError):
            told["unmounted"] += 1
            vfs.VfsLfs2.mkfs(Nor(flash.files))
            found, events = boot(flash, lines)
        told["boots"] += 1
        reasons = [event["reason"] for event in events if event["ev"] == "error" and event["step"] == "identity"]
        if {"ev": "runs"} in events:
            told["runs"] += 1
        elif reasons and reasons[0]:
            told["reasons"][reasons[0]] = told["reasons"].get(reasons[0], 0) + 1
        else:
            told["crashed"] += 1
    print(json.dumps(told))


def spoil(memory, block, dice):
    """Fill a block with random bytes, or with what another one holds."""
    at = block * BLOCK_BYTES
    if dice.roll(4) == 0:
        other = dice.roll(len(memory) // BLOCK_BYTES) * BLOCK_BYTES
        memory[at : at + BLOCK_BYTES] = bytes(memory[other : other + BLOCK_BYTES])
        return
    for n in range(BLOCK_BYTES):
        memory[at + n] = dice.roll(256)


main()

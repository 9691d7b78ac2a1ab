"""Runs on MicroPython: cut the power at every program and erase in the life of the board's log, and count at the relay.

    micropython outbox_cuts.py careful|careless HISTORY...

One life: two calls are lost, the link comes and brings no acknowledgement, comes again and brings them, one more call is lost,
and again. It is cut at every operation, in every mode, on volumes that have seen HISTORY such lives; then the board starts
anew, loses one more call and delivers. The relay of this file stores what is above the highest number of a log, as the real one
does, and holds every repeat against what it has. Prints one JSON object: `cuts`, `stored`, `repeats`, `misused`, and `bad`.
"""

import gc
import json
import os
import sys

import vfs
from nor import BLOCK_BYTES, MODES, UNORDERED, Nor, Power

from handset import diag
from handset.outbox import Outbox
from handset.places import Folder
from handset.store import Store

BLOCKS = 16
FOLDER = "/log"
PLACES = (Folder(FOLDER), Folder(FOLDER + "/two"))

memory = bytearray(BLOCKS * BLOCK_BYTES)
before_life = bytearray(len(memory))  # these are made once: later the heap has no piece of that size
erased = b"\xff" * len(memory)
scratch = bytearray(len(memory))
diag.print = lambda text: None  # a board without power says much


class Careless(Outbox):
    """A log that sends before it is on flash: what must not be, to see that it would be found."""

    def put(self, kind, fields):
        save, self._save = self._save, lambda: True
        Outbox.put(self, kind, fields)
        self._save = save


class Relay:
    """What a relay has stored of a board."""

    def __init__(self):
        self.highest = {}
        self.rows = {}
        self.repeats = 0
        self.bad = []
        self._heard = []

    def send(self, message):
        log, n = message["log"], message["n"]
        if n > self.highest.get(log, 0):
            self.highest[log] = n
            self.rows[log, n] = message["call"]
        else:
            self.repeats += 1
            if self.rows[log, n] != message["call"]:
                self.bad.append([log, n, message["call"]])
        self._heard.append(n)

    def link(self, box, acknowledges=True):
        """Be linked to for as long as there is something to say."""
        self._heard = []
        box.deliver(self)
        while acknowledges and self._heard:
            box.delivered(self._heard.pop(0))


class Board:
    """A board that loses calls.

    Attributes:
        kept: calls of which the log said that they are on flash.
    """

    kind = Outbox

    def __init__(self, relay):
        self.relay = relay
        self.kept = []
        self.lost = 0

    def lose(self, box, name):
        box.put("call", {"call": name, "cause": 690, "duration_ms": 1})
        if box._is_stored:
            self.kept.append(name)

    def live(self, life):
        box = self.kind(Store(PLACES), lambda: 0)
        self.lose(box, f"{life}-a")
        self.lose(box, f"{life}-b")
        self.relay.link(box, acknowledges=False)
        self.relay.link(box)
        self.lose(box, f"{life}-c")
        self.relay.link(box)


def power_up(cut_at=0, mode=0):
    chip = Nor(memory, Power(cut_at, mode))
    vfs.mount(vfs.VfsLfs2(chip), FOLDER)
    return chip


def power_down(chip):
    vfs.umount(FOLDER)
    if chip.power.dead:
        chip.bury(scratch)
        gc.collect()


def prepare(history):
    memory[:] = erased
    vfs.VfsLfs2.mkfs(Nor(memory))
    chip = power_up()
    os.mkdir(FOLDER + "/two")
    relay = Relay()
    for life in range(history):
        Board(relay).live(life)
    power_down(chip)
    before_life[:] = memory
    return relay


def cut(before, cut_at, mode, said):
    """Cut one life; gives whether it ended before the cut."""
    memory[:] = before_life
    relay = Relay()
    relay.highest.update(before.highest)
    relay.rows.update(before.rows)
    board = Board(relay)
    chip = power_up(cut_at, mode)
    try:
        board.live("cut")
    except OSError:
        assert chip.power.dead
    ended = not chip.power.dead
    said["misused"] += chip.misused
    power_down(chip)
    chip = power_up()
    box = board.kind(Store(PLACES), lambda: 0)
    board.lose(box, "after")
    relay.link(box)
    relay.link(box)
    power_down(chip)
    stored = sorted(relay.rows.values())
    missing = [name for name in board.kept if name not in stored]
    doubled = len(stored) - len(set(stored))
    if relay.bad or missing or doubled or "after" not in stored:
        said["bad"].append([cut_at, mode, relay.bad, missing, doubled])
    said["repeats"] += relay.repeats
    said["stored"] += len(relay.rows) - len(before.rows)
    return ended


def main():
    said = {"cuts": 0, "stored": 0, "repeats": 0, "misused": 0, "bad": []}
    if sys.argv[1] == "careless":
        Board.kind = Careless
    for history in sys.argv[2:]:
        before = prepare(int(history))
        for mode in MODES[:UNORDERED]:
            cut_at = 1
            while not cut(before, cut_at, mode, said):
                said["cuts"] += 1
                cut_at += 1
    print(json.dumps(said))


main()

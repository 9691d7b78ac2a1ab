"""Runs on MicroPython: cut the power at every program and erase of one action of the store, look, and go on.

    micropython store_cuts.py ACTION once|twice HISTORY...

For each HISTORY (actions that the volume has seen before, which moves this one to another place of littlefs' logs), each
operation and each mode of cutting: mount what is left, look whether the old or the new state is there, then do the action
once more and see that it holds. With `twice` that second action is cut too, at every operation of its own, before one more
is done. Prints one JSON object: `cuts`, `old`, `new`, `misused`, and `bad`, the list of what went wrong.
"""

import gc
import json
import os
import sys

import vfs
from nor import BLOCK_BYTES, MODES, Nor

from callcore.errors import StoreError
from handset import identity
from handset.marks import MARKS, RESERVE, Marks
from handset.places import Folder
from handset.store import Store

BLOCKS = 16
FOLDER = "/cut"
PLACES = (Folder(FOLDER), Folder(FOLDER + "/two"))
FIELDS = {"sn": "", "model_id": "m", "kv": 1, "key": "5a" * 32, "host": "h", "port": 1, "name": "n", "ca": "c" * 700}

memory = bytearray(BLOCKS * BLOCK_BYTES)
scratch = bytearray(len(memory))


def power_up(cut_at=0, mode=0, make=False):
    """Mount the flash; gives the chip."""
    chip = Nor(memory, cut_at, mode)
    if make:
        vfs.VfsLfs2.mkfs(chip)
    vfs.mount(vfs.VfsLfs2(chip), FOLDER)
    if make:
        os.mkdir(FOLDER + "/two")
    return chip


def power_down():
    vfs.umount(FOLDER)


def fields(n):
    made = dict(FIELDS)
    made["sn"] = f"SN-{n}"
    return made


class Saving:
    """Replace the identity. States: number of the identity, -1 for none."""

    def do(self, n):
        identity.save(Store(PLACES), fields(n))

    def look(self):
        try:
            return int(identity.load(Store(PLACES)).sn[3:])
        except StoreError as error:
            if error.reason == "record_missing":
                return -1
            raise

    def after(self, before, n):
        """Give the states of which one must be there when action `n` was cut."""
        return before, n


class Forgetting(Saving):
    """Forget the identity."""

    def do(self, n):
        Store(PLACES).forget(identity.IDENTITY)

    def prepare(self, n):
        Saving.do(self, n)

    def after(self, before, n):
        return before, -1


class Drawing:
    """Draw from the counter so that it reserves numbers. States: which reservation, from 0 on, -1 for none."""

    def do(self, n):
        Marks(Store(PLACES)).draw()

    def look(self):
        try:
            return int(Store(PLACES).load(MARKS).split()[0]) // RESERVE - 1
        except StoreError as error:
            if error.reason == "record_missing":
                return -1
            raise

    def after(self, before, n):
        return before, before + 1


class Careless(Saving):
    """Replace the identity by removing the old one first: what the store must not do, to see that it would be found."""

    def do(self, n):
        Store(PLACES).forget(identity.IDENTITY)
        Saving.do(self, n)


ACTIONS = {"save": Saving, "forget": Forgetting, "draw": Drawing, "careless": Careless}


class Report:
    """What was found, and the volume on which it is looked for.

    Args:
        action: one of ACTIONS.
    """

    def __init__(self, action):
        self.action = action
        self.before = getattr(action, "prepare", action.do)
        self.said = {"cuts": 0, "old": 0, "new": 0, "misused": 0, "bad": []}
        self._last = None

    def prepare(self, history):
        """Make a volume that has seen `history` actions; gives its image."""
        memory[:] = b"\xff" * len(memory)
        power_up(make=True)
        for n in range(history):
            self.before(n)
        power_down()
        return bytes(memory)

    def everywhere(self, image, n, allowed, then):
        """Cut action `n` on this image at every operation in every mode, and look what each leaves.

        Args:
            allowed: the states of which one must be found, old and new.
            then: called with (state found, what was cut) when all was well.
        """
        for mode in MODES:
            cut_at = 1
            while True:
                memory[:] = image
                ended = self._act(n, cut_at, mode)
                self._judge(allowed, ended, (n, cut_at, mode), then)
                if ended:
                    break
                self.said["cuts"] += 1
                cut_at += 1

    def _act(self, n, cut_at, mode):
        """Do action `n` with a cut; tells whether it ended before the cut."""
        chip = power_up(cut_at, mode)
        try:
            self.action.do(n)
        except (OSError, StoreError):
            assert chip.dead
        ended = not chip.dead
        power_down()
        if not ended:
            chip.bury(scratch)
            gc.collect()
        self.said["misused"] += chip.misused
        return ended

    def _judge(self, allowed, ended, where, then):
        old, new = allowed
        power_up()
        try:
            found = self.action.look()
        except (OSError, StoreError) as error:
            found = f"unusable: {error!r}"
        power_down()
        if found == new or (found == old and not ended):
            self.said["new" if found == new else "old"] += 1
            then(found, where)
        else:
            self.bad(where, found)

    def bad(self, where, found):
        """Note what went wrong."""
        if len(self.said["bad"]) < 20:
            self.said["bad"].append([where, found])

    def writable(self, n, before, where):
        """See that one more action `n` works and leaves a state beyond the one found before."""
        power_up()
        try:
            self.before(n)
            found = self.action.look()
        except (OSError, StoreError) as error:
            found = f"unusable: {error!r}"
        power_down()
        if type(found) is not int or found <= before:
            self.bad(where, found)


def cut_everywhere(report, history, twice):
    """Cut one action of a volume with this history everywhere, and if asked the one after each cut too."""
    action = report.action

    def again(found, where):
        report.writable(history + 1, found, where)

    def cut_again(found, where):
        def once_more(after, second):
            report.writable(history + 2, after, where + second)

        report.everywhere(bytes(memory), history + 1, action.after(found, history + 1), once_more)

    image = report.prepare(history)
    report.everywhere(image, history, action.after(history - 1, history), cut_again if twice else again)


def main():
    report = Report(ACTIONS[sys.argv[1]]())
    for history in sys.argv[3:]:
        cut_everywhere(report, int(history), sys.argv[2] == "twice")
    print(json.dumps(report.said))


main()

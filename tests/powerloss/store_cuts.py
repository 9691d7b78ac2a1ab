"""Runs on MicroPython: cut the power at every program and erase of one action of the store, look, and go on.

    micropython store_cuts.py ACTION once|twice|sample HISTORY...

For each HISTORY (actions that the flash has seen before, which moves this one to another place of littlefs' and NVS' logs),
each operation and each mode of cutting: start the board again, look whether the old or the new state is there and whether both
copies are the same, then do the action once more and see that it holds. With `twice` that next life is cut too, at every
operation of its own, its start and its mending included, before one more follows; the second cut leaves things in their order,
since littlefs counts on that: it may find in a block what a write that was cut left there, whole, and take it for what should
be there. `sample` is `twice` with one mode. Prints one JSON object: `cuts`, `pairs`, `old`, `new`, `misused`, and `bad`,
the list of what went wrong.
"""

import json
import sys

from flash import Flash
from nor import HALF, MODES, UNORDERED

from callcore import record
from callcore.errors import StoreError
from handset import identity
from handset.marks import MARKS, RESERVE, Marks

FIELDS = {"sn": "", "model_id": "m", "kv": 1, "key": "5a" * 32, "host": "h", "port": 1, "name": "n", "ca": "c" * 700}
FACTS = ("identity", "marks", "thing")
DAY_S = 86400


class Saving:
    """Replace the identity, or write the first one. States: number of the identity, -1 for none."""

    def do(self, store, places, n):
        fields = dict(FIELDS)
        fields["sn"] = f"SN-{n}"
        whole(identity.save(store, fields))

    prepare = do

    def look(self, store):
        return or_none(lambda: int(identity.load(store).sn[3:]))

    def after(self, before, n):
        """Give the states of which one must be there when action `n` was cut."""
        return before, n


class Forgetting(Saving):
    """Forget the identity."""

    prepare = Saving.do

    def do(self, store, places, n):
        store.forget(identity.IDENTITY)

    def after(self, before, n):
        return before, -1


class Drawing:
    """Draw from the counter so that it reserves numbers. States: which reservation, from 0 on, -1 for none."""

    def do(self, store, places, n):
        Marks(store).draw()

    prepare = do

    def look(self, store):
        return or_none(lambda: int(store.load(MARKS).split()[0]) // RESERVE - 1)

    def after(self, before, n):
        return before, before + 1


class Rising(Drawing):
    """Raise the time floor by a day. States: days, from 0 on, -1 for none."""

    def do(self, store, places, n):
        marks = Marks(store)
        marks.raise_floor(marks.floor_s + DAY_S)

    prepare = do

    def look(self, store):
        return or_none(lambda: int(store.load(MARKS).split()[1]) // DAY_S - 1)


class Large(Saving):
    """Replace the largest record that there may be, by one of the same size."""

    def do(self, store, places, n):
        whole(store.save(("thing", 7), b"%04d" % n + bytes(record.MAX_BODY_BYTES - 4)))

    prepare = do

    def look(self, store):
        return or_none(lambda: int(store.load(("thing", 7))[:4]))


class Mending(Saving):
    """Load an identity of which one copy is damaged, older or gone, which mends it; the state stays."""

    def do(self, store, places, n):
        identity.load(store)

    def prepare(self, store, places, n):
        Saving.do(self, store, places, n)
        bad = places[n % 2]
        if n % 3 == 0:
            bad.remove("identity")
        elif n % 3 == 1:
            bad.write("identity", bad.read("identity")[:-1])
        else:
            _, body = record.unpack(bad.read("identity"), 1)
            bad.write("identity", record.pack(1, 0, body[:9] + b"9" + body[9:]))

    def after(self, before, n):
        return before, before


class Careless(Saving):
    """Replace the identity by removing the old one first: what the store must not do, to see that it would be found."""

    def do(self, store, places, n):
        store.forget(identity.IDENTITY)
        Saving.do(self, store, places, n)


ACTIONS = {
    "save": Saving,
    "forget": Forgetting,
    "draw": Drawing,
    "rise": Rising,
    "large": Large,
    "mend": Mending,
    "careless": Careless,
}


def whole(is_whole):
    """See that both places took it."""
    if not is_whole:
        raise StoreError("storage", "one place only")


def written(place, name):
    """Give what a place holds; erased flash is nothing."""
    blob = place.read(name)
    return b"" if blob == b"\xff" * len(blob) else blob


def or_none(look):
    """Give a state, -1 when nothing is stored."""
    try:
        return look()
    except StoreError as error:
        if error.reason == "record_missing":
            return -1
        raise


class Cuts:
    """One action, the flash it works on, and what was found."""

    def __init__(self, action, how):
        self.flash = Flash()
        self.action = action
        self._is_twice = how != "once"
        self._modes = (HALF,) if how == "sample" else MODES
        self.said = {"cuts": 0, "pairs": 0, "old": 0, "new": 0, "bad": []}

    def run(self, history):
        """Cut one action of a flash with this history everywhere, and if asked the life after each cut too."""
        action, flash = self.action, self.flash
        flash.format()
        for n in range(history):
            flash.live(lambda store, places, n=n: action.prepare(store, places, n))
        before = history - 1

        def again(found, where):
            self._writable(history + 1, found, where)

        def cut_again(found, where):
            def once_more(after, second):
                self._writable(history + 2, after, where + second)

            self._everywhere(history + 1, action.after(found, history + 1), once_more, "pairs")

        self._everywhere(history, action.after(before, history), cut_again if self._is_twice else again, "cuts")

    def _everywhere(self, n, allowed, then, kind):
        """Cut action `n` on the flash as it is at every operation in every mode, and look what each leaves."""
        image = self.flash.image()
        for mode in self._modes:
            if kind == "pairs" and mode == UNORDERED:
                continue
            cut_at = 1
            while True:
                self.flash.restore(image)
                cut, found = self.flash.live(lambda store, places: self.action.do(store, places, n), cut_at, mode)
                where = (n, cut_at, mode)
                if not cut and isinstance(found, Exception):
                    self._bad(where, repr(found))
                self._judge(allowed, cut, where, then)
                if not cut:
                    break
                self.said[kind] += 1
                cut_at += 1

    def _look(self, store, places):
        found = self.action.look(store)
        for name in FACTS:
            if written(places[0], name) != written(places[1], name):
                return f"{name} is not the same in both places"
        return found

    def _judge(self, allowed, cut, where, then):
        old, new = allowed
        found = self.flash.live(self._look)[1]
        if found == new or (found == old and cut):
            self.said["new" if found == new else "old"] += 1
            then(found, where)
        else:
            self._bad(where, repr(found))

    def _writable(self, n, before, where):
        """See that one more action `n` works and leaves a state beyond the one found before."""

        def work(store, places):
            self.action.prepare(store, places, n)
            return self.action.look(store)

        found = self.flash.live(work)[1]
        if type(found) is not int or found <= before:
            self._bad(where, repr(found))

    def _bad(self, where, found):
        """Note what went wrong."""
        if len(self.said["bad"]) < 20:
            self.said["bad"].append([where, found])


def main():
    cuts = Cuts(ACTIONS[sys.argv[1]](), sys.argv[2])
    for history in sys.argv[3:]:
        cuts.run(int(history))
    cuts.said["misused"] = cuts.flash.misused
    print(json.dumps(cuts.said))


main()

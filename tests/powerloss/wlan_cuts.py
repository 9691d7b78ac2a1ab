"""Runs on MicroPython: cut the power at every program and erase of a board's way from one WiFi network to another.

    micropython wlan_cuts.py HISTORY...

A life: a new network is stored to be tried, joined, and the relay is reached over it. For each HISTORY (networks that came so
before), each operation and each mode of cutting: that life with the cut, then one without in which the board starts as it is.
It has to know the old network, or the new one in its place, and to reach the relay. Prints one JSON object: `cuts`, `states`
(how often it was found before, on trial, after), `misused`, and `bad`, the list of what went wrong.
"""

import json
import sys

from flash import Flash
from nor import MODES

from callcore.errors import LinkError
from handset import diag, wlan

OLD, NEW = ["old", "old-password"], ["new", "new-password"]
BEFORE = {"known": [OLD]}
TRIED = {"known": [OLD], "trial": NEW}
AFTER = {"known": [NEW, OLD]}
STATES = (BEFORE, TRIED, AFTER)


class Radio:
    """Every network takes its own password at once."""

    STA_IF = 0

    def __init__(self):
        self._ssid = None

    def WLAN(self, interface):  # noqa: N802 - the module's name for it
        return self

    def hostname(self, name):
        pass

    def config(self, **settings):
        pass

    def active(self, on):
        pass

    def scan(self):
        return [(name, b"", 1, -50, 3, 0) for name in (b"old", b"new")]

    def connect(self, ssid, key):
        self._ssid = ssid

    def isconnected(self):
        return self._ssid is not None

    def status(self, what=None):
        return -50


def reached(store):
    """Start, join, and be welcome at the relay; gives what was found at the start."""
    found = wlan.read(store)
    wlan.network = Radio()
    way = wlan.Wlan(store)
    try:
        up = way.up(lambda: None)
        while True:
            up.send(None)
    except StopIteration:
        pass
    way.proved()
    return found


def moved(store):
    """Live the life that is cut."""
    wlan.store_trial(store, NEW[0], NEW[1])
    reached(store)


def judged(store, said):
    """Start once more; gives what is wrong, or nothing."""
    try:
        found = reached(store)
    except LinkError as error:
        return error.reason
    if found not in STATES:
        return str(found)
    said["states"][STATES.index(found)] += 1
    return "" if wlan.read(store) == (BEFORE if found == BEFORE else AFTER) else "it did not stay so"


def cut_all(flash, history, said):
    flash.format()
    for _ in range(history + 1):
        flash.live(lambda store, places: store.save(wlan.NETWORKS, json.dumps(BEFORE).encode()))
    image = flash.image()
    for mode in MODES:
        cut_at, cut = 0, True
        while cut:
            cut_at += 1
            flash.restore(image)
            cut, _ = flash.live(lambda store, places: moved(store), cut_at, mode)
            said["cuts"] += cut
            _, wrong = flash.live(lambda store, places: judged(store, said))
            if wrong and len(said["bad"]) < 20:
                said["bad"].append([history, mode, cut_at, str(wrong)])


async def no_time(delay_ms):
    """Sleep where no loop runs."""


def main():
    diag.print = lambda text: None
    wlan.clock.sleep_ms = no_time
    said = {"cuts": 0, "states": [0, 0, 0], "misused": 0, "bad": []}
    flash = Flash()
    for history in sys.argv[1:]:
        cut_all(flash, int(history), said)
    said["misused"] = flash.misused
    print(json.dumps(said))


main()

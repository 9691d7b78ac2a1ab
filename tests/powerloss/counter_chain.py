"""Runs on MicroPython: one counter through hundreds of power cuts in a row on one flash; no number may come twice.

    micropython counter_chain.py CUTS SEED

Each life of the board draws numbers until the power fails, at a random operation and in a random mode, and sometimes during
the boot itself; at each boot before the end either copy may have rotted meanwhile. Prints one JSON object: `lives`, `numbers`,
`last`, `repeated`, `failed` (boots without a cut that failed).
"""

import json
import sys

from dice import Dice
from flash import Flash
from nor import MODES, UNORDERED

from callcore.errors import StoreError
from handset.marks import Marks


def main():
    dice = Dice(int(sys.argv[2]))
    flash = Flash(file_blocks=8)
    flash.format()
    said = {"lives": 0, "numbers": 0, "last": 0, "repeated": 0, "failed": 0}

    def work(store, places):
        marks = Marks(store)
        for _ in range(draws):
            drawn.append(marks.draw())

    def rot(store, places):
        place = places[dice.roll(2)]
        blob = bytearray(place.read("marks"))
        if blob:
            blob[dice.roll(len(blob))] ^= 1 << dice.roll(8)
            place.write("marks", bytes(blob))

    drawn = []
    for n in range(int(sys.argv[1])):
        drawn.clear()
        draws = 1 + dice.roll(300)
        mode = MODES[dice.roll(len(MODES))]
        if mode == UNORDERED and n:
            mode = 0
        cut, found = flash.live(work, 1 + dice.roll(24), mode)
        said["failed"] += not cut and isinstance(found, (OSError, StoreError))
        for number in drawn:
            said["repeated"] += number <= said["last"]
            said["last"] = max(said["last"], number)
        said["lives"] += 1
        said["numbers"] += len(drawn)
        if dice.roll(4) == 0:
            flash.live(lambda store, places: Marks(store))  # mends
            flash.live(rot)
    drawn.clear()
    draws = 1
    _, found = flash.live(work)
    said["failed"] += found is not None or drawn[0] <= said["last"]
    print(json.dumps(said))


main()

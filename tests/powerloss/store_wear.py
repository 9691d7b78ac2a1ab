"""Runs on MicroPython: how often flash is erased by what a board stores in ten years of 200 verifications a day.

    micropython store_wear.py PART

Writes one in PART of those years: a ceiling for every 64 numbers and the time floor with it, and once a day the floor, on a
flash with an identity and contacts upon it. Prints one JSON object: `writes`, `files` and `nvs` (erases of the most worn
block, for ten years), and `resets`, the same of a board that is switched off after each verification, and so reserves 200
times a day.
"""

import json
import sys

from flash import Flash

from handset.marks import RESERVE, Marks

DAY_S = 86400
DAYS = 3650
A_DAY = 200


def main():
    part = int(sys.argv[1])
    flash = Flash(file_blocks=64)
    flash.format()

    def begin(store, places):
        store.save(("identity", 1), bytes(1500))
        store.save(("contacts", 3), bytes(1000))

    def wear(store, places):
        marks = Marks(store)
        written = now_s = 0
        for _ in range(DAYS // part):
            for _ in range(A_DAY):
                before = marks._ceiling
                marks.draw()
                written += marks._ceiling != before
                now_s += DAY_S // A_DAY
                before = marks._stored_s
                marks.raise_floor(now_s)
                written += marks._stored_s != before
        return written

    flash.live(begin)
    for erases in flash.erases:
        erases[:] = [0] * len(erases)
    written = flash.live(wear)[1]
    files, nvs = (max(erases) * part for erases in flash.erases)
    reservations = DAYS * A_DAY
    said = {"writes": written * part, "files": files, "nvs": nvs}
    said["resets"] = {"files": files * reservations // said["writes"], "nvs": nvs * reservations // said["writes"]}
    said["reserve"] = RESERVE
    print(json.dumps(said))


main()

"""Runs on MicroPython: rot in the copies of a record: one bit of either is always mended; of both, never a wrong value.

    micropython store_flips.py FACT SEED DOUBLES

FACT is `identity` or `marks`. Flips each bit of each copy, one by one, and loads; then DOUBLES times one random bit of each
copy, or one to eight random bits anywhere. Prints one JSON object: `singles`, `recovered`, `doubles`, `newest`, `named` (a
StoreError), `wrong`.
"""

import json
import sys

from dice import Dice

from callcore.errors import StoreError
from handset.store import Store

BODIES = {"identity": b'{"sn": "SN-1", "ca": "' + b"c" * 1100 + b'"}', "marks": b"11456 1790000000"}


class Shelf:
    """A place in memory."""

    where = "%s"

    def __init__(self):
        self.blob = b""

    def read(self, name):
        return bytes(self.blob)

    def write(self, name, blob):
        self.blob = blob


def main():
    name, seed, doubles = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    fact, body = (name, 1), BODIES[name]
    places = Shelf(), Shelf()
    Store(places).save(fact, b"older")
    Store(places).save(fact, body)
    good = bytearray(places[0].blob)
    bits = len(good) * 8
    said = {"singles": 0, "recovered": 0, "doubles": 0, "newest": 0, "named": 0, "wrong": 0}
    for place in places:
        for bit in range(bits):
            bad = bytearray(good)
            bad[bit >> 3] ^= 1 << (bit & 7)
            place.blob = bad
            said["singles"] += 1
            said["recovered"] += Store(places).load(fact) == body and places[0].blob == places[1].blob == good
    dice = Dice(seed)
    for n in range(doubles):
        copies = bytearray(good), bytearray(good)
        for flip in range(2 if n % 2 else 1 + dice.roll(8)):
            bit = dice.roll(bits)
            copies[flip if n % 2 else dice.roll(2)][bit >> 3] ^= 1 << (bit & 7)
        places[0].blob, places[1].blob = copies
        said["doubles"] += 1
        try:
            said["newest" if Store(places).load(fact) == body else "wrong"] += 1
        except StoreError:
            said["named"] += 1
    print(json.dumps(said))


main()

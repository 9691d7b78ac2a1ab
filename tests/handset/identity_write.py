"""Runs on a board: write an identity into the current folder, from a JSON file named in argv; for test keys only."""

import json
import sys

import board

from handset import identity
from handset.places import open_places
from handset.store import Store

with open(sys.argv[1]) as file:
    identity.save(Store(open_places(board)), json.load(file))

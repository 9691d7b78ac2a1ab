"""Runs on a board: write an identity into the current folder, from a JSON file named in argv; for test keys only."""

import json
import sys

from handset import identity
from handset.store import Store

with open(sys.argv[1]) as file:
    identity.save(Store("."), json.load(file))

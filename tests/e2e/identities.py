"""Reads and rewrites the identity in an emulated board's flash, to make boards that do not fit their relay."""

import json

from tincall.cli.enrol import IDENTITY, write_identity
from tincall.emulator import shelf
from tincall.emulator.folder import BoardFolder


def identity_of(folder):
    """Read the identity of a board that was enrolled: `sn model_id kv key host port name ca`."""
    return json.loads(shelf.load(BoardFolder(folder), *IDENTITY)[1])


def change_identity(folder, **fields):
    """Write the identity anew with other fields."""
    write_identity(BoardFolder(folder), {**identity_of(folder), **fields})

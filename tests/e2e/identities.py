"""Reads and rewrites the identity in an emulated board's flash, to make boards that do not fit their relay."""

import json

from callcore import record
from tincall.cli.enrol import IDENTITY, IDENTITY_KIND, SLOTS, write_identity


def identity_of(folder):
    """Read the identity of a board that was enrolled once: `sn model_id kv key host port name ca`."""
    for slot in SLOTS:
        path = folder / "flash" / (IDENTITY + slot)
        if path.exists():
            return json.loads(record.unpack(path.read_bytes(), IDENTITY_KIND, b"")[1])
    raise AssertionError(f"{folder} has no identity")


def change_identity(folder, **fields):
    """Write the identity anew with other fields."""
    write_identity(folder / "flash", {**identity_of(folder), **fields})

"""Two-slot store over a folder: one fact, two files, so that whatever happens during a write one sound copy remains.

A *fact* is a pair: the name of its files and the kind in its records. Rules of this file: a save writes the slot that does
*not* hold the newest sound record, closes it, reads it back and only then calls the fact stored. Power failing at any
moment leaves the old record or the new one, never neither (tests/powerloss). Facts that must agree belong into one record.
"""

import os

from callcore import record
from callcore.errors import StoreError

_SLOTS = (".a", ".b")
_MAX_BYTES = record.HEADER_BYTES + record.MAX_BODY_BYTES + record.MAC_BYTES


class Store:
    """Named records in one folder of a littlefs file system.

    Args:
        folder: path that exists or can be made; `.` is the current folder.
    """

    def __init__(self, folder):
        self._folder = folder
        if folder not in ("", ".", "/"):
            try:
                os.mkdir(folder)
            except OSError:
                pass  # it is there; if it could not be made, the first save says so

    def load(self, fact, key=b""):
        """Give the body of the newest sound record.

        Args:
            fact: (name, kind), such as `("identity", 1)`.
            key: for the record's MAC; empty where a checksum has to do.

        Returns:
            bytes.

        Raises:
            StoreError: `record_missing`, `record_damaged` (both copies) or `record_newer` (made by later firmware).
        """
        found = self._newest(fact, key)
        if found is None:
            raise StoreError("record_missing", "no record %s in %s" % (fact[0], self._folder))
        return found[1]

    def save(self, fact, body, key=b""):
        """Replace the record; a reader after a power cut finds the old body or this one.

        Args:
            fact: (name, kind).
            body: bytes, at most 4,096.
            key: for the record's MAC.

        Raises:
            StoreError: `storage`: the file system is full or broken; the old record still stands.
                `record_newer`: a record of later firmware is there and is left alone.
        """
        generation = 1
        slot = 0
        try:
            found = self._newest(fact, key)
            if found is not None:
                generation = found[0] + 1
                slot = 1 - found[2]
        except StoreError as error:
            if error.reason == "record_newer":
                raise
        path = self._path(fact, slot)
        blob = record.pack(fact[1], generation, body, key)
        try:
            with open(path, "wb") as file:
                file.write(blob)
            with open(path, "rb") as file:
                same = file.read() == blob
        except OSError as error:
            raise StoreError("storage", "cannot write %s: %s; the old record stands" % (path, error))
        if not same:
            raise StoreError("storage", "%s reads back differently from what was written" % path)

    def forget(self, fact):
        """Remove both copies; a power cut in between leaves the older or the newer record, or none."""
        for slot in range(2):
            try:
                os.remove(self._path(fact, slot))
            except OSError:
                pass  # there was none

    def _path(self, fact, slot):
        return "%s/%s%s" % (self._folder, fact[0], _SLOTS[slot])

    def _newest(self, fact, key):
        """Give (generation, body, slot) of the newest sound copy, None when there is no copy at all."""
        best = None
        fault = None
        for slot in range(2):
            try:
                with open(self._path(fact, slot), "rb") as file:
                    blob = file.read(_MAX_BYTES + 1)
            except OSError:
                continue
            try:
                generation, body = record.unpack(blob, fact[1], key)
            except StoreError as error:
                if fault is None or error.reason == "record_newer":
                    fault = error
                continue
            if best is None or generation > best[0]:
                best = (generation, body, slot)
        if best is None and fault is not None:
            raise fault
        if fault is not None and fault.reason == "record_newer":
            raise fault
        return best

"""Two-slot store over a folder: one fact, two files, so that whatever happens during a write one sound copy remains.

A *fact* is a pair: the name of its files and the kind in its records. Rules of this file: a save writes the slot that does
*not* hold the newest sound record, closes it, reads it back and only then calls the fact stored. Power failing at any
moment leaves the old record or the new one, never neither (tests/powerloss). Facts that must agree belong into one record.
A copy in a format of later firmware is never written over: going back to that firmware must find it.
"""

import errno
import os

from callcore import record
from callcore.errors import StoreError

_SLOTS = (".a", ".b")
_GRAVITY = ("record_missing", "record_damaged", "storage", "record_newer")
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
            StoreError: there is no sound copy: `record_missing`, `record_damaged`, `storage` (it cannot be read) or
                `record_newer` (made by later firmware).
        """
        best, fault = self._look(fact, key)
        if best is None:
            raise fault
        return best[1]

    def save(self, fact, body, key=b""):
        """Replace the record; a reader after a power cut finds the old body or this one.

        Args:
            fact: (name, kind).
            body: bytes, at most 4,096.
            key: for the record's MAC.

        Raises:
            StoreError: `storage`: the file system is full or broken; the old record still stands.
                `record_newer`: a copy of later firmware is there; nothing was written.
        """
        best, fault = self._look(fact, key)
        if fault.reason == "record_newer":
            raise fault
        generation = 1
        slot = 0
        if best is not None:
            generation = best[0] + 1
            slot = 1 - best[2]
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

    def forget(self, fact, key=b""):
        """Remove both copies, the newest last; a reader after a power cut finds the newest record or none.

        Args:
            fact: (name, kind).
            key: for the record's MAC.

        Raises:
            StoreError: `storage`: a copy cannot be removed.
        """
        best, _ = self._look(fact, key)
        older = 0 if best is None else 1 - best[2]
        for slot in (older, 1 - older):
            path = self._path(fact, slot)
            try:
                os.remove(path)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise StoreError("storage", "cannot remove %s: %s" % (path, error))

    def _path(self, fact, slot):
        return "%s/%s%s" % (self._folder, fact[0], _SLOTS[slot])

    def _look(self, fact, key):
        """Look at both copies.

        Returns:
            (generation, body, slot) of the newest sound one or None, and the gravest fault of the two, `record_missing`
            when there is none.
        """
        best = None
        fault = StoreError("record_missing", "no record %s in %s" % (fact[0], self._folder))
        for slot in range(2):
            try:
                generation, body = record.unpack(self._read(fact, slot), fact[1], key)
            except StoreError as error:
                if _GRAVITY.index(error.reason) > _GRAVITY.index(fault.reason):
                    fault = StoreError(error.reason, "%s: %s" % (self._path(fact, slot), error.detail))
                continue
            if best is None or generation > best[0]:
                best = (generation, body, slot)
        return best, fault

    def _read(self, fact, slot):
        """Give the bytes of one copy, empty when there is none; StoreError `storage` when they cannot be read."""
        try:
            with open(self._path(fact, slot), "rb") as file:
                return file.read(_MAX_BYTES + 1)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return b""
            raise StoreError("storage", "it cannot be read: %s" % error)

"""Two copies of each fact in two places, so that whatever happens to one of them the other tells what was stored last.

A *fact* is a pair: the name of its blob, at most 15 characters, and the kind in its records. Rules of this file:

- A save writes the staler copy first, reads it back, and then brings the other one to the same generation. Power failing at any
  moment leaves the old record or the new one (tests/powerloss); the next load makes both copies the same again.
- Both copies are the same when `save` returns True: then either may rot and nothing is lost.
- Facts that must agree belong into one record.
- A copy in a format of later firmware is never written over: going back to that firmware must find it.
"""

from callcore import record
from callcore.compat import const
from callcore.errors import StoreError

_GRAVITY = ("record_missing", "record_damaged", "storage", "record_newer")
_NONE = const(-1)
_NEWER = record.LAST_GENERATION + 1
# by how much a save goes ahead of a copy that cannot be read now: it may be newer than the other, and be readable again later
_LEAP = const(1000)


class Store:
    """Named records.

    Args:
        places: one or two of `places`.

    Attributes:
        fault: StoreError of the copy that failed last though the other one served, or None; whoever tells it takes it away.
    """

    def __init__(self, places):
        self._places = places
        self.fault = None

    def load(self, fact):
        """Give the body of the newest sound record, and mend the copy that is missing, damaged or older.

        If power fails while it mends, a reader finds the same body.

        Args:
            fact: (name, kind), such as `("identity", 1)`.

        Returns:
            bytes.

        Raises:
            StoreError: there is no sound copy: `record_missing`, `record_damaged`, `storage` (it cannot be read) or
                `record_newer` (made by later firmware).
        """
        held, best, fault = self._look(fact)
        if best is None:
            raise fault
        if fault.reason != "record_missing":
            self.fault = fault
        if min(held) < best[0]:
            self._write(fact, best[0], best[1], held)
        return best[1]

    def save(self, fact, body):
        """Replace the record; a reader after a power cut finds the old body or this one.

        Args:
            fact: (name, kind).
            body: bytes, at most 3,970.

        Returns:
            True when every place holds it; False when one of two does, and `fault` says what is with the other.

        Raises:
            StoreError: `storage`: no place took it. `record_newer`: a copy of later firmware is there; nothing was written.
        """
        held, best, fault = self._look(fact)
        if fault.reason == "record_newer":
            raise fault
        generation = 1 if best is None else best[0] + 1
        if fault.reason == "storage":
            generation += _LEAP
        return self._write(fact, generation, body, held)

    def forget(self, fact):
        """Remove both copies, the newest last; a reader after a power cut finds the newest record or none.

        Args:
            fact: (name, kind).

        Raises:
            StoreError: `storage`: a copy cannot be removed.
        """
        held, _, _ = self._look(fact)
        for at in _stalest_first(held):
            try:
                self._places[at].remove(fact[0])
            except OSError as error:
                raise StoreError("storage", "%s: cannot be removed: %s" % (self._places[at].where % fact[0], error))

    def _look(self, fact):
        """Look at every copy.

        Returns:
            The generation that each place holds, (generation, body) of the newest sound one or None, and the gravest fault,
            `record_missing` when there is none.
        """
        held = []
        best = None
        fault = StoreError("record_missing", "there is no record %s" % fact[0])
        for place in self._places:
            try:
                try:
                    blob = place.read(fact[0])
                except OSError as error:
                    raise StoreError("storage", "cannot be read: %s" % error)
                generation, body = record.unpack(blob, fact[1])
            except StoreError as error:
                held.append(_NEWER if error.reason == "record_newer" else _NONE)
                if _GRAVITY.index(error.reason) > _GRAVITY.index(fault.reason):
                    fault = StoreError(error.reason, "%s: %s" % (place.where % fact[0], error.detail))
                continue
            held.append(generation)
            if best is None or generation > best[0]:
                best = (generation, body)
        return held, best, fault

    def _write(self, fact, generation, body, held):
        """Bring each older copy to one generation, the stalest first; tells whether it worked, StoreError if none has it."""
        blob = record.pack(fact[1], generation, body)
        faults = []
        for at in _stalest_first(held):
            if held[at] < generation:
                fault = _replaced(self._places[at], fact[0], blob)
                if fault is None:
                    held[at] = generation
                else:
                    faults.append(fault)
        if not faults:
            return True
        if generation not in held:
            raise faults[0]
        self.fault = faults[0]
        return False


def _stalest_first(held):
    return sorted(range(len(held)), key=lambda at: held[at])


def _replaced(place, name, blob):
    """Write one copy and read it back; gives a StoreError when it is not what was written."""
    try:
        place.write(name, blob)
        if place.read(name) == blob:
            return None
        why = "it reads back differently"
    except OSError as error:
        why = error
    return StoreError("storage", "%s: cannot be written: %s" % (place.where % name, why))

"""What the relay has to hear though the link was down: a bounded log on flash, delivered once, and forgotten when acknowledged.

One record holds the whole log: its name, drawn at random when there was none; the number of the newest entry, which never
repeats under that name; how many entries were lost; and the entries that wait. Rules of this file:

- Flash is written when something must be kept, and once when the last entry was acknowledged. If power fails during either, a
  reader finds the log before or after; what was acknowledged and not yet forgotten is delivered again, and the relay, which
  knows name and number, answers without storing it twice.
- An entry is sent only once it is on flash: its number can never come again for something else.
- At most 8 entries and 2,400 bytes wait: a relay is away for days, not for months. The oldest goes, and is counted as lost.
- Never sound, never a name: a call is told by its id, which the relay knows.
"""

import binascii
import json
import os

from callcore.compat import const, json_loads
from callcore.errors import StoreError
from handset import diag

OUTBOX = ("outbox", 4)
FEATURE = "events"
_ENTRIES = const(8)
_BYTES = const(2400)
_TEXT_CHARS = const(400)


class Outbox:
    """The log.

    Args:
        store: a Store.
        now_s: gives the calendar time in seconds since 1970, as the board sees it.
    """

    def __init__(self, store, now_s):
        self._store = store
        self._now_s = now_s
        self._line = None
        self._is_stored = True
        try:
            self._box = json_loads(store.load(OUTBOX).decode())
        except (StoreError, ValueError) as error:
            if getattr(error, "reason", "") != "record_missing":
                diag.failed("outbox", error)
            self._box = {"log": binascii.hexlify(os.urandom(6)).decode(), "n": 0, "lost": 0, "kept": []}

    def put(self, kind, fields):
        """Keep an entry; one that says the same as the newest, as a crash that comes again and again, is kept once.

        Args:
            kind: `missed`, `call` or `crash`.
            fields: what an `event` message carries for it.
        """
        box = self._box
        kept = box["kept"]
        fields["kind"] = kind
        if kept and all(kept[-1].get(key) == fields[key] for key in fields):
            return
        box["n"] += 1
        fields["n"] = box["n"]
        fields["at"] = self._now_s()
        kept.append(fields)
        while len(kept) > _ENTRIES or len(json.dumps(kept)) > _BYTES:
            kept.pop(0)
            box["lost"] += 1
        self._save()

    def deliver(self, line):
        """Send what waits, one after the other, on a link whose relay takes it."""
        self._line = line
        self.delivered(0)

    def delivered(self, n):
        """Hear that the relay has stored the entry `n`, and all before it; send the next, or write that none is left."""
        box = self._box
        kept = box["kept"]
        waited = len(kept)
        while kept and kept[0]["n"] <= n:
            kept.pop(0)
        if kept:
            if self._is_stored or self._save():
                message = {"t": "event", "log": box["log"], "lost": box["lost"]}
                message.update(kept[0])
                self._line.send(message)
        elif waited:
            self._save()

    def _save(self):
        """Write the log; tells whether it is on flash."""
        try:
            self._store.save(OUTBOX, json.dumps(self._box).encode())
            self._is_stored = True
        except StoreError as error:
            self._is_stored = False
            diag.failed("outbox", error)
        return self._is_stored


def last_words(error):
    """Give the end of an exception's traceback in one line that any message can carry."""
    lines = diag.traceback(error).strip()[-_TEXT_CHARS:]
    return "".join(letter if " " <= letter <= "~" else "|" if letter == "\n" else "?" for letter in lines)

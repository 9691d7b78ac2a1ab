"""Typed view of the store: who this board is, whom it trusts, and the counter that never repeats.

The identity is one record, since its parts must agree: serial number, model, key, where the relay is, the trust anchor. The
counter is a record of its own that is written ahead: the board persists a ceiling, uses the 64 numbers below it, and
persists the next ceiling before the first number above it. So a power cut skips numbers and never repeats one. Both copies
of the record get the ceiling before a number below it is used: whichever rots, the other still knows. 64 verifications cost
two writes.
"""

import binascii
import json

from callcore.attest import Keys
from callcore.compat import json_loads
from callcore.errors import StoreError

IDENTITY = ("identity", 1)
COUNTER = ("counter", 2)
RESERVE = 64

_TEXTS = ("sn", "model_id", "host", "name", "ca")
_NUMBERS = ("kv", "port")


class Identity:
    """Who this board is.

    Args:
        fields: dict of `sn model_id kv key host port name ca`: serial number, model, version of the key, the key as hex,
            the relay's host and port, the name its certificate must carry, the trust anchor as PEM.

    Raises:
        StoreError: `record_damaged`: a field is missing or of another kind.

    Attributes:
        sn, model_id, kv, host, port, name: as above.
        anchor: PEM bytes.
        key: K, 32 bytes; never printed.
        store_key: K_store, which seals the counter's record.
    """

    def __init__(self, fields):
        for field in _TEXTS:
            if not isinstance(fields.get(field), str) or not fields[field]:
                raise StoreError("record_damaged", "the identity has no text in %s" % field)
        for field in _NUMBERS:
            if type(fields.get(field)) is not int:  # CPython calls True an int
                raise StoreError("record_damaged", "the identity has no number in %s" % field)
        self.sn = fields["sn"]
        self.model_id = fields["model_id"]
        self.kv = fields["kv"]
        self.host = fields["host"]
        self.port = fields["port"]
        self.name = fields["name"]
        self.anchor = fields["ca"].encode()
        self.key = _key(fields)
        self.store_key = Keys(self.key).store


def _key(fields):
    """Read the device key; the error never shows it."""
    try:
        key = binascii.unhexlify(fields.get("key", ""))
    except (ValueError, TypeError):
        key = b""
    if len(key) != 32:
        raise StoreError("record_damaged", "the identity has no key of 32 bytes")
    return key


def load(store):
    """Read the identity.

    Raises:
        StoreError: `record_missing`, `record_damaged` or `record_newer`.
    """
    try:
        fields = json_loads(store.load(IDENTITY).decode())
    except StoreError as error:
        if error.reason == "record_missing":
            raise StoreError("record_missing", "this board has no identity yet; enrol it and write its identity")
        if error.reason == "record_damaged":
            raise StoreError("record_damaged", "the identity is damaged, enrol this board anew: " + error.detail)
        raise
    except ValueError:
        raise StoreError("record_damaged", "the identity is no JSON")
    if not isinstance(fields, dict):
        raise StoreError("record_damaged", "the identity is no JSON object")
    return Identity(fields)


def save(store, fields):
    """Check and write an identity; a reader after a power cut finds the old one or this one.

    Raises:
        StoreError: a bad field, or the file system refused.
    """
    Identity(fields)
    store.save(IDENTITY, json.dumps(fields).encode())


class Counter:
    """The numbers of verifications: each is larger than all before it, across power cuts.

    Args:
        store: a Store.
        key: K_store, which seals the record.
    """

    def __init__(self, store, key):
        self._store = store
        self._key = key
        try:
            self._ceiling = int(store.load(COUNTER, key).decode())
        except StoreError as error:
            if error.reason != "record_missing":
                raise
            self._ceiling = 0
        except ValueError:
            raise StoreError("record_damaged", "the counter is no number")
        self._last = self._ceiling  # what was used below the ceiling before the last reset is not known

    def draw(self):
        """Give the next number; every 64th time it writes both copies first.

        Power failing during the writes leaves the old ceiling or the new one; either way no number comes twice.

        Raises:
            StoreError: the ceiling could not be written.
        """
        if self._last >= self._ceiling:
            body = str(self._last + RESERVE).encode()
            self._store.save(COUNTER, body, self._key)
            self._store.save(COUNTER, body, self._key)
            self._ceiling = self._last + RESERVE
        self._last += 1
        return self._last

"""Typed view of the store: who this board is and whom it trusts.

The identity is one record, since its parts must agree: serial number, model, key, where the relay is, the trust anchors. If
power fails while it is written, a reader finds the old identity or the new one.
"""

import binascii
import json

from callcore.compat import json_loads
from callcore.errors import StoreError

IDENTITY = ("identity", 1)


class Identity:
    """Who this board is.

    Args:
        fields: dict of `sn model_id kv key host port name ca`: serial number, model, version of the key, the key as hex,
            the relay's host and port, the name its certificate must carry, the trust anchors as PEM, one after the other.
            Where they are there: `time`, seconds since 1970 when this was made out; `next`, `{kv, key}` of the key to come;
            `sntp`, a time server; `cert`, the board's own certificate (DER in base64), whose private key is then `key`, and
            that of the key to come in `next`.

    Raises:
        StoreError: `record_damaged`: a field is missing or of another kind.

    Attributes:
        sn, model_id, kv, host, port, name: as above.
        anchor: PEM bytes.
        key: K, or the private key of the certificate, 32 bytes; never printed.
        cert: `(cert,)`, or an empty tuple.
        time_s: `time`, or 0.
        sntp: `sntp`, or empty.
        next: (kv, key) of `next`, with its certificate behind them if there is one; or None.
        shown: the same of what it shows a relay now; None: not chosen yet, or it has no certificate.
    """

    def __init__(self, fields):
        self.sn = _field(fields, "sn", str)
        self.model_id = _field(fields, "model_id", str)
        self.kv = _field(fields, "kv", int)
        self.host = _field(fields, "host", str)
        self.port = _field(fields, "port", int)
        self.name = _field(fields, "name", str)
        self.anchor = _field(fields, "ca", str).encode()
        self.key = _key(fields)
        self.cert = _cert(fields)
        self.time_s = _field(fields, "time", int) if "time" in fields else 0
        self.sntp = fields.get("sntp", "")
        self.next = self.shown = None
        if "next" in fields:
            coming = _field(fields, "next", dict)
            self.next = (_field(coming, "kv", int), _key(coming)) + _cert(coming)

    def trust(self, store, anchor, now_s):
        """Trust other anchors from now on; a reader after a power cut finds those of before, or these with the time.

        Where one place alone took them this object stays as it was.

        Args:
            store: a Store.
            anchor: PEM bytes.
            now_s: seconds since 1970.

        Raises:
            StoreError: as `read` and `save`.
        """
        fields = read(store)
        fields["ca"] = anchor.decode()
        fields["time"] = max(now_s, self.time_s)
        if save(store, fields):
            self.anchor = anchor
            self.time_s = fields["time"]


def _field(fields, name, kind):
    """Give a field that is of its kind, and not an empty text; CPython calls True an int, which is refused, too."""
    found = fields.get(name)
    if type(found) is not kind or found == "":
        raise StoreError("record_damaged", "the identity has nothing fit in %s" % name)
    return found


def _key(fields):
    """Read the device key; the error never shows it."""
    try:
        key = binascii.unhexlify(fields.get("key", ""))
    except (ValueError, TypeError):
        key = b""
    if len(key) != 32:
        raise StoreError("record_damaged", "the identity has no key of 32 bytes")
    return key


def _cert(fields):
    return (_field(fields, "cert", str),) if "cert" in fields else ()


def read(store):
    """Read the fields of the identity, for whoever changes one and saves it again.

    Raises:
        StoreError: `record_missing`, `record_damaged`, `record_newer` or `storage`.
    """
    try:
        fields = json_loads(store.load(IDENTITY).decode())
        if isinstance(fields, dict):
            return fields
    except StoreError as error:
        if error.reason == "record_missing":
            raise StoreError("record_missing", "this board has no identity yet; enrol it and write its identity")
        if error.reason == "record_damaged":
            raise StoreError("record_damaged", "the identity is damaged, enrol this board anew: " + error.detail)
        raise
    except ValueError:
        pass
    raise StoreError("record_damaged", "the identity is no JSON object")


def load(store):
    """Read the identity.

    Raises:
        StoreError: as `read`, and `record_damaged` for a bad field.
    """
    return Identity(read(store))


def save(store, fields):
    """Check and write an identity; a reader after a power cut finds the old one or this one.

    Returns:
        True when both places hold it, as `Store.save`.

    Raises:
        StoreError: a bad field, or no place took it.
    """
    Identity(fields)
    return store.save(IDENTITY, json.dumps(fields).encode())

"""Codec of a stored record: is it whole, is it ours, and of which generation.

    offset  bytes  field
    0       4      magic "TinC"
    4       1      format, 1
    5       1      format, every bit inverted: so that a flipped bit reads as damage and not as a newer format
    6       2      kind, big-endian
    8       2      length of the body, big-endian
    10      4      generation, big-endian
    14      n      body
    14+n    16     seal: HMAC-SHA-256 under the key `tincall record`, cut to 128 bits, over everything before

The seal finds damage, as a checksum does, but never misses it. Its key is published: it stops nobody who can write the flash.
A record of a newer format is left alone: whoever stores does not write over it.
"""

import struct

from callcore.compat import const
from callcore.errors import LocalError, StoreError
from callcore.mac import hmac_sha256

FORMAT = const(1)
MAGIC = b"TinC"
HEADER_BYTES = const(14)
SEAL_BYTES = const(16)
# what NVS takes as one blob on every chip; an identity that trusts two authorities takes about 2 KB
MAX_BYTES = const(4000)
MAX_BODY_BYTES = const(MAX_BYTES - HEADER_BYTES - SEAL_BYTES)
LAST_GENERATION = 0xFFFFFFFF
_SEAL_KEY = b"tincall record"


def pack(kind: int, generation: int, body: bytes) -> bytes:
    """Make the bytes to store.

    Args:
        kind: what the body is, 0 to 65,535.
        generation: number of this version of the fact, 0 to 2**32 - 1; each write has one more.
        body: at most 3,970 bytes.

    Raises:
        LocalError: a value out of range.
    """
    if not 0 <= kind <= 0xFFFF or not 0 <= generation <= LAST_GENERATION or len(body) > MAX_BODY_BYTES:
        text = "no record can be of kind %r, generation %r and %d bytes; %d are the most"
        raise LocalError(text % (kind, generation, len(body), MAX_BODY_BYTES))
    data = struct.pack(">4sBBHHI", MAGIC, FORMAT, FORMAT ^ 0xFF, kind, len(body), generation) + body
    return data + _seal(data)


def unpack(blob: bytes, kind: int) -> tuple[int, bytes]:
    """Read stored bytes back.

    Args:
        blob: what was found; empty, or nothing but erased flash (0xFF), means that nothing was stored.
        kind: the kind expected.

    Returns:
        Generation and body.

    Raises:
        StoreError: `record_missing`, `record_newer` (a format that this version does not know) or `record_damaged`.
    """
    blob = bytes(blob)
    if blob == b"\xff" * len(blob):
        raise StoreError("record_missing", "nothing is stored here")
    if len(blob) < HEADER_BYTES or blob[:4] != MAGIC or blob[4] ^ blob[5] != 0xFF:
        raise StoreError("record_damaged", "%d bytes that do not begin like a record" % len(blob))
    if blob[4] > FORMAT:
        raise StoreError("record_newer", "a record of format %d; this version knows %d" % (blob[4], FORMAT))
    _, form, _, found, length, generation = struct.unpack(">4sBBHHI", blob[:HEADER_BYTES])
    end = HEADER_BYTES + length
    if (
        (form, found, len(blob)) != (FORMAT, kind, end + SEAL_BYTES)
        or blob[end:] != _seal(blob[:end])
        or len(blob) > MAX_BYTES
    ):
        text = "%d bytes of kind %d, generation %d: not whole, or not of kind %d"
        raise StoreError("record_damaged", text % (len(blob), found, generation, kind))
    return generation, blob[HEADER_BYTES:end]


def _seal(data: bytes) -> bytes:
    return hmac_sha256(_SEAL_KEY, data)[:SEAL_BYTES]

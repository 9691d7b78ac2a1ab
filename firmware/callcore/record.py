"""Codec of a stored record: is it whole, is it ours, and of which generation.

    offset  bytes  field
    0       4      magic "TinC"
    4       1      format, 1
    5       1      format, every bit inverted: so that a flipped bit reads as damage and not as a newer format
    6       2      kind, big-endian
    8       2      length of the body, big-endian
    10      4      generation, big-endian
    14      n      body
    14+n    16|4   HMAC-SHA-256 cut to 128 bits, if the kind has a key; else CRC-32; over everything before

A kind always has a key or never. The seal finds damage; it does not stop somebody who can write the flash and read the
key from the same body. A record of a newer format is left alone: whoever stores does not write over it.
"""

import binascii
import struct

from callcore.errors import LocalError, StoreError
from callcore.mac import equal, hmac_sha256

FORMAT = 1
MAGIC = b"TinC"
HEADER_BYTES = 14
# an identity with a CA chain of two certificates takes about 2 KB; NVS takes blobs of 4,000 bytes and something
MAX_BODY_BYTES = 4096
MAC_BYTES = 16
CRC_BYTES = 4
LAST_GENERATION = 0xFFFFFFFF


def pack(kind: int, generation: int, body: bytes, key: bytes = b"") -> bytes:
    """Make the bytes to store.

    Args:
        kind: what the body is, 0 to 65,535.
        generation: number of this version of the fact, 0 to 2**32 - 1; each write has one more.
        body: at most 4,096 bytes.
        key: key of the seal, or empty for a CRC.

    Raises:
        LocalError: a value out of range.
    """
    if not 0 <= kind <= 0xFFFF or not 0 <= generation <= LAST_GENERATION or len(body) > MAX_BODY_BYTES:
        text = "a record of kind %r, generation %r, %d bytes cannot be stored; kinds end at 65535, bodies at %d bytes"
        raise LocalError(text % (kind, generation, len(body), MAX_BODY_BYTES))
    data = struct.pack(">4sBBHHI", MAGIC, FORMAT, FORMAT ^ 0xFF, kind, len(body), generation) + body
    return data + _seal(data, key)


def unpack(blob: bytes, kind: int, key: bytes = b"") -> tuple[int, bytes]:
    """Read stored bytes back.

    Args:
        blob: what was found; empty, or nothing but erased flash (0xFF), means that nothing was stored.
        kind: the kind expected.
        key: as for `pack`.

    Returns:
        Generation and body.

    Raises:
        StoreError: `record_missing`, `record_newer` (a format that this version does not know) or `record_damaged`.
    """
    if not blob or blob == b"\xff" * len(blob):
        raise StoreError("record_missing", "nothing is stored here")
    if len(blob) < HEADER_BYTES or bytes(blob[:4]) != MAGIC or blob[4] ^ blob[5] != 0xFF:
        raise StoreError("record_damaged", "%d bytes that do not begin like a record" % len(blob))
    if blob[4] > FORMAT:
        raise StoreError("record_newer", "a record of format %d; this version knows up to %d" % (blob[4], FORMAT))
    _, form, _, found_kind, length, generation = struct.unpack(">4sBBHHI", blob[:HEADER_BYTES])
    if form != FORMAT or found_kind != kind:
        text = "a record of format %d and kind %d where kind %d belongs"
        raise StoreError("record_damaged", text % (form, found_kind, kind))
    seal_at = HEADER_BYTES + length
    seal_bytes = MAC_BYTES if key else CRC_BYTES
    if length > MAX_BODY_BYTES or len(blob) != seal_at + seal_bytes:
        text = "%d bytes where the header says %d"
        raise StoreError("record_damaged", text % (len(blob), seal_at + seal_bytes))
    if not equal(bytes(blob[seal_at:]), _seal(bytes(blob[:seal_at]), key)):
        raise StoreError("record_damaged", "the seal of generation %d does not fit" % generation)
    return generation, bytes(blob[HEADER_BYTES:seal_at])


def _seal(data: bytes, key: bytes) -> bytes:
    return hmac_sha256(key, data)[:MAC_BYTES] if key else struct.pack(">I", binascii.crc32(data) & 0xFFFFFFFF)

"""HMAC-SHA-256, HKDF's second half, and comparison in constant time: what MicroPython does not ship."""

import hashlib

from callcore.compat import const
from callcore.errors import LocalError

MAC_BYTES = const(32)
BLOCK_BYTES = const(64)


def sha256(data: bytes) -> bytes:
    """Hash with SHA-256 (FIPS 180-4)."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Authenticate `data` under `key` (RFC 2104 with SHA-256).

    Args:
        key: any length; longer than 64 bytes is hashed first.
        data: any length.

    Returns:
        32 bytes.
    """
    if len(key) > BLOCK_BYTES:
        key = sha256(key)
    key = key + bytes(BLOCK_BYTES - len(key))
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
    inner.update(data)
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
    outer.update(inner.digest())
    return outer.digest()


def hkdf_expand(prk: bytes, info: bytes, n: int) -> bytes:
    """Derive `n` bytes from a pseudorandom key (RFC 5869 section 2.3, SHA-256).

    Args:
        prk: at least 32 bytes of uniform key.
        info: what the bytes are for; binds them to it.
        n: length in bytes, 0 to 8,160 (255 hashes, the RFC's limit).

    Raises:
        LocalError: `prk` too short or `n` out of range.
    """
    if len(prk) < MAC_BYTES:
        raise LocalError("a key to expand has at least %d bytes, not %d" % (MAC_BYTES, len(prk)))
    if not 0 <= n <= 255 * MAC_BYTES:
        raise LocalError("cannot expand a key to %d bytes; 0 to %d are possible" % (n, 255 * MAC_BYTES))
    made = b""
    block = b""
    number = 0
    while len(made) < n:
        number += 1
        block = hmac_sha256(prk, block + info + bytes([number]))
        made += block
    return made[:n]


def equal(a: bytes, b: bytes) -> bool:
    """Compare two MACs in a time that does not depend on where they differ; their lengths are no secret."""
    if len(a) != len(b):
        return False
    difference = 0
    for at in range(len(a)):
        difference |= a[at] ^ b[at]
    return difference == 0

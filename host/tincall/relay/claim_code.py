"""A claim's secret as a person reads it out and types it: seven groups of four letters and digits.

Base32 by Crockford: no I, L, O or U, so that nothing is mistaken for a digit; small letters count, and so do O for 0, I and L
for 1. 128 bits of secret and 12 of their SHA-256, which finds all but one in 4,096
slips of the finger before the relay is asked.
"""

import hashlib

from callcore.claim import SECRET_BYTES

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECK_BITS = 12
GROUP_CHARS = 4
CHARS = (8 * SECRET_BYTES + CHECK_BITS) // 5
_READ_AS = str.maketrans("OIL", "011", " -\t\r\n")


def write(secret: bytes) -> str:
    """Write a secret of 16 bytes as 28 characters in groups, joined by `-`."""
    number = int.from_bytes(secret, "big") << CHECK_BITS | _check(secret)
    text = "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(CHARS)))
    return "-".join(text[at : at + GROUP_CHARS] for at in range(0, CHARS, GROUP_CHARS))


def read(text: str) -> bytes | None:
    """Read what a person typed, spaces and hyphens anywhere; None: it is no code, or one with a slip in it."""
    typed = text.upper().translate(_READ_AS)
    if len(typed) != CHARS or not set(typed) <= set(ALPHABET):
        return None
    number = 0
    for letter in typed:
        number = number << 5 | ALPHABET.index(letter)
    secret = (number >> CHECK_BITS).to_bytes(SECRET_BYTES, "big")
    return secret if number & (1 << CHECK_BITS) - 1 == _check(secret) else None


def _check(secret: bytes) -> int:
    digest = hashlib.sha256(b"tincall claim code" + secret).digest()
    return int.from_bytes(digest[:2], "big") >> 16 - CHECK_BITS

"""Names for new things: calls, nonces, tokens, RTP sources. Where randomness comes from is an argument.

A `Random` is a function from a number of bytes to that many bytes; everywhere outside tests it is `os.urandom`.
"""

import base64
import os
from collections.abc import Callable

Random = Callable[[int], bytes]

CALL_ID_BYTES = 12  # 96 bits: no two calls of one installation will ever meet, and a person can still read it out


def call_id(random: Random = os.urandom) -> str:
    """Give a new call id: 20 characters of lower-case base32, URL-safe and readable aloud."""
    return base64.b32encode(random(CALL_ID_BYTES)).decode("ascii").rstrip("=").lower()


def token(random: Random = os.urandom) -> str:
    """Give a new bearer token: 256 bits as 43 characters of URL-safe base64 (RFC 6750 token68)."""
    return base64.urlsafe_b64encode(random(32)).decode("ascii").rstrip("=")


def challenge_id(random: Random = os.urandom) -> str:
    """Give the name of one verification in progress: 96 bits as 16 characters of URL-safe base64."""
    return base64.urlsafe_b64encode(random(12)).decode("ascii")


def ssrc(random: Random = os.urandom, taken: tuple[int, ...] = ()) -> int:
    """Give a synchronisation source number (RFC 3550 section 8.1).

    Args:
        random: source of bytes.
        taken: numbers it must not be, as the other sources of the same call.

    Returns:
        1 to 2^32 - 1; zero is left out, since it stands for "not chosen" in the media offers.
    """
    while True:
        number = int.from_bytes(random(4), "big")
        if number and number not in taken:
            return number

"""The call token that travels in the platform's opaque payload, so that a push can be told to be ours and of which call.

The platform hands the payload back as it was given, and tells neither direction nor kind of room; for calls of a phone
it is chosen on the phone, so nothing in it is believed before its MAC is right. Layout before base64 (RFC 4648 section 5,
no padding): version (1 byte, 1) | direction (1) | kind of room (1) | call id (ASCII, 1 to 64) | MAC (12): the first 96 bits
of HMAC-SHA-256 over all before it. At most 108 characters: the platform's own demo keeps 128 bytes and more for it.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass

from callcore.errors import LocalError, PeerError
from callcore.mac import hkdf_expand
from tincall.leg import IN, OUT

VERSION = 1
MAC_BYTES = 12  # 96 bits; whoever guesses one still meets a call id that must be open
CALL_ID_MAX_CHARS = 64
HEAD_BYTES = 3
TEXT_MAX_CHARS = 127
VOICE = "voice"
VIDEO = "video"
KEY_INFO = b"tincall wechat payload v1"

_DIRECTIONS = (OUT, IN)
_ROOM_TYPES = (VOICE, VIDEO)


@dataclass(frozen=True, slots=True)
class CallToken:
    """What a payload of ours says.

    Args:
        call_id: the relay's name of the call, or the one-time id that a phone was given for it.
        direction: `tincall.leg.OUT` or `IN`.
        room_type: `VOICE` or `VIDEO`.
    """

    call_id: str
    direction: str
    room_type: str = VOICE


class BadPayload(PeerError):
    """A payload is not one of ours.

    Args:
        reason: `missing`, `too_long`, `not_base64`, `too_short`, `version`, `forged` or `not_a_token`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the payload is not one of this relay: {reason}")
        self.reason = reason


def derive_key(kek: bytes) -> bytes:
    """Derive the key of payloads from the relay's key-encryption key (RFC 5869, expand only: the key is uniform).

    Args:
        kek: 32 bytes.
    """
    return hkdf_expand(kek, KEY_INFO, 32)


def make(key: bytes, token: CallToken) -> str:
    """Write a call token as a payload.

    Args:
        key: from `derive_key`.
        token: its call id has 1 to 64 printable ASCII characters without spaces.

    Returns:
        URL-safe ASCII, less than 128 characters.

    Raises:
        LocalError: a field is out of its range.
    """
    if not _is_call_id(token.call_id) or token.direction not in _DIRECTIONS or token.room_type not in _ROOM_TYPES:
        raise LocalError(f"no payload can be made of {token!r}")
    head = bytes([VERSION, _DIRECTIONS.index(token.direction), _ROOM_TYPES.index(token.room_type)])
    body = head + token.call_id.encode("ascii")
    return _text(body + _mac(key, body))


def read(key: bytes, text: str) -> CallToken:
    """Read a payload that came with a push; compares in constant time.

    Args:
        key: from `derive_key`.
        text: as it came; trust nothing of it.

    Raises:
        BadPayload: it is not one of ours, with the reason.
    """
    raw = _bytes(text)
    body, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    if len(body) <= HEAD_BYTES:
        raise BadPayload("too_short")
    if body[0] != VERSION:
        raise BadPayload("version")
    if not hmac.compare_digest(mac, _mac(key, body)):
        raise BadPayload("forged")
    call_id = body[HEAD_BYTES:].decode("ascii", "replace")
    if not _is_call_id(call_id) or body[1] >= len(_DIRECTIONS) or body[2] >= len(_ROOM_TYPES):
        # signed with our key, yet nothing that `make` makes: of a later version of this program
        raise BadPayload("not_a_token")
    return CallToken(call_id, _DIRECTIONS[body[1]], _ROOM_TYPES[body[2]])


def _bytes(text: str) -> bytes:
    if not text:
        raise BadPayload("missing")
    if len(text) > TEXT_MAX_CHARS:
        raise BadPayload("too_long")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadPayload("not_base64") from None
    # several texts can stand for the same bytes; only the one that `make` writes counts
    if _text(raw) != text:
        raise BadPayload("not_base64")
    return raw


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:MAC_BYTES]


def _is_call_id(text: str) -> bool:
    return 0 < len(text) <= CALL_ID_MAX_CHARS and all("!" <= c <= "~" for c in text)

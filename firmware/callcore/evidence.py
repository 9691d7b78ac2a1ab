"""The JSON objects of a verification as a board reads and writes them: fields and bounds as tables, read strictly.

What the relay reads and writes stands in `verify`, which no board needs. What the board reads fails with `bad_answer`;
the error names the field and never shows its value. Keys that a table does not name are passed over, except
in the body of a grant, which is kept whole.
"""

import binascii

from callcore.compat import MICROPYTHON, const, json_loads
from callcore.jsontext import scan
from callcore.refusals import refusal
from callcore.shapes import Integer, Record, Text, Token, Unfit, keys_in

if not MICROPYTHON:
    from typing import Any

VERSION = const(1)

# a token, numbers and the next key; later the UDP addresses
MAX_GRANT_CHARS = const(2048)
MAX_NAME_CHARS = const(128)
# two authorities on P-256; with the rest of a grant and a wrapped key they fit into MAX_GRANT_CHARS
MAX_ANCHOR_CHARS = const(1400)
# a board's certificate in base64; with the longest serial number it has 800
MAX_CERT_CHARS = const(1000)
MAX_TOKEN_CHARS = const(256)
# of a request line (RFC 9112 section 3.2.1), visible and absolute
MAX_PATH_CHARS = const(128)
MAX_SECONDS = const(3600)
# the largest integer that every JSON reader keeps (RFC 7493 section 2.2)
MAX_INTEGER = 0x1FFFFFFFFFFFFF
MAX_KEY_VERSION = 0xFFFFFFFF

DEVICE_NONCE_BYTES = const(16)
NONCE_BYTES = const(32)
BINDING_BYTES = const(32)
PROOF_BYTES = const(32)
SEED_BYTES = const(32)
KEY_BYTES = const(32)


class Base64:
    """Exactly `size` bytes in padded base64 (RFC 4648 section 4); one value has one form only."""

    def __init__(self, size: int) -> None:
        self.size = size

    def take(self, value: "Any", where: str) -> bytes:
        """Give the bytes."""
        if isinstance(value, str) and len(value) == (self.size + 2) // 3 * 4:
            try:
                data = binascii.a2b_base64(value.encode())
            except ValueError:
                data = b""
            # the decoder passes over what it does not know: only what it would write itself is good
            if len(data) == self.size and base64(data) == value:
                return data
        raise Unfit(where, "is not %d bytes in base64" % self.size)


class Ascii:
    """1 to `longest` characters of ASCII: `head` first, and none below `lowest`."""

    def __init__(self, head: str, lowest: str, longest: int) -> None:
        self.head = head
        self.lowest = lowest
        self.longest = longest

    def take(self, value: "Any", where: str) -> str:
        """Give the characters."""
        good = isinstance(value, str) and 1 <= len(value) <= self.longest and value[0] == self.head
        if good and all(self.lowest <= letter <= "~" for letter in value):
            return str(value)
        raise Unfit(where, "is not 1 to %d characters from %s on" % (self.longest, self.head))


_NAME = Token(MAX_NAME_CHARS)

_CHALLENGE = Record((("sid", _NAME), ("nonce", Base64(NONCE_BYTES)), ("ttl", Integer(1, MAX_SECONDS))))
_GRANT = Record((("body", Text(2, MAX_GRANT_CHARS)), ("sproof", Base64(PROOF_BYTES))))
_GRANT_BODY = Record(
    (
        ("token", Token(MAX_TOKEN_CHARS)),
        ("exp", Integer(1, MAX_SECONDS)),
        ("now", Integer(0, MAX_INTEGER)),
        ("epoch", Integer(0, MAX_INTEGER)),
        ("ws", Ascii("/", "!", MAX_PATH_CHARS)),
        ("seed", Base64(SEED_BYTES)),
    ),
    (
        (
            "rotate",
            Record(
                (("kv", Integer(2, MAX_KEY_VERSION)), ("k", Base64(KEY_BYTES))),
                (("cert", Ascii("M", "+", MAX_CERT_CHARS)),),
            ),
        ),
        ("ca", Ascii("-", "\n", MAX_ANCHOR_CHARS)),
    ),
)


class Begin:
    """A begin request.

    Args:
        sn: serial number.
        model_id: the vendor's model.
        kv: version of the key.
        uid: the chip's own number.
        dn: the device's nonce, 16 bytes.
        fw: version of the firmware, for people.
    """

    def __init__(self, sn: str, model_id: str, kv: int, uid: bytes, dn: bytes, fw: str) -> None:
        self.sn = sn
        self.model_id = model_id
        self.kv = kv
        self.uid = uid
        self.dn = dn
        self.fw = fw

    def to_json(self) -> dict[str, object]:
        """Write the request."""
        return {
            "v": VERSION,
            "sn": self.sn,
            "model_id": self.model_id,
            "kv": self.kv,
            "uid": binascii.hexlify(self.uid).decode(),
            "dn": base64(self.dn),
            "fw": self.fw,
        }


def base64(data: bytes) -> str:
    """Write bytes as base64 with padding and without line ends (RFC 4648 section 4)."""
    return binascii.b2a_base64(data).decode().strip()


def parse_challenge(data: object) -> tuple[str, bytes]:
    """Read the relay's answer to a begin request: its name for the attempt, and its nonce.

    Raises:
        AttestError: `bad_answer`.
    """
    said = fit(object_of(data, "bad_answer"), _CHALLENGE, "bad_answer")
    return said["sid"], said["nonce"]


def parse_grant(data: object) -> tuple[str, bytes]:
    """Read the relay's answer to a finish request: body, still as text, and the server's proof.

    Raises:
        AttestError: `bad_answer`.
    """
    said = fit(object_of(data, "bad_answer"), _GRANT, "bad_answer")
    return said["body"], said["sproof"]


def parse_grant_body(body: str) -> "dict[str, Any]":
    """Read the body of a grant, once its proof is right.

    Returns:
        The whole object; `token exp now epoch ws seed` are there and each of its type, the seed as bytes; `rotate`, where
        it is there, has `kv` and `k` as bytes.

    Raises:
        AttestError: `bad_answer`.
    """
    granted = object_of(body.encode(), "bad_answer")
    granted.update(fit(granted, _GRANT_BODY, "bad_answer"))
    return granted


def object_of(data: object, reason: str) -> "dict[str, Any]":
    """Give the object that JSON bytes, or whoever read them, gave; AttestError with that reason for anything else."""
    value = _read(data) if isinstance(data, bytes) else data
    if not isinstance(value, dict):
        raise refusal(reason, "It is not one JSON object.")
    return value


def _read(data: bytes) -> object:
    """Read strict JSON; None for what is none, and for a text in which a key stands twice."""
    keys = scan(data, len(data))
    if keys < 0:
        return None
    try:
        value = json_loads(data.decode())
    except ValueError:
        return None
    return value if keys_in(value) == keys else None


def fit(said: "dict[str, Any]", shape: Record, reason: str) -> "dict[str, Any]":
    """Give the fields of a shape; AttestError with that reason where they do not fit, which names the field."""
    try:
        fields: dict[str, Any] = shape.take(said, "")
        return fields
    except Unfit as unfit:
        why = unfit.detail
    raise refusal(reason, "Field " + why + ".")

"""The JSON objects of a verification: their fields and bounds as tables, read strictly, written in one way.

Both sides' readers stand here. What the relay reads fails with `bad_request`, what the board reads with `bad_answer`;
either way the error names the field and never shows its value. Keys that a table does not name are passed over, except
in the body of a grant, which is kept whole.
"""

import binascii
import json

from callcore.compat import MICROPYTHON, json_loads
from callcore.jsontext import scan
from callcore.refusals import refusal
from callcore.shapes import Integer, Record, Text, Token, Unfit, keys_in

if not MICROPYTHON:
    from typing import Any

VERSION = 1

# the longest request that keeps the rules has about 600 bytes; the rest is room for keys of later versions
MAX_REQUEST_BYTES = 1024
# a token and numbers; later the UDP addresses and a wrapped key
MAX_GRANT_CHARS = 2048
MAX_NAME_CHARS = 128
MAX_FIRMWARE_CHARS = 64
MAX_TOKEN_CHARS = 256
MAX_PATH_CHARS = 128
MAX_UID_BYTES = 16
MAX_SECONDS = 3600
MAX_KEY_VERSION = 0xFFFFFFFF
# the largest integer that every JSON reader keeps (RFC 7493 section 2.2)
MAX_INTEGER = 0x1FFFFFFFFFFFFF

DEVICE_NONCE_BYTES = 16
NONCE_BYTES = 32
BINDING_BYTES = 32
PROOF_BYTES = 32
SEED_BYTES = 32


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


class Hexadecimal:
    """1 to `longest` bytes in lower-case hexadecimal."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def take(self, value: "Any", where: str) -> bytes:
        """Give the bytes."""
        good = isinstance(value, str) and 2 <= len(value) <= 2 * self.longest and len(value) % 2 == 0
        if good and all(digit in "0123456789abcdef" for digit in value):
            return binascii.unhexlify(value)
        raise Unfit(where, "is not 1 to %d bytes in lower-case hexadecimal" % self.longest)


class Path:
    """An absolute path of at most `longest` characters as it may stand in a request line (RFC 9112 section 3.2.1)."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def take(self, value: "Any", where: str) -> str:
        """Give the path."""
        good = isinstance(value, str) and 1 <= len(value) <= self.longest and value[0] == "/"
        if good and all("!" <= letter <= "~" for letter in value):
            return str(value)
        raise Unfit(where, "is not a path of 1 to %d characters" % self.longest)


_NAME = Token(MAX_NAME_CHARS)

_VERSION = Record((("v", Integer(0, MAX_INTEGER)),))
_BEGIN = Record(
    (
        ("sn", _NAME),
        ("model_id", _NAME),
        ("kv", Integer(1, MAX_KEY_VERSION)),
        ("uid", Hexadecimal(MAX_UID_BYTES)),
        ("dn", Base64(DEVICE_NONCE_BYTES)),
        ("fw", Text(1, MAX_FIRMWARE_CHARS)),
    )
)
_CHALLENGE = Record((("sid", _NAME), ("nonce", Base64(NONCE_BYTES)), ("ttl", Integer(1, MAX_SECONDS))))
_FINISH = Record(
    (
        ("sid", _NAME),
        ("ctr", Integer(1, MAX_INTEGER)),
        ("cb", Base64(BINDING_BYTES)),
        ("proof", Base64(PROOF_BYTES)),
    )
)
_GRANT = Record((("body", Text(2, MAX_GRANT_CHARS)), ("sproof", Base64(PROOF_BYTES))))
_GRANT_BODY = Record(
    (
        ("token", Token(MAX_TOKEN_CHARS)),
        ("exp", Integer(1, MAX_SECONDS)),
        ("now", Integer(0, MAX_INTEGER)),
        ("epoch", Integer(0, MAX_INTEGER)),
        ("ws", Path(MAX_PATH_CHARS)),
        ("seed", Base64(SEED_BYTES)),
    )
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


class Finish:
    """A finish request.

    Args:
        sid: the relay's name for this attempt.
        ctr: the device's counter.
        cb: channel binding, 32 bytes.
        proof: 32 bytes.
    """

    def __init__(self, sid: str, ctr: int, cb: bytes, proof: bytes) -> None:
        self.sid = sid
        self.ctr = ctr
        self.cb = cb
        self.proof = proof

    def to_json(self) -> dict[str, object]:
        """Write the request."""
        return {"v": VERSION, "sid": self.sid, "ctr": self.ctr, "cb": base64(self.cb), "proof": base64(self.proof)}


def is_serial_number(text: object) -> bool:
    """Tell whether this is a serial number: 1 to 128 characters of 0-9 A-Z a-z _ -."""
    try:
        _NAME.take(text, "sn")
    except Unfit:
        return False
    return True


def base64(data: bytes) -> str:
    """Write bytes as base64 with padding and without line ends (RFC 4648 section 4)."""
    return binascii.b2a_base64(data).decode().strip()


def parse_begin(data: object) -> Begin:
    """Read the body of `POST /v1/verify/begin`.

    Args:
        data: the JSON text in UTF-8, or the dict where somebody has read it already.

    Raises:
        AttestError: `bad_request`, `version_unsupported` or `too_large`.
    """
    said = _request(data, _BEGIN)
    return Begin(said["sn"], said["model_id"], said["kv"], said["uid"], said["dn"], said["fw"])


def parse_finish(data: object) -> Finish:
    """Read the body of `POST /v1/verify/finish`.

    Args:
        data: the JSON text in UTF-8, or the dict where somebody has read it already.

    Raises:
        AttestError: `bad_request`, `version_unsupported` or `too_large`.
    """
    said = _request(data, _FINISH)
    return Finish(said["sid"], said["ctr"], said["cb"], said["proof"])


def challenge(sid: str, nonce: bytes, ttl_s: int) -> dict[str, object]:
    """Write the relay's answer to a begin request, for a known board or an unknown one alike."""
    return {"sid": sid, "nonce": base64(nonce), "ttl": ttl_s}


def parse_challenge(data: object) -> tuple[str, bytes]:
    """Read the relay's answer to a begin request: its name for the attempt, and its nonce.

    Raises:
        AttestError: `bad_answer`.
    """
    said = _fit(_object(data, "bad_answer"), _CHALLENGE, "bad_answer")
    return said["sid"], said["nonce"]


def grant_body(token: str, exp_s: int, now_s: int, epoch: int, ws: str, seed: bytes) -> str:
    """Write the body of a grant.

    Args:
        token: what the link's upgrade must show; characters of a serial number, at most 256.
        exp_s: seconds that it is good for, 1 to 3,600.
        now_s: the relay's time, seconds since 1970.
        epoch: number of this session of this board.
        ws: path of the link.
        seed: 32 random bytes for the media keys.
    """
    return json.dumps({"token": token, "exp": exp_s, "now": now_s, "epoch": epoch, "ws": ws, "seed": base64(seed)})


def parse_grant(data: object) -> tuple[str, bytes]:
    """Read the relay's answer to a finish request: body, still as text, and the server's proof.

    Raises:
        AttestError: `bad_answer`.
    """
    said = _fit(_object(data, "bad_answer"), _GRANT, "bad_answer")
    return said["body"], said["sproof"]


def parse_grant_body(body: str) -> "dict[str, Any]":
    """Read the body of a grant, once its proof is right.

    Returns:
        The whole object; `token exp now epoch ws seed` are there and each of its type, the seed as bytes.

    Raises:
        AttestError: `bad_answer`.
    """
    granted = _object(body.encode(), "bad_answer")
    granted.update(_fit(granted, _GRANT_BODY, "bad_answer"))
    return granted


def _request(data: object, shape: Record) -> "dict[str, Any]":
    if isinstance(data, bytes) and len(data) > MAX_REQUEST_BYTES:
        raise refusal("too_large", "At most %d bytes are taken." % MAX_REQUEST_BYTES)
    said = _object(data, "bad_request")
    if _fit(said, _VERSION, "bad_request")["v"] != VERSION:
        raise refusal("version_unsupported", "Known is %d." % VERSION)
    return _fit(said, shape, "bad_request")


def _object(data: object, reason: str) -> "dict[str, Any]":
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


def _fit(said: "dict[str, Any]", shape: Record, reason: str) -> "dict[str, Any]":
    try:
        fields: dict[str, Any] = shape.take(said, "")
        return fields
    except Unfit as unfit:
        why = unfit.detail
    raise refusal(reason, "Field " + why + ".")

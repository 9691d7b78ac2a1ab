"""The relay's half of profile "voip1" (see `attest`): what it reads of a board, how it judges a proof, what it answers.

No board imports this file, and none gets it (firmware/manifest-core.py). What is read fails with `bad_request`; the error
names the field and never shows its value.
"""

import binascii
import json

from callcore.attest import proof, server_proof
from callcore.compat import MICROPYTHON
from callcore.evidence import (
    BINDING_BYTES,
    DEVICE_NONCE_BYTES,
    KEY_BYTES,
    MAX_INTEGER,
    MAX_KEY_VERSION,
    MAX_NAME_CHARS,
    PROOF_BYTES,
    VERSION,
    Base64,
    Begin,
    base64,
    fit,
    object_of,
)
from callcore.mac import equal, hkdf_expand, hmac_sha256
from callcore.refusals import REASONS, refusal
from callcore.shapes import Integer, Record, Text, Token, Unfit

if not MICROPYTHON:
    from typing import Any

# the longest request that keeps the rules has about 600 bytes; the rest is room for keys of later versions
MAX_REQUEST_BYTES = 1024
MAX_FIRMWARE_CHARS = 64
MAX_UID_BYTES = 16
# channel binding where the operator has switched it off
NO_BINDING = bytes(BINDING_BYTES)
# SRTP's master key of 128 bits and master salt of 112 (RFC 3711 section 8.2)
MEDIA_KEY_BYTES = 30


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


NAME = Token(MAX_NAME_CHARS)

_VERSION = Record((("v", Integer(0, MAX_INTEGER)),))
_BEGIN = Record(
    (
        ("sn", NAME),
        ("model_id", NAME),
        ("kv", Integer(1, MAX_KEY_VERSION)),
        ("uid", Hexadecimal(MAX_UID_BYTES)),
        ("dn", Base64(DEVICE_NONCE_BYTES)),
        ("fw", Text(1, MAX_FIRMWARE_CHARS)),
    )
)
_FINISH = Record(
    (
        ("sid", NAME),
        ("ctr", Integer(1, MAX_INTEGER)),
        ("cb", Base64(BINDING_BYTES)),
        ("proof", Base64(PROOF_BYTES)),
    )
)


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


def status_of(reason: str) -> int:
    """Give the HTTP status with which the relay sends a reason; 0 for one that only the board says."""
    return REASONS[reason][0]


def is_serial_number(text: object) -> bool:
    """Tell whether this is a serial number: 1 to 128 characters of 0-9 A-Z a-z _ -."""
    try:
        NAME.take(text, "sn")
    except Unfit:
        return False
    return True


def is_published_test_key(key: bytes) -> bool:
    """Tell whether this is the key of the published known answer, which no tool may give to a board."""
    return equal(key, bytes(range(KEY_BYTES)))


def parse_begin(data: object) -> Begin:
    """Read the body of `POST /v1/verify/begin`.

    Args:
        data: the JSON text in UTF-8, or the dict where somebody has read it already.

    Raises:
        AttestError: `bad_request`, `version_unsupported` or `too_large`.
    """
    said = request_of(data, _BEGIN)
    return Begin(said["sn"], said["model_id"], said["kv"], said["uid"], said["dn"], said["fw"])


def parse_finish(data: object) -> Finish:
    """Read the body of `POST /v1/verify/finish`.

    Args:
        data: the JSON text in UTF-8, or the dict where somebody has read it already.

    Raises:
        AttestError: `bad_request`, `version_unsupported` or `too_large`.
    """
    said = request_of(data, _FINISH)
    return Finish(said["sid"], said["ctr"], said["cb"], said["proof"])


def challenge(sid: str, nonce: bytes, ttl_s: int) -> dict[str, object]:
    """Write the relay's answer to a begin request, for a known board or an unknown one alike."""
    return {"sid": sid, "nonce": base64(nonce), "ttl": ttl_s}


def certified_key(secret: bytes) -> bytes:
    """Give K of a board that has a certificate, from the certificate's private key: a number of 32 bytes, big-endian."""
    return hkdf_expand(secret, b"voip1 mtls", KEY_BYTES)


def check_proof(auth_key: bytes, th: bytes, shown: bytes) -> bool:
    """Tell in constant time whether a board's proof is right; for an unknown board, ask with a random key."""
    return equal(proof(auth_key, th), shown)


def grant_body(
    token: str,
    exp_s: int,
    now_s: int,
    epoch: int,
    ws: str,
    seed: bytes,
    rotate: "tuple[int, bytes] | tuple[int, bytes, bytes] | None" = None,
    ca: str = "",
) -> str:
    """Write the body of a grant.

    Args:
        token: what the link's upgrade must show; characters of a serial number, at most 256.
        exp_s: seconds that it is good for, 1 to 3,600.
        now_s: the relay's time, seconds since 1970.
        epoch: number of this session of this board.
        ws: path of the link.
        seed: 32 random bytes for the media keys.
        rotate: version of the board's next key, that key as `attest.masked_key` gives it, and its certificate (DER) where the
            board has one; None: there is none.
        ca: authorities that the board shall trust from now on, in PEM; empty: those that it has.
    """
    body: dict[str, object] = {
        "token": token,
        "exp": exp_s,
        "now": now_s,
        "epoch": epoch,
        "ws": ws,
        "seed": base64(seed),
    }
    if rotate is not None:
        coming: dict[str, object] = {"kv": rotate[0], "k": base64(rotate[1])}
        if len(rotate) > 2:
            coming["cert"] = base64(rotate[2])
        body["rotate"] = coming
    if ca:
        body["ca"] = ca
    return json.dumps(body)


def grant(auth_key: bytes, th: bytes, body: str) -> dict[str, object]:
    """Write the relay's answer to a right proof; the body travels as text, so that both sides hash the same bytes."""
    return {"body": body, "sproof": base64(server_proof(auth_key, th, body))}


def media_keys(key: bytes, th: bytes, seed: bytes) -> tuple[bytes, bytes]:
    """Derive the media keys of a session (RFC 5869, extracted with salt `th`); boards get this with media outside of TLS.

    Args:
        key: K.
        th: the transcript's hash.
        seed: 32 bytes from the grant.

    Returns:
        Client to server, then server to client; each a 16-byte key and a 14-byte salt.
    """
    prk = hmac_sha256(th, hkdf_expand(key, b"voip1 media", KEY_BYTES) + seed)
    c2s = hkdf_expand(prk, b"voip1 srtp c2s", MEDIA_KEY_BYTES)
    return c2s, hkdf_expand(prk, b"voip1 srtp s2c", MEDIA_KEY_BYTES)


def request_of(data: object, shape: Record) -> "dict[str, Any]":
    """Read a request of version 1: strict JSON within the bound, and the fields of a shape.

    Raises:
        AttestError: `bad_request`, `version_unsupported` or `too_large`.
    """
    if isinstance(data, bytes) and len(data) > MAX_REQUEST_BYTES:
        raise refusal("too_large", "At most %d bytes are taken." % MAX_REQUEST_BYTES)
    said = object_of(data, "bad_request")
    if fit(said, _VERSION, "bad_request")["v"] != VERSION:
        raise refusal("version_unsupported", "Known is %d." % VERSION)
    return fit(said, shape, "bad_request")

"""The relay's half of a claim in the field (see `claim`): what it reads of a board, how it judges a proof, what it answers.

No board imports this file, and none gets it (firmware/manifest-core.py). What is read fails as in `verify`.
"""

import json

from callcore import claim
from callcore.evidence import BINDING_BYTES, DEVICE_NONCE_BYTES, PROOF_BYTES, Base64, Begin, base64
from callcore.mac import equal, hmac_sha256
from callcore.shapes import Record, Text
from callcore.verify import MAX_FIRMWARE_CHARS, MAX_UID_BYTES, NAME, Hexadecimal, request_of

_CLAIM = Record(
    (
        ("sn", NAME),
        ("model_id", NAME),
        ("uid", Hexadecimal(MAX_UID_BYTES)),
        ("dn", Base64(DEVICE_NONCE_BYTES)),
        ("fw", Text(1, MAX_FIRMWARE_CHARS)),
        ("claim_id", NAME),
        ("cb", Base64(BINDING_BYTES)),
        ("proof", Base64(PROOF_BYTES)),
    )
)


class Asked:
    """A board's claim.

    Args:
        begin: number, chip, nonce and firmware as said; the model is empty, and the version of the key 0.
        cb: channel binding, 32 bytes.
        proof: 32 bytes.
    """

    def __init__(self, begin: Begin, cb: bytes, proof: bytes) -> None:
        self.begin = begin
        self.cb = cb
        self.proof = proof


def parse(data: object) -> Asked:
    """Read the body of `POST /v1/claim`.

    Model and number of the claim count as the relay stored them, not as said: with others nobody can prove anything.

    Args:
        data: the JSON text in UTF-8, or the dict where somebody has read it already.

    Raises:
        AttestError: `bad_request`, `version_unsupported` or `too_large`.
    """
    said = request_of(data, _CLAIM)
    begin = Begin(said["sn"], "", 0, said["uid"], said["dn"], said["fw"])
    return Asked(begin, said["cb"], said["proof"])


def check_proof(secret: bytes, th: bytes, shown: bytes) -> bool:
    """Tell in constant time whether a claim's proof is right; where there is no claim, ask with a random secret."""
    return equal(hmac_sha256(secret, b"\x11" + th), shown)


def answer(secret: bytes, th: bytes, kv: int, key: bytes) -> dict[str, object]:
    """Write the relay's answer to a right proof; the body travels as text, so that both sides hash the same bytes.

    Args:
        secret: of the claim, 16 bytes.
        th: of the request.
        kv: version of the key.
        key: K, 32 bytes.
    """
    body = json.dumps({"kv": kv, "key": base64(claim.hidden(secret, th, key))})
    return {"body": body, "sproof": base64(claim.server_proof(secret, th, body))}

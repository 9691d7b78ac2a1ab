"""Claim in the field: a board without a key gets one, by a secret that is good once and for one chip.

What both sides compute stands here, and what the board reads; what only the relay does stands in `handover`.

    board                                                     relay
    claim   {v sn model_id uid dn claim_id cb proof}     ->
                                                         <-   {body sproof}, body = {kv key}

th = SHA-256 over everything said, each field behind its length; proof = HMAC(secret, 0x11 | th);
sproof = HMAC(secret, 0x12 | th | SHA-256(body)); the key travels as K xor HMAC(secret, 0x13 | th), so that somebody who ends
TLS on the way learns nothing either. The claim stays open, for this chip and with this key, until the first verification
with the key: a lost answer is asked for again. Nothing in here raises or prints a key or a secret.
"""

import binascii

from callcore.attest import hash_of
from callcore.evidence import KEY_BYTES, Base64, base64, fit, object_of, parse_grant
from callcore.mac import equal, hmac_sha256, sha256
from callcore.refusals import refusal
from callcore.shapes import Integer, Record

SECRET_BYTES = 16

_BODY = Record((("kv", Integer(1, 0xFFFFFFFF)), ("key", Base64(KEY_BYTES))))


def transcript(sn: str, model_id: str, uid: bytes, dn: bytes, claim_id: str, cb: bytes) -> bytes:
    """Hash what a board says in its claim.

    Args:
        sn: serial number.
        model_id: the vendor's model.
        uid: the chip's own number, 1 to 16 bytes.
        dn: the board's nonce, 16 bytes.
        claim_id: which claim.
        cb: channel binding, 32 bytes.

    Returns:
        `th`, 32 bytes.
    """
    return hash_of((b"voip1 claim", sn.encode(), model_id.encode(), uid, dn, claim_id.encode(), cb))


def proof(secret: bytes, th: bytes) -> bytes:
    """Prove to the relay that the board has the secret: 32 bytes."""
    return hmac_sha256(secret, b"\x11" + th)


def server_proof(secret: bytes, th: bytes, body: str) -> bytes:
    """Prove to the board that the relay has the secret, and that the body is its: 32 bytes."""
    return hmac_sha256(secret, b"\x12" + th + sha256(body.encode()))


def hidden(secret: bytes, th: bytes, key: bytes) -> bytes:
    """Hide a key of 32 bytes for its way, or give back a hidden one."""
    mask = hmac_sha256(secret, b"\x13" + th)
    return bytes([key[at] ^ mask[at] for at in range(KEY_BYTES)])


def request(
    secret: bytes, sn: str, model_id: str, uid: bytes, dn: bytes, claim_id: str, cb: bytes
) -> "tuple[bytes, dict[str, object]]":
    """Write a board's claim; arguments as for `transcript`, and the secret.

    Returns:
        `th`, and the object to send.
    """
    th = transcript(sn, model_id, uid, dn, claim_id, cb)
    return th, {
        "v": 1,
        "sn": sn,
        "model_id": model_id,
        "uid": binascii.hexlify(uid).decode(),
        "dn": base64(dn),
        "claim_id": claim_id,
        "cb": base64(cb),
        "proof": base64(proof(secret, th)),
    }


def granted(secret: bytes, th: bytes, answer: object) -> tuple[int, bytes]:
    """Check the relay's proof, then read what it hands over.

    Args:
        secret: of the claim, 16 bytes.
        th: of the request.
        answer: its answer: the bytes, or the object that JSON gave.

    Returns:
        Version of the key, and the key.

    Raises:
        AttestError: `server_not_proved` or `bad_answer`; nothing of it is to be stored.
    """
    body, sproof = parse_grant(answer)
    if not equal(sproof, server_proof(secret, th, body)):
        raise refusal("server_not_proved")
    said = fit(object_of(body.encode(), "bad_answer"), _BODY, "bad_answer")
    return said["kv"], hidden(secret, th, said["key"])

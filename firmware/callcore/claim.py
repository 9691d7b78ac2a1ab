"""Claim in the field: a board without a key gets one, by a secret that is good once and for one chip.

What both sides compute stands here, and what the board writes and reads; what only the relay does stands in `handover`.

    board                                                        relay
    claim   {v sn model_id uid dn fw claim_id cb proof}     ->
                                                            <-   {body sproof}, body = {kv key}

th = SHA-256 over everything said, each field behind its length; proof = HMAC(secret, 0x11 | th);
sproof = HMAC(secret, 0x12 | th | SHA-256(body)); the key travels as K xor HMAC(secret, 0x13 | th), so that somebody who ends
TLS on the way learns nothing either. The claim stays open, for this chip and with this key, until the first verification
with the key: a lost answer is asked for again. Nothing in here raises or prints a key or a secret.
"""

import binascii

from callcore.attest import hash_of
from callcore.compat import const, json_loads
from callcore.evidence import KEY_BYTES, Begin, base64, parse_grant
from callcore.mac import equal, hmac_sha256, sha256
from callcore.refusals import refusal

SECRET_BYTES = const(16)


def transcript(begin: Begin, claim_id: str, cb: bytes) -> bytes:
    """Hash what a board says in its claim.

    Args:
        begin: number, model, chip and nonce; the rest of it is for people and not hashed.
        claim_id: which claim.
        cb: channel binding, 32 bytes.

    Returns:
        `th`, 32 bytes.
    """
    fields = (begin.sn.encode(), begin.model_id.encode(), begin.uid, begin.dn, claim_id.encode(), cb)
    return hash_of((b"voip1 claim",) + fields)


def server_proof(secret: bytes, th: bytes, body: str) -> bytes:
    """Prove to the board that the relay has the secret, and that the body is its: 32 bytes."""
    return hmac_sha256(secret, b"\x12" + th + sha256(body.encode()))


def hidden(secret: bytes, th: bytes, key: bytes) -> bytes:
    """Hide a key of 32 bytes for its way, or give back a hidden one."""
    mask = hmac_sha256(secret, b"\x13" + th)
    return bytes([key[at] ^ mask[at] for at in range(KEY_BYTES)])


def request(secret: bytes, begin: Begin, claim_id: str, cb: bytes) -> "tuple[bytes, dict[str, object]]":
    """Write a board's claim; arguments as for `transcript`, and the secret.

    Returns:
        `th`, and the object to send.
    """
    th = transcript(begin, claim_id, cb)
    said = begin.to_json()
    del said["kv"]
    said["claim_id"] = claim_id
    said["cb"] = base64(cb)
    said["proof"] = base64(hmac_sha256(secret, b"\x11" + th))
    return th, said


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
    try:
        said = json_loads(body)
        return said["kv"], hidden(secret, th, binascii.a2b_base64(said["key"]))
    except (ValueError, LookupError, TypeError):
        raise refusal("bad_answer")

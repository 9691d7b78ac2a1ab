"""Verification profile "voip1": a board and a relay prove to each other that they know the board's key.

What both sides compute stands here, since it must agree byte for byte, and the board's machine; what only the relay does
stands in `verify`. What the JSON objects look like stands in `evidence`, why one is refused in `refusals`.

    board                                            relay
    begin   {v sn model_id kv uid dn fw}        ->
                                                <-   challenge  {sid nonce ttl}
    finish  {v sid ctr cb proof}                ->
                                                <-   grant      {body sproof}

th = SHA-256 over everything said, each field behind its length; proof = HMAC(K_auth, 1 | th);
sproof = HMAC(K_auth, 2 | th | SHA-256(body)). The shape is that of ISO/IEC 9798-4 and SCRAM (RFC 5802) with the
channel binding `tls-server-end-point` (RFC 5929). The body may hold the board's next key, hidden under K_wrap. Nothing in
here raises or prints a key, a nonce or a token.

The board's machine; any other event is a LocalError and changes nothing:

    state               event        next
    any                 begin        ASKED
    ASKED               challenged   CHALLENGED, or REFUSED when the answer is none
    CHALLENGED          granted      GRANTED, or REFUSED when the server does not know the key
    ASKED, CHALLENGED   refused      REFUSED
"""

import struct

from callcore.errors import AttestError, LocalError
from callcore.evidence import (
    BINDING_BYTES,
    DEVICE_NONCE_BYTES,
    KEY_BYTES,
    MAX_INTEGER,
    VERSION,
    Begin,
    base64,
    parse_challenge,
    parse_grant,
    parse_grant_body,
)
from callcore.mac import equal, hkdf_expand, hmac_sha256, sha256
from callcore.refusals import from_problem, refusal

IDLE = "IDLE"
ASKED = "ASKED"
CHALLENGED = "CHALLENGED"
GRANTED = "GRANTED"
REFUSED = "REFUSED"

TRANSITIONS = {
    (IDLE, "begin"): (ASKED,),
    (ASKED, "begin"): (ASKED,),
    (CHALLENGED, "begin"): (ASKED,),
    (GRANTED, "begin"): (ASKED,),
    (REFUSED, "begin"): (ASKED,),
    (ASKED, "challenged"): (CHALLENGED, REFUSED),
    (CHALLENGED, "granted"): (GRANTED, REFUSED),
    (ASKED, "refused"): (REFUSED,),
    (CHALLENGED, "refused"): (REFUSED,),
}


class Keys:
    """The keys that stand for a device key K, which itself never enters a MAC.

    Args:
        key: K, 32 random bytes.

    Attributes:
        auth: proofs of both sides.
        wrap: hides the next K on its way.

    Raises:
        LocalError: not 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise LocalError("a device key has %d bytes, not %d" % (KEY_BYTES, len(key)))
        self.auth = hkdf_expand(key, b"voip1 auth", KEY_BYTES)
        self.wrap = hkdf_expand(key, b"voip1 wrap", KEY_BYTES)


def channel_binding(certificate_der: bytes) -> bytes:
    """Give the channel binding for the server's certificate as it was seen: SHA-256 of its DER form, 32 bytes."""
    return sha256(certificate_der)


def transcript(begin: Begin, nonce: bytes, sid: str, ctr: int, cb: bytes) -> bytes:
    """Hash what both sides said.

    Args:
        begin: the begin request; its `fw` is for people and not hashed.
        nonce: the relay's nonce, 32 bytes.
        sid: the relay's name for this attempt.
        ctr: the device's counter, 64 bits.
        cb: channel binding, 32 bytes.

    Returns:
        `th`, 32 bytes.
    """
    return hash_of(
        (
            b"voip1 verify",
            begin.sn.encode(),
            begin.model_id.encode(),
            struct.pack(">I", begin.kv),
            begin.uid,
            begin.dn,
            nonce,
            sid.encode(),
            struct.pack(">Q", ctr),
            cb,
        )
    )


def hash_of(fields: tuple[bytes, ...]) -> bytes:
    """Hash fields, each behind its length as 16 bits, so that no two rows of them are the same bytes."""
    said = b""
    for field in fields:
        said += struct.pack(">H", len(field)) + field
    return sha256(said)


def proof(auth_key: bytes, th: bytes) -> bytes:
    """Prove the board to the relay: 32 bytes under K_auth."""
    return hmac_sha256(auth_key, b"\x01" + th)


def server_proof(auth_key: bytes, th: bytes, body: str) -> bytes:
    """Prove the relay, and the body of its grant, to the board: 32 bytes under K_auth."""
    return hmac_sha256(auth_key, b"\x02" + th + sha256(body.encode()))


def masked_key(wrap_key: bytes, th: bytes, key: bytes) -> bytes:
    """Hide a board's next key for its way inside a grant, or uncover it again: the same on both sides.

    Args:
        wrap_key: K_wrap of the key that this session was proved with.
        th: the transcript's hash, which no two sessions share; so no two keys are ever hidden by the same bytes.
        key: 32 bytes.

    Returns:
        `key` xor Expand(K_wrap, "r" | th, 32).
    """
    mask = hkdf_expand(wrap_key, b"r" + th, KEY_BYTES)
    return bytes([key[i] ^ mask[i] for i in range(KEY_BYTES)])


class Attester:
    """The board's side of one verification after another.

    Args:
        key: K, 32 bytes.
        sn: serial number.
        model_id: the vendor's model.
        kv: version of the key, at least 1.
        uid: the chip's own number, 1 to 16 bytes.
        fw: version of the firmware, for people; 1 to 64 printable characters.

    Attributes:
        state: IDLE, ASKED, CHALLENGED, GRANTED or REFUSED.

    Raises:
        LocalError: the key has another length.
    """

    def __init__(self, key: bytes, sn: str, model_id: str, kv: int, uid: bytes, fw: str) -> None:
        self._keys = Keys(key)
        self._begin = Begin(sn, model_id, kv, uid, b"", fw)
        self._th = b""
        self.state = IDLE

    def begin(self, dn: bytes) -> dict[str, object]:
        """Start a verification, whatever became of the one before.

        Args:
            dn: 16 fresh random bytes.

        Returns:
            The body of `POST /v1/verify/begin`.

        Raises:
            LocalError: not 16 bytes.
        """
        if len(dn) != DEVICE_NONCE_BYTES:
            raise LocalError("a device nonce has %d bytes, not %d" % (DEVICE_NONCE_BYTES, len(dn)))
        self._begin.dn = dn
        self._th = b""
        self.state = ASKED
        return self._begin.to_json()

    def challenged(self, answer: object, ctr: int, cb: bytes) -> dict[str, object]:
        """Answer the relay's challenge.

        Args:
            answer: the answer to the begin request: its bytes, or the object that JSON gave.
            ctr: the device's counter, 1 to 2**53 - 1; stored as used before this call.
            cb: channel binding, 32 bytes.

        Returns:
            The body of `POST /v1/verify/finish`.

        Raises:
            AttestError: `bad_answer`.
            LocalError: nothing was asked, or `ctr` or `cb` out of range.
        """
        self._need("challenged")
        if not 1 <= ctr <= MAX_INTEGER or len(cb) != BINDING_BYTES:
            raise LocalError("counter %r with a binding of %d bytes cannot be proved" % (ctr, len(cb)))
        try:
            sid, nonce = parse_challenge(answer)
        except AttestError:
            self.state = REFUSED
            raise
        self._th = transcript(self._begin, nonce, sid, ctr, cb)
        self.state = CHALLENGED
        shown = proof(self._keys.auth, self._th)
        return {"v": VERSION, "sid": sid, "ctr": ctr, "cb": base64(cb), "proof": base64(shown)}

    def granted(self, answer: object) -> dict[str, object]:
        """Check the server's proof, then read what it grants.

        Args:
            answer: the answer to the finish request: its bytes, or the object that JSON gave.

        Returns:
            The grant: `token exp now epoch ws`, `seed` as bytes, and what else the relay sent. Where there is `rotate`, it has
            the next key's version as `kv` and the next key itself as `k`.

        Raises:
            AttestError: `server_not_proved` or `bad_answer`; the grant is not to be used.
            LocalError: no challenge was answered.
        """
        self._need("granted")
        try:
            body, sproof = parse_grant(answer)
            if not equal(sproof, server_proof(self._keys.auth, self._th, body)):
                raise refusal("server_not_proved")
            granted = parse_grant_body(body)
            rotate = granted.get("rotate")
            if rotate:
                if rotate["kv"] != self._begin.kv + 1:
                    raise refusal("bad_answer")
                rotate["k"] = masked_key(self._keys.wrap, self._th, rotate["k"])
        except AttestError:
            self.state = REFUSED
            raise
        self.state = GRANTED
        return granted

    def refused(self, status: int, answer: object) -> AttestError:
        """Take a refusal in place of the answer that was hoped for.

        Args:
            status: HTTP status.
            answer: the problem: its bytes, or the object that JSON gave, or None where it was no JSON.

        Returns:
            The error to raise or show.

        Raises:
            LocalError: nothing was asked.
        """
        self._need("refused")
        self.state = REFUSED
        return from_problem(status, answer)

    def _need(self, event: str) -> None:
        if (self.state, event) not in TRANSITIONS:
            raise LocalError("event %s does not belong in state %s" % (event, self.state))

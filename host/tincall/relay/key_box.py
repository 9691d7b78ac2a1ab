"""Device keys as the database holds them: sealed with AES-256-GCM under the key-encryption key, which lies outside of it.

What a key is sealed to (additional data, NIST SP 800-38D section 7) is its purpose, the serial number and the key's version, so
that a row can borrow neither another row's key, nor an older version of its own, nor anything else that the same
key-encryption key seals.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
PURPOSE = "tincall device key"
CLAIM_PURPOSE = "tincall claim secret"
CERTIFICATE_PURPOSE = "tincall board certificate"


class KeyBox:
    """Seals and opens device keys.

    Args:
        kek: key-encryption key, 32 bytes.
    """

    def __init__(self, kek: bytes) -> None:
        self._cipher = AESGCM(kek)

    def __repr__(self) -> str:
        return "<key box>"

    def seal_claim(self, sn: str, claim_id: str, secret: bytes) -> bytes:
        """Seal a claim's secret; bound to its purpose, the serial number and the claim."""
        return self._sealed(secret, f"{CLAIM_PURPOSE}|{sn}|{claim_id}".encode())

    def open_claim(self, sn: str, claim_id: str, sealed: bytes) -> bytes | None:
        """Give back a claim's secret; None as for `open`."""
        return self._opened(sealed, f"{CLAIM_PURPOSE}|{sn}|{claim_id}".encode())

    def seal_certificate(self, sn: str, kv: int, secret: bytes) -> bytes:
        """Seal a certificate's private key with the certificate behind it; bound to its purpose and as a key."""
        return self._sealed(secret, f"{CERTIFICATE_PURPOSE}|{sn}|{kv}".encode())

    def open_certificate(self, sn: str, kv: int, sealed: bytes) -> bytes | None:
        """Give back what `seal_certificate` sealed; None as for `open`."""
        return self._opened(sealed, f"{CERTIFICATE_PURPOSE}|{sn}|{kv}".encode())

    def seal(self, sn: str, kv: int, key: bytes) -> bytes:
        """Seal a key.

        Args:
            sn: serial number.
            kv: version of the key.
            key: 32 bytes.

        Returns:
            Nonce, 12 bytes; the key, sealed; tag, 16 bytes.
        """
        return self._sealed(key, _bound_to(sn, kv))

    def open(self, sn: str, kv: int, sealed: bytes) -> bytes | None:
        """Give back a key; None: it was sealed under another key-encryption key, to something else, or was changed."""
        return self._opened(sealed, _bound_to(sn, kv))

    def reseal(self, sn: str, kv: int, sealed: bytes) -> bytes | None:
        """Seal a key anew that was sealed before the purpose was part of it; None: it was not sealed that way either."""
        key = self._opened(sealed, f"{sn}|{kv}".encode())
        return None if key is None else self.seal(sn, kv, key)

    def _sealed(self, secret: bytes, bound_to: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, bound_to)

    def _opened(self, sealed: bytes, bound_to: bytes) -> bytes | None:
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError):  # ValueError: shorter than nonce and tag
            return None


def _bound_to(sn: str, kv: int) -> bytes:
    return f"{PURPOSE}|{sn}|{kv}".encode()

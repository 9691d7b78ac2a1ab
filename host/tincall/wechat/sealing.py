"""Small secrets for the database: sealed with AES-256-GCM under the key-encryption key, each bound to its own row.

A row that was moved or changed does not open. What opens is kept no longer than it is needed.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tincall.errors import OperatorError
from tincall.ids import Random

NONCE_BYTES = 12


class Sealing:
    """Seals and opens.

    Args:
        kek: key-encryption key, 32 bytes.
        random: source of nonces.
    """

    def __init__(self, kek: bytes, random: Random = os.urandom) -> None:
        self._cipher = AESGCM(kek)
        self._random = random

    def __repr__(self) -> str:
        return "<sealing>"

    def seal(self, clear: bytes, *bound_to: str) -> bytes:
        """Seal some bytes.

        Args:
            clear: the secret.
            bound_to: table, primary key: what names the row.

        Returns:
            Nonce, 12 bytes; the secret, sealed; tag, 16 bytes.
        """
        nonce = self._random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, clear, _words(bound_to))

    def open(self, sealed: bytes, *bound_to: str) -> bytes:
        """Give back what was sealed for that row.

        Raises:
            OperatorError: it was sealed under another key or for another row, or it was changed.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _words(bound_to))
        except (InvalidTag, ValueError):
            raise OperatorError(
                f"A row of {bound_to[0]} cannot be opened: kek.bin is not the one it was sealed with, or it was changed.",
                "Restore kek.bin and tincall.db from the same backup.",
                2,
            ) from None


def _words(bound_to: tuple[str, ...]) -> bytes:
    # a length before each word, so that no two lists of words read the same
    return "".join(f"{len(word)}:{word}" for word in bound_to).encode()

"""`cryptolib` for the firmware on CPython: AES as MicroPython offers it, by the cryptography package."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_ECB = 1
_CBC = 2
_BLOCK_BYTES = 16


class aes:  # noqa: N801 - MicroPython's name
    """AES in ECB or CBC mode; an object either encrypts or decrypts, whichever comes first.

    Args:
        key: 16 or 32 bytes.
        mode: 1 for ECB, 2 for CBC.
        iv: 16 bytes, with CBC.

    Raises:
        ValueError: key, mode or iv do not fit.
    """

    def __init__(self, key, mode, iv=None):
        if len(key) not in (16, 32):
            raise ValueError("key")
        if mode == _ECB:
            chain = modes.ECB()  # noqa: S305 - the firmware asks for it, to make masks
        elif mode == _CBC and iv is not None and len(iv) == _BLOCK_BYTES:
            chain = modes.CBC(bytes(iv))
        else:
            raise ValueError("mode")
        self._cipher = Cipher(algorithms.AES(bytes(key)), chain)
        self._encryptor = self._decryptor = None

    def encrypt(self, source, to=None):
        """Encrypt whole blocks into `to`, at least as long and perhaps the same, or into new bytes."""
        if self._decryptor:
            raise ValueError("can't encrypt & decrypt")
        self._encryptor = self._encryptor or self._cipher.encryptor()
        return _run(self._encryptor, source, to)

    def decrypt(self, source, to=None):
        """Decrypt whole blocks into `to`, at least as long and perhaps the same, or into new bytes."""
        if self._encryptor:
            raise ValueError("can't encrypt & decrypt")
        self._decryptor = self._decryptor or self._cipher.decryptor()
        return _run(self._decryptor, source, to)


def _run(context, source, to):
    if len(source) % _BLOCK_BYTES:
        raise ValueError("blksize % 16")
    if to is not None and len(to) < len(source):
        raise ValueError("output too small")
    done = context.update(bytes(source))
    if to is None:
        return done
    to[: len(done)] = done
    return to

"""Masking keys for the frames of the board (RFC 6455 section 5.3): unpredictable, and drawn without touching the heap.

`os.urandom` allocates, so keys are the AES-256 encryption of a counter under a random key made when the link opens.
"""

import os

import cryptolib

from callcore.compat import const

_BLOCKS = const(16)
_BYTES = const(256)  # 16 AES blocks, 64 keys a refill
_ECB = const(1)


class MaskKeys:
    """A stream of 4-byte keys.

    Attributes:
        buf: where the current key lies, from the offset that `draw` gave; valid until the next draw.
    """

    def __init__(self):
        self._aes = cryptolib.aes(os.urandom(32), _ECB)
        self._counters = bytearray(_BYTES)
        for block in range(_BLOCKS):
            self._counters[block * 16] = block
        self.buf = bytearray(_BYTES)
        self._at = _BYTES

    def draw(self):
        """Make the next key; allocates nothing.

        Returns:
            Its offset in `buf`.
        """
        at = self._at
        if at == _BYTES:
            self._refill()
            at = 0
        self._at = at + 4
        return at

    def _refill(self):
        """Encrypt the next 16 counter values: byte 0 numbers the block, bytes 1 to 7 the refill."""
        counters = self._counters
        i = 1
        while i < 8:
            carried = (counters[i] + 1) & 0xFF
            block = 0
            while block < _BYTES:
                counters[block + i] = carried
                block += 16
            if carried:
                break
            i += 1
        self._aes.encrypt(counters, self.buf)

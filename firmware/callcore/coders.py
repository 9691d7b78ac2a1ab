"""A codec as a board uses it: PCM at 16 kHz on one side, whatever the codec's rate, and payloads on the other.

A coder belongs to one call, keeps the state of both directions and allocates all it needs when it is made. G.722 takes 16 kHz
as it is and is loaded by the first call that speaks it; the laws of G.711 stand behind the half-band filters.
"""

from callcore import g711, pcm
from callcore.compat import MICROPYTHON
from callcore.errors import LocalError

if not MICROPYTHON:
    from typing import Protocol

    class Coder(Protocol):
        """One codec in both directions."""

        def encode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
            """Encode `n` samples of 16 kHz, a multiple of 320, from byte `soff` to byte `doff`; gives the bytes written."""

        def decode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
            """Decode to `n` samples of 16 kHz, a multiple of 320; gives `n`."""


# what a coder can be made for, best first
NAMES = ("G722", "PCMA", "PCMU")


def coder(name: str, samples: int) -> "Coder":
    """Make the coder of a call.

    Args:
        name: one of NAMES.
        samples: of one frame, at 16 kHz.

    Raises:
        LocalError: no such codec.
    """
    if name == "G722":
        return Wide(samples)
    if name not in NAMES:
        raise LocalError("a board cannot speak %r; possible are %s" % (name, ", ".join(NAMES)))
    return Narrow(name, samples)


class Narrow:
    """A law of G.711, at half the rate; see `Coder`.

    Args:
        name: `PCMA` or `PCMU`.
        samples: as of `coder`.
    """

    def __init__(self, name: str, samples: int) -> None:
        if name == "PCMU":
            g711.prepare_ulaw()
            self._encode = g711.ulaw_encode
            self._decode = g711.ulaw_decode
        else:
            self._encode = g711.alaw_encode
            self._decode = g711.alaw_decode
        self._narrow = bytearray(samples)
        self._down = pcm.down_state(samples)
        self._up = pcm.up_state()

    def encode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
        """See `Coder.encode`."""
        pcm.down(self._down, src, soff, self._narrow, 0, n)
        return self._encode(self._narrow, 0, dst, doff, n >> 1)

    def decode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
        """See `Coder.decode`."""
        self._decode(src, soff, self._narrow, 0, n >> 1)
        return pcm.up(self._up, self._narrow, 0, dst, doff, n >> 1)


class Wide:
    """G.722; see `Coder`.

    Args:
        samples: as of `coder`.
    """

    def __init__(self, samples: int) -> None:
        # here and not above: 10 KB that a call without it does not need
        from callcore import g722

        self._encode = g722.encode
        self._decode = g722.decode
        self._up = g722.state(samples)
        self._down = g722.state(samples)

    def encode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
        """See `Coder.encode`."""
        return self._encode(self._up, src, soff, dst, doff, n)

    def decode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
        """See `Coder.decode`."""
        return self._decode(self._down, src, soff, dst, doff, n)

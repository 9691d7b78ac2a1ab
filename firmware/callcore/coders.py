"""A codec as a board uses it: PCM at 16 kHz on one side, whatever the codec's rate, and payloads on the other.

A coder belongs to one call, keeps the state of both directions and allocates all it needs when it is made. G.722, L16 and
Opus take 16 kHz as it is, G.711 and DVI4 stand behind the half-band filters. G.722 and DVI4 are loaded by the first
call that speaks them.

Opus is there when the build of MicroPython has a module `opus`, in C. Asked of it is one class, `Coder(samples, bytes)`: the
samples of a frame, 320 or 640 at 16 kHz, and the bytes of its payload, 60 or 120, always as many. Its objects have the two
methods of `Coder` below and allocate nothing in them. No public build is known that has it.
"""

from callcore import g711, pcm
from callcore.compat import MICROPYTHON
from callcore.errors import LocalError
from callcore.level import Fader

try:
    from opus import Coder as _Opus  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    _Opus = None

if not MICROPYTHON:
    from typing import Protocol

    class Coder(Protocol):
        """One codec in both directions."""

        def encode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
            """Encode `n` samples of 16 kHz, those of one packet, from byte `soff` to byte `doff`, both even; gives the bytes
            written."""

        def decode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
            """Decode one packet to `n` samples of 16 kHz, between even offsets; gives `n`."""


# what a board offers unless its data say otherwise, best first. L16 can be spoken as well, and is four times what a network
# far away should carry
NAMES: "tuple[str, ...]" = ("G722", "PCMA", "PCMU", "DVI4")
if _Opus:
    NAMES = ("opus",) + NAMES


def coder(name: str, samples: int) -> "Coder":
    """Make the coder of a call.

    Args:
        name: one of NAMES, or `L16`.
        samples: of one packet, at 16 kHz: 320 or 640.

    Raises:
        LocalError: no such codec.
    """
    if name == "G722":
        return Wide(samples)
    if name == "L16":
        return Plain()
    if name not in NAMES:
        raise LocalError("a board cannot speak %r; possible are %s, L16" % (name, ", ".join(NAMES)))
    if name == "opus":
        # 24 kbit/s, as callcore.media has it
        return _Opus(samples, samples * 3 >> 4)  # type: ignore[no-any-return]
    return Narrow(name, samples)


class Narrow:
    """A law of G.711, or DVI4, at half the rate; see `Coder`.

    Args:
        name: `PCMA`, `PCMU` or `DVI4`.
        samples: as of `coder`.

    Attributes:
        gain_mdb: what the next frame that is encoded is brought to, in thousandths of a dB, up to 18000; see `level.Fader`.
            The filter does it on its way, for a sixth of what a pass of its own costs.
    """

    def __init__(self, name: str, samples: int) -> None:
        if name == "DVI4":
            # here and not above: a call without it does not need its code
            from callcore.dvi4 import Dvi4

            one = Dvi4()
            self._encode = one.encode
            self._decode = one.decode
        elif name == "PCMU":
            g711.prepare_ulaw()
            self._encode = g711.ulaw_encode
            self._decode = g711.ulaw_decode
        else:
            self._encode = g711.alaw_encode
            self._decode = g711.alaw_decode
        self._narrow = bytearray(samples)
        self._filled = 0
        self._down = pcm.down_state(samples)
        self._up = pcm.up_state()
        self._fader = Fader(samples, self._halve)
        self.gain_mdb = 0

    def encode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
        """See `Coder.encode`."""
        self._filled = 0
        self._fader.frame(src, soff, self.gain_mdb)
        return self._encode(self._narrow, 0, dst, doff, n >> 1)

    def decode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
        """See `Coder.decode`."""
        self._decode(src, soff, self._narrow, 0, n >> 1)
        return pcm.resample(0, doff, 0, self._up, self._narrow, dst, n >> 1, 0)

    def _halve(self, src: bytearray, soff: int, n: int, from_q: int, to_q: int, block: int = 0) -> None:
        """Halve the rate of the next `n` samples of a frame with a gain that goes from one to the other, as `level.gain`."""
        q = (from_q << 8) + 128
        step = ((to_q - from_q) << 9) // n
        self._filled += 2 * pcm.resample(soff, self._filled, q, self._down, src, self._narrow, n, step)


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


class Plain:
    """L16; see `Coder`."""

    def encode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
        """See `Coder.encode`."""
        return 2 * pcm.swap(src, soff, dst, doff, n)

    def decode(self, src: bytearray, soff: int, dst: bytearray, doff: int, n: int) -> int:
        """See `Coder.decode`."""
        return pcm.swap(src, soff, dst, doff, n)

"""The WS2812 (and SK6812), a lamp of three colours that is told its colour over one wire; here it shines or does not.

It behaves like a `machine.Pin` with a lamp on it. Timing and the order green, red, blue are those of Worldsemi's data sheet.
"""

# nanoseconds of high and low for a 0, and for a 1
_TIMING_NS = (400, 850, 800, 450)
# as bright as a lamp beside a telephone needs to be: a tenth
_GREEN = bytes((24, 0, 0))
_DARK = bytes(3)


class Lamp:
    """One lamp.

    Args:
        pin: the output pin it hangs on.
        bitstream: `machine.bitstream`.
    """

    def __init__(self, pin, bitstream):
        self._pin = pin
        self._bitstream = bitstream

    def value(self, level):
        """Shine (1) or not (0)."""
        self._bitstream(self._pin, 0, _TIMING_NS, _GREEN if level else _DARK)

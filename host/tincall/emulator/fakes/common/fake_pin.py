"""Pins of the emulated board: levels of inputs come from the runner, levels of outputs go to it as events.

The pins wire carries two bytes a change: pin number, level. Its end of file is how the board learns that the runner is dead.
"""

import fake_events
import fake_power
import fake_speaker
import lines

_wire = lines.reader("TINCALL_PINS_FD")
_change = bytearray(2)
# level that the runner drives, by pin number; 255: nobody drives it
_driven = bytearray(b"\xff" * 64)


def look():
    """Take in what changed outside and let the speaker play on; allocates nothing."""
    fake_speaker.run_all()
    if _wire is None:
        return
    while True:
        got = lines.take(_wire, _change, 2)
        if got < 0:
            fake_power.outside_gone()
        if got < 2:
            return
        _driven[_change[0] & 63] = _change[1]


class Pin:
    """One pin.

    Args:
        id: 0 to 63.
        mode: `IN`, `OUT` or `OPEN_DRAIN`; -1 keeps it an input.
        pull: `PULL_UP`, `PULL_DOWN` or None; the level of an input that nobody drives.
        value: first level of an output.
    """

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2

    def __init__(self, id, mode=-1, pull=None, *, value=None):
        if not 0 <= id < 64:
            raise ValueError("invalid pin")
        self.id = id
        self._level = 0
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=None, *, value=None):
        """Set the pin up anew; arguments as for the class."""
        self._is_output = mode in (self.OUT, self.OPEN_DRAIN)
        self._rest = 1 if pull == self.PULL_UP else 0
        if value is not None:
            self.value(value)

    def value(self, level=None):
        """Read the level, 0 or 1, or set that of an output; reading allocates nothing."""
        if level is not None:
            self._set(1 if level else 0)
            return None
        look()
        if self._is_output:
            return self._level
        driven = _driven[self.id]
        return self._rest if driven == 255 else driven

    __call__ = value

    def on(self):
        """Set the level to 1."""
        self.value(1)

    def off(self):
        """Set the level to 0."""
        self.value(0)

    def toggle(self):
        """Set the other level."""
        self.value(1 - self._level)

    def _set(self, level):
        if level != self._level:
            self._level = level
            if self._is_output:
                fake_events.emit("pin", id=self.id, level=level)

"""The PI4IOE5V6408, eight pins more over I2C; here it switches an amplifier.

Registers are those of Diodes' data sheet. M5Stack's library for the Atomic Echo Base drives all its outputs alike, and so does
this: which of them the amplifier hangs on is told by no document. Not tried on hardware.
"""

from callcore.errors import ChipError

ADDRESS = 0x43


class Switch:
    """The chip as one switch.

    Args:
        bus: a `machine.I2C`.
        outputs: a bit for each pin that is an output.
        address: on the bus, 0x43 or 0x44.
    """

    def __init__(self, bus, outputs, address=ADDRESS):
        self._bus = bus
        self._outputs = outputs
        self._address = address

    def start(self):
        """Make the outputs ready, low.

        Raises:
            ChipError: it does not answer.
        """
        self._write(0x05, 0x00)  # levels of outputs: low
        self._write(0x07, 0x00)  # no output floats
        self._write(0x0D, 0xFF)  # inputs are pulled up, not down
        self._write(0x03, self._outputs)  # 1: output

    def value(self, level):
        """Set all outputs to a level, 0 or 1."""
        self._write(0x05, 0xFF if level else 0x00)

    def _write(self, register, value):
        try:
            self._bus.writeto_mem(self._address, register, bytes((value,)))
        except OSError:
            raise ChipError(
                f"the PI4IOE5V6408 does not answer at I2C address {self._address:#x}: check that its board is plugged in"
                " and powered, and the pins I2C_SCL and I2C_SDA in board.py"
            )

"""What a board has besides pins, as its board.py says: a codec chip, an amplifier's switch, a lamp with a language of its own.

Loaded only where `board.CHIPS` names a chip; each chip's driver only where that is the one.
"""

from callcore.errors import ChipError

I2C_HZ = 100000
# periods of the bit clock in a sample, by MicroPython's ports/esp32/machine_i2s.c: 16 bits out, 32 in, two sides
BITS_PLAYING = 32
BITS_RECORDING = 64
# outputs of the PI4IOE5V6408 on M5Stack's Atomic Echo Base (M5Atomic-EchoBase, pi4ioe_init)
_ECHO_BASE_OUTPUTS = 0x6F


def lamp(board, machine):
    """Give the board's lamp, an object with `value(level)`."""
    pin = machine.Pin(board.LAMP, machine.Pin.OUT)
    if "ws2812" not in board.CHIPS:
        return pin
    from chips import ws2812

    return ws2812.Lamp(pin, machine.bitstream)


def codec(board, machine, sleep_ms):
    """Give the board's Codec, which is off; None when it has none.

    Args:
        board: its constants: `CHIPS`, and with a codec `I2C_SCL I2C_SDA AMP CODEC_GAIN_DB`.
        machine: the module.
        sleep_ms: waits for so many milliseconds.
    """
    if "es8311" not in board.CHIPS:
        return None
    from chips import es8311

    bus = machine.I2C(0, scl=machine.Pin(board.I2C_SCL), sda=machine.Pin(board.I2C_SDA), freq=I2C_HZ)
    return Codec(es8311.Es8311(bus, sleep_ms), _amplifier(board, machine, bus), board.CODEC_GAIN_DB)


def _amplifier(board, machine, bus):
    if "pi4ioe5v6408" in board.CHIPS:
        from chips import pi4ioe5v6408

        return pi4ioe5v6408.Switch(bus, _ECHO_BASE_OUTPUTS)
    return None if board.AMP is None else machine.Pin(board.AMP, machine.Pin.OUT, value=0)


class Codec:
    """A codec chip and its amplifier, for streams that take turns.

    Args:
        chip: an Es8311.
        amplifier: object with `value(level)`, and perhaps `start()`; None when it is always on.
        gain_db: of the microphone.
    """

    def __init__(self, chip, amplifier, gain_db):
        self._chip = chip
        self._amplifier = amplifier
        self._gain_db = gain_db
        self._is_on = False

    def turn(self, talk):
        """Get ready to record or to play; the first time it is powered up. While it records, nothing is heard.

        Raises:
            ChipError: a chip does not answer.
        """
        chip = self._chip
        if not self._is_on:
            chip.start()
            chip.gain(self._gain_db)
            if hasattr(self._amplifier, "start"):
                self._amplifier.start()
            self._is_on = True
        if talk:
            self._loud(False)
        chip.mute(True)
        chip.clock(BITS_RECORDING if talk else BITS_PLAYING)
        if not talk:
            chip.mute(False)
            self._loud(True)

    def off(self):
        """Power everything down; nothing happens when it is. A chip that does not answer is told of at the next start."""
        if self._is_on:
            self._is_on = False
            try:
                self._loud(False)
                self._chip.off()
            except ChipError:
                pass

    def _loud(self, on):
        if self._amplifier:
            self._amplifier.value(1 if on else 0)

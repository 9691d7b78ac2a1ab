"""The ES8311, a codec chip with one microphone's input and one loudspeaker's output, told what to do over I2C.

It follows the clocks of the board's chip, and makes its own master clock of the bit clock, since `machine.I2S` has no output
for one: the bit clock times 8 or 4 is 256 times the sample rate. MicroPython's driver clocks 32 bits a sample when it plays and
64 when it records, so `clock` is told before each turn. Every register that matters is written, whatever it held before.

Registers and bits are those of Everest Semiconductor's data sheet (ES8311 user guide), as Linux (sound/soc/codecs/es8311.h) and
Espressif's component esp-bsp/es8311 name them; the order of starting is that of the latter. Not tried on hardware.
"""

from callcore.errors import ChipError

ADDRESS = 0x18

# the chip's answer to who it is, at 0xfd and 0xfe
_ID = b"\x83\x11"

# register, value: after a reset, before the clock
_FORMAT = (
    b"\x03\x10"  # ADC: single speed, oversampling 16
    b"\x04\x10"  # DAC: oversampling 16
    b"\x05\x00"  # clocks of ADC and DAC: master clock divided by 1
    b"\x06\x03"  # bit clock not inverted; its divider is for a chip that leads
    b"\x07\x00"  # the same of the word clock: upper ...
    b"\x08\xff"  # ... and lower half
    b"\x09\x0c"  # what is played: I2S, 16 bits, the left side
    b"\x0a\x0c"  # what is recorded: I2S, 16 bits, on both sides
    b"\x1c\x6a"  # recorded: equalizer passed by, constant offset taken out
    b"\x37\x08"  # played: equalizer passed by
    b"\x17\xbf"  # recorded: digital volume 0 dB
    b"\x32\xbf"  # played: digital volume 0 dB
)
_POWER_UP = (
    b"\x0d\x01"  # references and bias on, middle voltage rising at its normal speed
    b"\x0e\x02"  # amplifier of the microphone and modulator of the ADC on
    b"\x12\x00"  # DAC on
    b"\x13\x10"  # its output drives the pins
)
_POWER_DOWN = (
    b"\x31\x60"  # mute first: no click
    b"\x13\x00"  # output off
    b"\x12\x02"  # DAC off
    b"\x0e\x62"  # amplifier of the microphone and modulator of the ADC off
    b"\x14\x00"  # no input
    b"\x0d\xfc"  # references, bias and middle voltage off
    b"\x01\x00"  # no clock goes in
    b"\x00\x00"  # state machine off
)


class Es8311:
    """One chip.

    Args:
        bus: a `machine.I2C`.
        sleep_ms: waits for so many milliseconds.
        address: on the bus, 0x18 or 0x19.
    """

    def __init__(self, bus, sleep_ms, address=ADDRESS):
        self._bus = bus
        self._sleep_ms = sleep_ms
        self._address = address

    def start(self):
        """Reset it and power it up, muted, for 16-bit samples; the clock is still to be told.

        Raises:
            ChipError: it does not answer, or is another chip.
        """
        found = self._read(0xFD, 2)
        if found != _ID:
            raise ChipError(f"the chip at I2C address {self._address:#x} is no ES8311: it says {found.hex()}, not 8311")
        self._write(0x00, 0x1F)  # reset of every part
        self._sleep_ms(20)
        self._write(0x00, 0x00)
        self._write(0x00, 0x80)  # state machine on, following the clocks it gets
        self._write(0x31, 0x60)  # mute
        self._write_all(_FORMAT)
        self._write_all(_POWER_UP)
        self.gain(30)

    def clock(self, bits):
        """Make the master clock of the bit clock.

        Args:
            bits: periods of the bit clock in a sample, 32 or 64.
        """
        self._write(0x01, 0xBF)  # master clock from the bit clock's pin; all clocks on
        self._write(0x02, {32: 0x18, 64: 0x10}[bits])  # divided by 1, times 8 or 4

    def gain(self, db):
        """Amplify the microphone.

        Args:
            db: 0 to 72: up to 30 in the amplifier by steps of 3, the rest after it by steps of 6, both rounded down.
        """
        first = min(db, 30) // 3
        self._write(0x14, 0x10 | first)  # input MIC1P to MIC1N; gain of its amplifier
        self._write(0x16, min((db - first * 3) // 6, 7))  # gain after the ADC

    def volume(self, half_db):
        """Set how loud it plays.

        Args:
            half_db: steps of 0.5 dB, -191 (silence) to 0 (as it came).
        """
        self._write(0x32, 0xBF + half_db)

    def mute(self, is_muted):
        """Play nothing, or go on; what is recorded stays."""
        self._write(0x31, 0x60 if is_muted else 0x00)  # both stages of the DAC

    def off(self):
        """Power it down until it is started again."""
        self._write_all(_POWER_DOWN)

    def _write_all(self, pairs):
        for i in range(0, len(pairs), 2):
            self._write(pairs[i], pairs[i + 1])

    def _write(self, register, value):
        try:
            self._bus.writeto_mem(self._address, register, bytes((value,)))
        except OSError:
            self._lost()

    def _read(self, register, n):
        try:
            # one by one: the chip need not count on from one register to the next
            return bytes([self._bus.readfrom_mem(self._address, register + i, 1)[0] for i in range(n)])
        except OSError:
            self._lost()

    def _lost(self):
        raise ChipError(
            f"the ES8311 does not answer at I2C address {self._address:#x}: check that its board is plugged in and"
            " powered, and the pins I2C_SCL and I2C_SDA in board.py"
        )

"""An I2C bus with chips that know their registers; each tells what its registers come to, and refuses what is none of them.

A chip's clock and format are computed from registers by the data sheet's own sums, so that a wrong divider gives a wrong rate.
"""

ENODEV = 19


class Bus:
    """A `machine.I2C` with chips by address.

    Args:
        chips: the chips, by their address.
    """

    def __init__(self, chips):
        self.chips = chips
        self.writes = []

    def writeto_mem(self, address, register, data):
        """Write a byte to a register."""
        chip = self._at(address)
        assert len(data) == 1, "one register at a time"
        assert register in chip.resets and register not in chip.read_only, f"no register to write: {register:#x}"
        assert not data[0] & ~chip.masks.get(register, 0xFF), f"reserved bits of {register:#x}: {data[0]:#x}"
        self.writes.append((address, register, data[0]))
        chip.write(register, data[0])

    def readfrom_mem(self, address, register, n):
        """Read a register."""
        chip = self._at(address)
        assert n == 1 and register in chip.resets
        return bytes((chip.registers[register],))

    def _at(self, address):
        if address not in self.chips:
            raise OSError(ENODEV)
        return self.chips[address]


class Chip:
    """Registers that can be written, over what they were at a reset."""

    resets = {}
    masks = {}
    read_only = ()

    def __init__(self):
        self.registers = dict(self.resets)

    def write(self, register, value):
        """Take a value."""
        self.registers[register] = value


class FakeEs8311(Chip):
    """The codec: registers, masks of the bits that have a meaning, and the sums of its user guide."""

    resets = {
        register: value
        for first, values in (
            (0x00, b"\x1f\x00\x00\x10\x10\x00\x03\x00\xff\x00\x00\x00\x20\xfc\x6a\x00"),
            (0x10, b"\x13\x7c\x02\x40\x10\x00\x04\x00\x00\x00\x00\x0c\x4c"),
            (0x31, b"\x00\x00\x00\x00\x00"),
            (0x37, b"\x08"),
            (0x44, b"\x00\x00"),
            (0xFD, b"\x83\x11\x00"),
        )
        for register, value in enumerate(values, first)
    }
    masks = {0x00: 0xDF, 0x03: 0x7F, 0x04: 0x7F, 0x06: 0x7F, 0x07: 0x3F, 0x0A: 0x7F, 0x14: 0x5F, 0x16: 0x3F}
    read_only = (0xFD, 0xFE, 0xFF)

    def write(self, register, value):
        """Take a value; the five low bits of 0x00 hold parts in reset, so what was written is lost."""
        if register == 0x00 and value & 0x1F:
            self.registers = dict(self.resets)
        self.registers[register] = value

    def runs(self):
        """Tell whether the state machine is on and nothing is held in reset."""
        return self.registers[0x00] & 0x9F == 0x80

    def follows(self):
        """Tell whether it follows the clocks it gets."""
        return not self.registers[0x00] & 0x40

    def rates(self, bclk_hz, mclk_pin_hz=0):
        """Compute the samples a second of ADC and DAC, 0 where the clock is off: 256 periods of the master clock each."""
        r = self.registers
        clocks = r[0x01]
        source = bclk_hz if clocks & 0x80 else mclk_pin_hz
        if not clocks & 0x20 or clocks & 0x40:
            return 0, 0
        internal = source * (1 << (r[0x02] >> 3 & 3)) // ((r[0x02] >> 5) + 1)
        adc = internal // ((r[0x05] >> 4) + 1) // (128 if r[0x03] & 0x40 else 256)
        dac = internal // ((r[0x05] & 15) + 1) // 256
        return adc if clocks & 0x0A == 0x0A else 0, dac if clocks & 0x05 == 0x05 else 0

    def formats(self):
        """Give the layout and the bits of what is recorded and of what is played; None where it is muted."""
        bits = {0: 24, 1: 20, 2: 18, 3: 16, 4: 32}
        layouts = {0: "i2s", 1: "left", 3: "dsp"}

        def of(value):
            return None if value & 0x40 else (layouts[value & 3], bits[value >> 2 & 7])

        assert not self.registers[0x09] & 0xA0, "the left side is played, and the word clock is not inverted"
        return of(self.registers[0x0A]), of(self.registers[0x09])

    def hears(self):
        """Tell whether every part between the microphone's pins and the bus has power."""
        r = self.registers
        return self._is_biased() and not r[0x0D] & 0x30 and not r[0x0E] & 0x60 and r[0x14] & 0x50 == 0x10

    def plays(self):
        """Tell whether every part between the bus and the loudspeaker's pins has power and is not muted."""
        r = self.registers
        powered = self._is_biased() and not r[0x0D] & 0x08 and not r[0x12] & 0x02 and r[0x13] & 0x10
        return bool(powered and not r[0x31] & 0x60)

    def gains_db(self):
        """Give the microphone's gain before and after the ADC, and the volume of what is recorded and played, in dB."""
        r = self.registers
        return (r[0x14] & 15) * 3, (r[0x16] & 7) * 6, (r[0x17] - 0xBF) / 2, (r[0x32] - 0xBF) / 2

    def draws_power(self):
        """Tell whether any part is on."""
        return bool(self.registers[0x0D] & 3 or not self.registers[0x0D] & 0x80 or self.registers[0x01])

    def _is_biased(self):
        return not self.registers[0x0D] & 0xC4 and self.registers[0x0D] & 3 != 0


class FakePi4ioe5v6408(Chip):
    """The expander: 0x01 tells who it is, the others are by data sheet."""

    resets = {
        0x01: 0xA2,
        0x03: 0x00,
        0x05: 0x00,
        0x07: 0xFF,
        0x09: 0x00,
        0x0B: 0xFF,
        0x0D: 0x00,
        0x0F: 0x00,
        0x11: 0xFF,
    }
    read_only = (0x0F,)

    def levels(self):
        """Give the level of each pin that is driven, by its number."""
        driven = self.registers[0x03] & ~self.registers[0x07]
        return {pin: self.registers[0x05] >> pin & 1 for pin in range(8) if driven >> pin & 1}

"""Runs on a board: what a board has besides pins, over fake chips."""

from fake_bus import Bus, FakeEs8311, FakePi4ioe5v6408

from callcore.errors import ChipError
from chips import fittings


class Plain:
    """A board with nothing besides pins."""

    CHIPS = ()
    LAMP = 2


class Coloured:
    """A board with a lamp of its own language."""

    CHIPS = ("ws2812",)
    LAMP = 35


class EchoBase(Coloured):
    """A board with a codec, and an amplifier behind an expander."""

    CHIPS = ("es8311", "pi4ioe5v6408", "ws2812")
    I2C_SCL, I2C_SDA, AMP, CODEC_GAIN_DB = 39, 38, None, 36


class Speaker(Coloured):
    """A board with a codec, and an amplifier on a pin."""

    CHIPS = ("es8311",)
    I2C_SCL, I2C_SDA, AMP, CODEC_GAIN_DB = 0, 45, 18, 30


class Machine:
    """The module `machine`, as far as it is asked."""

    def __init__(self):
        self.codec, self.expander = FakeEs8311(), FakePi4ioe5v6408()
        self.bus = Bus({0x18: self.codec, 0x43: self.expander})
        self.asked = None
        self.sent = []
        self.pins = pins = {}

        class Pin:
            OUT = 3

            def __init__(self, number, mode=None, value=None):
                self.number = number
                if mode is not None:
                    pins[number] = value

            def value(self, level):
                pins[self.number] = level

        self.Pin = Pin

    def I2C(self, port, scl, sda, freq):
        self.asked = port, scl.number, sda.number, freq
        return self.bus

    def bitstream(self, pin, encoding, timing, data):
        self.sent.append((pin.number, bytes(data)))


def nobody(ms):
    pass


def test_a_lamp_is_a_pin_or_speaks_its_language():
    machine = Machine()
    fittings.lamp(Plain, machine).value(1)
    assert machine.pins == {2: 1} and machine.sent == []
    fittings.lamp(Coloured, machine).value(1)
    assert machine.sent[0][0] == 35 and any(machine.sent[0][1])


def test_a_board_without_a_codec_has_none():
    assert fittings.codec(Coloured, Machine(), nobody) is None


def test_turns_fit_clock_amplifier_and_mute_to_the_direction():
    for board in (EchoBase, Speaker):
        machine = Machine()
        chip = machine.codec

        def is_loud(machine=machine, board=board):
            if board.AMP is None:
                return set(machine.expander.levels().values()) == {1}
            return machine.pins[board.AMP] == 1

        codec = fittings.codec(board, machine, nobody)
        assert machine.asked == (0, board.I2C_SCL, board.I2C_SDA, 100000)
        assert machine.bus.writes == [] and not chip.runs(), "nothing is powered before it is needed"
        for turn in range(2):
            codec.turn(False)
            assert chip.rates(16000 * 32) == (16000, 16000) and chip.plays() and is_loud(), turn
            assert sum(chip.gains_db()[:2]) == board.CODEC_GAIN_DB
            codec.turn(True)
            assert chip.rates(16000 * 64) == (16000, 16000) and chip.hears() and not chip.plays() and not is_loud()
        codec.turn(False)
        codec.off()
        assert not chip.draws_power() and not is_loud()
        writes = len(machine.bus.writes)
        codec.off()
        assert len(machine.bus.writes) == writes
        codec.turn(True)
        assert chip.hears() and not is_loud()


def test_it_says_which_chip_is_missing_and_starts_when_it_is_back():
    machine = Machine()
    codec = fittings.codec(EchoBase, machine, nobody)
    for address, name in ((0x18, "ES8311"), (0x43, "PI4IOE5V6408")):
        chip = machine.bus.chips.pop(address)
        try:
            codec.turn(False)
            raise AssertionError("it went well")
        except ChipError as error:
            assert name in error.detail
        machine.bus.chips[address] = chip
    codec.turn(False)
    assert machine.codec.plays()
    machine.bus.chips.clear()
    codec.off()

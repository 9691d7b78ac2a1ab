"""Runs on a board: the ES8311's driver against a fake that computes rates and formats from its registers."""

from fake_bus import Bus, FakeEs8311

from callcore.errors import ChipError
from chips.es8311 import Es8311

RATE_HZ = 16000


def scene(junk=None):
    """A chip on a bus and its driver; `junk` is what every register held before."""
    chip, slept = FakeEs8311(), []
    if junk is not None:
        for register in chip.registers:
            if register not in chip.read_only:
                chip.registers[register] = junk
    bus = Bus({0x18: chip})
    return chip, bus, Es8311(bus, slept.append), slept


def refused(call):
    """What a driver says when it raises."""
    try:
        call()
    except ChipError as error:
        return error.detail
    raise AssertionError("it went well")


def test_a_started_chip_has_power_and_the_format_of_the_driver_and_is_muted():
    chip, _, driver, slept = scene()
    driver.start()
    driver.clock(32)
    assert chip.runs() and chip.follows() and slept == [20]
    assert chip.formats() == (("i2s", 16), ("i2s", 16))
    assert chip.hears() and not chip.plays()
    driver.mute(False)
    assert chip.plays() and chip.hears()
    driver.mute(True)
    assert not chip.plays() and chip.hears()


def test_both_bit_clocks_of_the_driver_come_to_16_khz():
    chip, _, driver, _ = scene()
    driver.start()
    assert chip.rates(RATE_HZ * 32) == (0, 0)
    for bits in (32, 64, 32):
        driver.clock(bits)
        assert chip.rates(RATE_HZ * bits) == (RATE_HZ, RATE_HZ), bits
        assert chip.rates(RATE_HZ * (96 - bits)) != (RATE_HZ, RATE_HZ)
    try:
        driver.clock(48)
        raise AssertionError("48 bits have no multiplier")
    except KeyError:
        pass


def test_it_asks_nothing_of_what_registers_held():
    plain, _, driver, _ = scene()
    driver.start()
    driver.clock(64)
    driver.mute(False)
    for junk in (0x00, 0xFF, 0x55):
        chip, bus, driver, _ = scene(junk)
        # one of the registers would not come back by a reset alone
        chip.resets = {register: junk if register not in chip.read_only else 0 for register in chip.resets}
        chip.resets[0xFD], chip.resets[0xFE] = 0x83, 0x11
        driver.start()
        driver.clock(64)
        driver.mute(False)
        assert chip.runs() and chip.hears() and chip.plays() and chip.formats() == plain.formats()
        assert chip.rates(RATE_HZ * 64) == (RATE_HZ, RATE_HZ) and chip.gains_db() == plain.gains_db()


def test_gain_and_volume():
    chip, _, driver, _ = scene()
    driver.start()
    assert chip.gains_db() == (30, 0, 0, 0)
    for db, parts in (
        (0, (0, 0)),
        (7, (6, 0)),
        (30, (30, 0)),
        (35, (30, 0)),
        (42, (30, 12)),
        (72, (30, 42)),
        (90, (30, 42)),
    ):
        driver.gain(db)
        assert chip.gains_db()[:2] == parts, db
        assert chip.hears()
    for half_db, volume in ((0, 0), (-20, -10), (-191, -95.5)):
        driver.volume(half_db)
        assert chip.gains_db()[3] == volume


def test_off_takes_all_power_and_it_starts_again():
    chip, bus, driver, _ = scene()
    driver.start()
    driver.clock(32)
    driver.mute(False)
    bus.writes.clear()
    driver.off()
    assert bus.writes[0] == (0x18, 0x31, 0x60), "muted before anything else, or it clicks"
    assert not chip.runs() and not chip.plays() and not chip.hears() and not chip.draws_power()
    driver.start()
    driver.clock(64)
    assert chip.runs() and chip.hears() and chip.rates(RATE_HZ * 64) == (RATE_HZ, RATE_HZ)


def test_a_chip_that_is_not_there_is_named_with_its_address():
    driver = Es8311(Bus({0x18: FakeEs8311()}), None, 0x19)
    said = refused(driver.start)
    assert "0x19" in said and "I2C_SCL" in said
    chip, bus, driver, _ = scene()
    driver.start()
    bus.chips.clear()
    for call in (driver.off, lambda: driver.clock(32), lambda: driver.gain(0), lambda: driver.mute(True)):
        assert "0x18" in refused(call)


def test_another_chip_at_its_address_is_left_alone():
    chip, bus, driver, _ = scene()
    chip.registers[0xFE] = 0x88
    assert "8388" in refused(driver.start)
    assert bus.writes == []


def test_the_fake_can_fail():
    """A wrong divider, a reserved bit and a register that is none are found."""
    chip, bus, driver, _ = scene()
    driver.start()
    driver.clock(32)
    bus.writeto_mem(0x18, 0x05, b"\x10")
    assert chip.rates(RATE_HZ * 32) == (RATE_HZ // 2, RATE_HZ)
    for register, value in ((0x36, 0), (0xFD, 0), (0x14, 0x20)):
        try:
            bus.writeto_mem(0x18, register, bytes((value,)))
            raise SystemError("taken")
        except AssertionError:
            pass

"""Runs on a board: the expander's driver against a fake of its registers."""

from fake_bus import Bus, FakePi4ioe5v6408

from callcore.errors import ChipError
from chips.pi4ioe5v6408 import Switch


def test_all_outputs_go_up_and_down_together_and_begin_low():
    chip = FakePi4ioe5v6408()
    bus = Bus({0x43: chip})
    switch = Switch(bus, 0x6F)
    assert chip.levels() == {}
    switch.start()
    outputs = (0, 1, 2, 3, 5, 6)
    assert chip.levels() == {pin: 0 for pin in outputs}
    # low before it is driven: an amplifier that wakes for a moment clicks
    assert [register for _, register, _ in bus.writes][0] == 0x05
    switch.value(1)
    assert chip.levels() == {pin: 1 for pin in outputs}
    switch.value(0)
    assert chip.levels() == {pin: 0 for pin in outputs}


def test_a_chip_that_is_not_there_is_named_with_its_address():
    for call in (Switch(Bus({}), 1).start, lambda: Switch(Bus({}), 1, 0x44).value(1)):
        try:
            call()
            raise AssertionError("it went well")
        except ChipError as error:
            assert "PI4IOE5V6408" in error.detail and ("0x43" in error.detail or "0x44" in error.detail)

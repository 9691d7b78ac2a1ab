"""`machine` of the emulated board: what the firmware uses of the ESP32 port's module of this name."""

from fake_clock import RTC  # noqa: F401 - names of the module
from fake_i2s import I2S  # noqa: F401
from fake_pin import Pin  # noqa: F401
from fake_power import (  # noqa: F401
    DEEPSLEEP_RESET,
    HARD_RESET,
    PWRON_RESET,
    SOFT_RESET,
    WDT,
    WDT_RESET,
    reset,
    reset_cause,
    unique_id,
)


def soft_reset():
    """Start the board anew, as `reset` does."""
    reset()


def freq(hz=None):
    """Give the nominal clock of the processor in Hz; setting it does nothing."""
    return 240000000 if hz is None else None

"""Reset, reset cause, unique id and watchdog of the emulated board.

Exit statuses are the agreement with the runner (`tincall.emulator.child`): `STATUS_RESET` means "start me again",
`STATUS_OUTSIDE_GONE` that the runner died, which ends the board as pulling its plug does.
"""

import os
import time

import fake_events
import lines

STATUS_RESET = 75
STATUS_OUTSIDE_GONE = 76

# numbers of the ESP32 port
PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_BEAT_EVERY_MS = 200


def reset():
    """Start the board anew; never returns."""
    lines.power_off(STATUS_RESET)


def reset_cause():
    """Give why the board started last, one of the `_RESET` numbers."""
    return int(os.getenv("TINCALL_RESET_CAUSE") or PWRON_RESET)


def outside_gone():
    """End the board because nobody holds the other end of its wires; never returns."""
    lines.power_off(STATUS_OUTSIDE_GONE)


def unique_id():
    """Give the chip's number, 6 bytes, the same for the life of the board's folder."""
    text = os.getenv("TINCALL_UID") or "020000000001"
    return bytes(int(text[i : i + 2], 16) for i in range(0, len(text), 2))


class WDT:
    """A watchdog: the runner resets the board when `feed` was not called for `timeout` ms.

    Args:
        id: 0.
        timeout: in ms, above 0.
    """

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("no such watchdog")
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        self._beat_ms = time.ticks_ms()
        fake_events.emit("wdt", timeout_ms=timeout)

    def feed(self):
        """Hold the reset off; told to the runner five times a second at most; allocates nothing."""
        now_ms = time.ticks_ms()
        if time.ticks_diff(now_ms, self._beat_ms) >= _BEAT_EVERY_MS:
            self._beat_ms = now_ms
            fake_events.beat()

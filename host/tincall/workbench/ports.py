"""Which serial ports there are, without touching one: pyserial's list, and the emulated boards that run here.

Opening a port can reset the board behind it, and asking it interrupts its firmware, perhaps in a call; so neither is done here.
"""

from __future__ import annotations

from dataclasses import dataclass

from tincall import plugs
from tincall.errors import STATUS_USAGE, OperatorError
from tincall.workbench.serial_board import require

# USB vendors of boards and of the bridges on them; a port of another vendor, or of none, is hardly a board
_VENDORS = {
    0x303A: "Espressif",
    0x10C4: "CP210x bridge",
    0x1A86: "CH340 bridge",
    0x0403: "FTDI bridge",
    0x067B: "PL2303 bridge",
    0x2E8A: "Raspberry Pi",
    0xF055: "MicroPython",
}


@dataclass(frozen=True)
class Port:
    """A port at which a board can be.

    Args:
        path: what `--port` takes.
        what: what it calls itself, for people.
        is_emulated: whether a process of this computer is behind it.
        is_board: whether it looks like one of a board.
        serial_number: of the USB device; empty when it has none.
    """

    path: str
    what: str
    is_emulated: bool
    is_board: bool
    serial_number: str = ""


def ports() -> list[Port]:
    """List the ports, those of emulated boards last."""
    listed = require("serial.tools.list_ports").comports()
    found = [_real(one) for one in sorted(listed, key=lambda one: str(one.device))]
    return found + [Port(str(plug.link), f"emulated board {plug.name}", True, True) for plug in plugs.plugged()]


def the_one() -> str:
    """Give the port of the only board there is.

    Raises:
        OperatorError: there is none, or more than one; status 2 since `--port` would have told.
    """
    found = [one for one in ports() if one.is_board]
    if not found:
        raise OperatorError(
            "no board is plugged in.",
            "Plug one in with a cable that carries data, or name its port: --port PORT; `tincall ports --all` lists all.",
        )
    if len(found) > 1:
        names = ", ".join(one.path for one in found)
        raise OperatorError(f"{len(found)} boards are there: {names}.", "Choose one: --port PORT", STATUS_USAGE)
    return found[0].path


def _real(one: object) -> Port:
    """Make a port of one of pyserial's."""

    def text(name: str) -> str:
        said = getattr(one, name, None)
        return "" if said in (None, "n/a") else str(said)

    vendor = getattr(one, "vid", None)
    what = text("product") or text("description")
    known = _VENDORS.get(vendor or 0, "")
    return Port(
        text("device"),
        ", ".join(part for part in (what, known) if part) or "serial port",
        False,
        vendor is not None,
        text("serial_number"),
    )

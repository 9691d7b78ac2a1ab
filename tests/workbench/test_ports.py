"""Ports are listed without being touched, and the only board's is found."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from tincall import plugs
from tincall.errors import OperatorError
from tincall.workbench import ports

BOARD = SimpleNamespace(
    device="/dev/ttyACM0", vid=0x303A, product="USB JTAG/serial debug unit", description="x", serial_number="A0:B1"
)
ON_THE_MAINBOARD = SimpleNamespace(device="/dev/ttyS0", vid=None, product=None, description="n/a", serial_number=None)


def there(monkeypatch: pytest.MonkeyPatch, listed: list[SimpleNamespace], emulated: list[str]) -> None:
    monkeypatch.setattr(list_ports, "comports", lambda: listed)
    monkeypatch.setattr(
        plugs, "plugged", lambda: [plugs.Plug(name, Path("/run") / name, "/dev/pts/9") for name in emulated]
    )


def test_real_ones_and_emulated_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch, [ON_THE_MAINBOARD, BOARD], ["door"])
    real, mainboard, emulated = ports.ports()
    assert (real.path, real.what, real.serial_number) == (
        *("/dev/ttyACM0", "USB JTAG/serial debug unit, Espressif", "A0:B1"),
    )
    assert (mainboard.what, mainboard.is_board) == ("serial port", False)
    assert (emulated.path, emulated.is_emulated, emulated.is_board) == ("/run/door", True, True)


def test_the_only_board_needs_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch, [ON_THE_MAINBOARD, BOARD], [])
    assert ports.the_one() == "/dev/ttyACM0"


def test_none_and_two_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch, [ON_THE_MAINBOARD], [])
    with pytest.raises(OperatorError, match="no board is plugged in") as none:
        ports.the_one()
    there(monkeypatch, [BOARD], ["door"])
    with pytest.raises(OperatorError, match="/dev/ttyACM0, /run/door") as two:
        ports.the_one()
    assert (none.value.status, two.value.status) == (1, 2) and "--port" in two.value.hint

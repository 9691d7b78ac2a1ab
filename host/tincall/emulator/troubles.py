"""How an emulated board behind a pseudo-terminal differs from one on which all is well: for trying what can go wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass

FLASH_BYTES = 2 << 20
BLOCK_BYTES = 4096


@dataclass(frozen=True)
class Troubles:
    """What is wrong; nothing, if not given.

    Args:
        flash_bytes: size of a file system that is made new, a multiple of 4,096; that of a 4 MB chip if not given.
        unplug_after_bytes: the cable is pulled when this many bytes came from the host.
        keeps_power: whether the board runs on without the cable.
        is_held: it never starts, as with its reset pin held down.
        baud: speed of the line, 10 bits a byte; 0 for as fast as it goes.
        version: what MicroPython it says it is, such as `1.20.0`.
        mpy: what it says of the machine code that it takes, the number of `sys.implementation._mpy`.
        machine: what it says it is made of.
        platform: what it says as `sys.platform`.
    """

    flash_bytes: int = FLASH_BYTES
    unplug_after_bytes: int | None = None
    keeps_power: bool = False
    is_held: bool = False
    baud: int = 0
    version: str = ""
    mpy: int = 0
    machine: str = ""
    platform: str = ""

    def pretended(self) -> str:
        """Give what the interpreter shall say of itself, for `fakes/micropython/fake_sys.py`."""
        said: dict[str, object] = {"mpy": self.mpy, "machine": self.machine, "platform": self.platform}
        if self.version:
            said["version"] = [*(int(part) for part in self.version.split(".")), ""]
        return json.dumps({name: value for name, value in said.items() if value})

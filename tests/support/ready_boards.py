"""Emulated boards with the firmware on them, ready to be provisioned: made at once, as an image, and not over the cable."""

from functools import cache
from pathlib import Path

from tincall.workbench import firmware, flash_image, plan

FLASH_BYTES = 2 << 20


@cache
def _image() -> bytes:
    files = plan.marked(firmware.files("x64", "EMULATED"), firmware.version(), "EMULATED", "x64")
    # the rest of a flash is erased
    return flash_image.make({**files, "/boot.py": b"# as the port makes it\n"}, FLASH_BYTES).ljust(FLASH_BYTES, b"\xff")


def ready(folder: Path) -> Path:
    """Make a board's folder with the firmware in its flash."""
    folder.mkdir(parents=True)
    (folder / "flash.img").write_bytes(_image())
    return folder

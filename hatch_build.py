"""Puts into the wheel what the program needs and no package of it holds: the firmware's sources, the boards, compiled firmware.

`host/tincall/shipped.py` finds it there. An editable installation has none of it: it is a checkout.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARRIED = "tincall/_shipped"


class Hook(BuildHookInterface):
    """Compiles for every architecture and lays everything out in a folder that goes into the wheel as it is."""

    _made: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the folder, before the wheel is written."""
        if version == "editable":
            return
        self._made = Path(tempfile.mkdtemp(prefix="tincall-wheel-"))
        lay_out(Path(self.root), self._made)
        build_data["force_include"][str(self._made)] = CARRIED

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove it."""
        if self._made is not None:
            shutil.rmtree(self._made)


def lay_out(root: Path, folder: Path) -> None:
    """Put everything into a folder, as `tincall.shipped` looks for it.

    Args:
        root: the checkout.
        folder: is there, and empty.
    """
    sys.path.insert(0, str(root / "tools"))
    import build
    import bundle

    ours = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in ("firmware", "boards"):
        shutil.copytree(root / name, folder / name, ignore=ours)
    for arch in bundle.ARCHES:
        shutil.copytree(bundle.cached(arch, build.find_compiler()), folder / "mpy" / arch)

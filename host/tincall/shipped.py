"""Where the things are that ship with the program and are no Python of it: the firmware's files, and the boards' data.

An installed package carries them beside its code, in `_shipped`; a checkout has them in its own folders. Nobody else asks
which of the two this is.
"""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_SHIPPED = _PACKAGE / "_shipped"
_CHECKOUT = _PACKAGE.parents[1]


def checkout() -> Path | None:
    """Give the checkout of the project that this program runs from; None when it is an installed package."""
    return None if _SHIPPED.is_dir() else _CHECKOUT


def root() -> Path:
    """Give the folder in which `firmware` and `boards` lie, as they lie in a checkout."""
    return _SHIPPED if _SHIPPED.is_dir() else _CHECKOUT


def compiled() -> Path | None:
    """Give the folder with one folder of compiled firmware per architecture; None in a checkout, which compiles its own."""
    return _SHIPPED / "mpy" if _SHIPPED.is_dir() else None


def downloads() -> Path:
    """Give the folder for what is fetched and kept: interpreters, recordings; it need not be there."""
    if not _SHIPPED.is_dir():
        return _CHECKOUT / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tincall"

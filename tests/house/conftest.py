"""What the tests of the house share: the checkout, its tools on the path, its files without what was made or fetched."""

import os
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "tools"))

NOT_OURS = {"__pycache__", "build", "demo", "dist"}
# what the README's commands make in a checkout: keys, logs with paths
MADE = ("tincall-data", "first-call", "board[0-9]")


def _files() -> list[Path]:
    found = []
    for folder, folders, names in os.walk(CHECKOUT):
        here = Path(folder).relative_to(CHECKOUT)
        # hidden folders hold what was fetched or made; .ci is ours
        folders[:] = [
            name for name in folders if name not in NOT_OURS and (not name.startswith(".") or (name == ".ci"))
        ]
        if not here.parts:
            folders[:] = [name for name in folders if not any(fnmatchcase(name, made) for made in MADE)]
        # git writes a file of that name where a further work tree is
        found += [here / name for name in names if name != ".git" and not name.endswith((".pyc", ".db"))]
    return sorted(found)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Give the folder of the checkout."""
    return CHECKOUT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Give every file of ours, relative to the checkout."""
    return _files()


@pytest.fixture(scope="session")
def sources(files: list[Path]) -> list[Path]:
    """Give every Python file of the product and its tools, tests left out."""
    return [file for file in files if file.suffix == ".py" and file.parts[0] in ("firmware", "host", "boards", "tools")]

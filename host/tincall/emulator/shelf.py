"""The records of an emulated board, written and read from outside while it is switched off: what a cable is to a real one.

A record lies in two places, as `firmware/handset/places.py` has them: `flash/NAME.bin`, and a blob of `nvs.json` as the board's
fake of the chip's storage writes it. Whichever copy is missing, damaged or older is mended by the board when it starts.
"""

from __future__ import annotations

import json
from typing import Any

from callcore import record
from callcore.errors import StoreError
from tincall import files
from tincall.emulator.folder import BoardFolder
from tincall.errors import OperatorError

# as boards/EMULATED/board.py has it
NAMESPACE = "tincall"


def load(folder: BoardFolder, name: str, kind: int) -> tuple[int, bytes] | None:
    """Give generation and body of the newest sound copy, None where there is none.

    Raises:
        OperatorError: a later firmware's record is there.
        OSError: a file cannot be read.
    """
    file = folder.flash / f"{name}.bin"
    best = None
    for blob in (_blob(folder, name), file.read_bytes() if file.exists() else b""):
        try:
            found = record.unpack(blob, kind)
        except StoreError as error:
            if error.reason == "record_newer":
                raise OperatorError(
                    f"{folder.path} has a record {name} of a later firmware.", "Take another."
                ) from None
            continue
        if best is None or found[0] > best[0]:
            best = found
    return best


def save(folder: BoardFolder, name: str, kind: int, body: bytes) -> None:
    """Replace both copies; if power fails, the board finds the old body or this one.

    Raises:
        OperatorError: a later firmware's record is there; nothing was written.
        OSError: a file cannot be written.
    """
    found = load(folder, name, kind)
    blob = record.pack(kind, found[0] + 1 if found else 1, body)
    every = _nvs(folder)
    every.setdefault(NAMESPACE, {})[name] = ["blob", blob.hex()]
    files.write(folder.path / "nvs.json", json.dumps(every).encode())
    files.write(folder.flash / f"{name}.bin", blob)


def forget(folder: BoardFolder, name: str) -> None:
    """Remove both copies; if power fails, the board finds the newest of them or none."""
    every = _nvs(folder)
    if every.get(NAMESPACE, {}).pop(name, None) is not None:
        files.write(folder.path / "nvs.json", json.dumps(every).encode())
    (folder.flash / f"{name}.bin").unlink(missing_ok=True)


def _nvs(folder: BoardFolder) -> dict[str, Any]:
    try:
        found = json.loads((folder.path / "nvs.json").read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        hint = "Remove it; the board has a second copy of what it must know."
        raise OperatorError(f"{folder.path / 'nvs.json'} is no JSON.", hint) from None
    return found if isinstance(found, dict) else {}


def _blob(folder: BoardFolder, name: str) -> bytes:
    """Give the copy in the chip's storage; empty when there is none, or none that is a blob."""
    try:
        kind, value = _nvs(folder).get(NAMESPACE, {})[name]
        return bytes.fromhex(value) if kind == "blob" else b""
    except (KeyError, TypeError, ValueError):
        return b""

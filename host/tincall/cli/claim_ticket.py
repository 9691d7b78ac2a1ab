"""A ticket on its way to an emulated board: read with its code, and put where the board's firmware finds its claim.

The code never stands in an argument, where every user of the machine could read it: it comes with the ticket from a pipe, or is
typed.
"""

import json
import sys
from pathlib import Path
from typing import Any

import typer

from tincall.cli.enrol import IDENTITY
from tincall.emulator import shelf
from tincall.emulator.folder import BoardFolder
from tincall.errors import STATUS_USAGE, OperatorError
from tincall.relay import claim_code

# as firmware/handset/claim.py names the record
CLAIM = ("claim", 5)
TEXTS = ("sn", "model_id", "host", "name", "ca", "claim_id")
STDIN = Path("-")
MAX_BYTES = 8192


def put(folder: Path, source: Path) -> None:
    """Give an emulated board a claim; if power fails, the board finds the claim before, none, or this one.

    Args:
        folder: the board's.
        source: the ticket's file, or `-` for standard input.

    Raises:
        OperatorError: it is no ticket, there is no code, the board has an identity, or the folder cannot be written.
    """
    place = BoardFolder(folder)
    if place.is_board():
        # before anybody looks for a code
        _take_new(place, folder)
        place.release()
    ticket = read(source)
    _take_new(place, folder)
    try:
        shelf.save(place, *CLAIM, json.dumps(ticket).encode())
    except OSError as error:
        raise OperatorError(f"{folder} cannot be written: {error.strerror}.") from None
    finally:
        place.release()


def _take_new(place: BoardFolder, folder: Path) -> None:
    """Take the folder of a board that has no identity.

    Raises:
        OperatorError: it has one, or the folder cannot be taken.
    """
    place.take()
    if shelf.load(place, *IDENTITY) is not None:
        place.release()
        hint = f"Start it without --claim: tincall emulate --folder {folder}. A new board takes a folder of its own."
        raise OperatorError(f"{folder} has an identity already.", hint, STATUS_USAGE)


def read(source: Path) -> dict[str, Any]:
    """Read a ticket, and its code from wherever that is.

    Returns:
        The fields of the board's record.

    Raises:
        OperatorError: status 2; it is no ticket, or there is no right code.
    """
    try:
        text = sys.stdin.read(MAX_BYTES) if source == STDIN else source.read_text()[:MAX_BYTES]
        found = json.loads(text)
    except OSError as error:
        hint = "Give the file that `tincall claim` wrote."
        raise OperatorError(f"{source} cannot be read: {error.strerror}.", hint, STATUS_USAGE) from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in TEXTS):
        hint = "`tincall claim --sn SN --file FILE` writes one."
        raise OperatorError(f"{source} is no ticket of a claim.", hint, STATUS_USAGE)
    if type(found.get("port")) is not int:
        raise OperatorError(f"{source} is a ticket without a port.", "", STATUS_USAGE)
    secret = claim_code.read(_code(found, source))
    if secret is None:
        hint = "It has 28 letters and digits, as `tincall claim` showed it; type it once more."
        raise OperatorError("That is not the code of a claim.", hint, STATUS_USAGE)
    fields = {name: found[name] for name in (*TEXTS, "port")}
    if type(found.get("time")) is int:
        fields["time"] = found["time"]
    return {**fields, "secret": secret.hex()}


def _code(found: dict[str, Any], source: Path) -> str:
    """Find the code: in what came through a pipe, or on the keyboard."""
    if isinstance(found.get("code"), str):
        return str(found["code"])
    if source == STDIN:
        return ""
    if sys.stdin.isatty():
        return str(typer.prompt(f"Code for {found['sn']}", hide_input=True, err=True))
    return sys.stdin.readline(200)

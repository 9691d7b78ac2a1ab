"""`tincall claim`: open a claim, by which a board in the field gets its key by itself.

What comes out is a ticket, which says what the board has to know and is no secret, and a code, which is one. They go to the
board on two ways, such as a mail and a telephone. The code is shown here and nowhere else.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption
from tincall.cli.enrol import address
from tincall.errors import STATUS_USAGE, OperatorError
from tincall.settings import DataFolder

if TYPE_CHECKING:
    from rich.console import Console

HOURS_MAX = 720


def claim(
    sn: Annotated[str, typer.Option("--sn", help="Serial number: 0-9 A-Z a-z _ -, at most 128.")],
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Write the ticket, all but the code, to a new file.")
    ] = None,
    model: Annotated[str, typer.Option("--model", help="Model id; as enrolled, or `tincall`, if not given.")] = "",
    name: Annotated[str, typer.Option("--name", help="Name for people, of a board that nobody enrolled yet.")] = "",
    host: Annotated[
        str, typer.Option("--host", help="How the board reaches the relay; the first of server_names if not given.")
    ] = "",
    hours: Annotated[int, typer.Option("--hours", min=1, max=HOURS_MAX, help="How long the code is good.")] = 24,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Open a claim, by which one board in the field gets its key by itself."""
    paths.check_sn(sn)
    if file is not None and file.exists():
        raise OperatorError(f"{file} is there already.", "Name a new file.", STATUS_USAGE)
    folder = DataFolder(data)
    where = address(folder, host)
    if file is None and not output.is_json():
        hint = "Give --file FILE, a new file for it, or --json, which prints ticket and code."
        raise OperatorError("A code is of no use without its ticket.", hint, STATUS_USAGE)
    wish: dict[str, Any] = {"name": name, "hours": hours}
    with Client(data) as client, _place_for(file, sn) as place:
        opened = client.post(f"/v1/devices/{sn}/claim", wish | ({"model_id": model} if model else {}))
        ticket = ticket_of(opened, where, folder)
        if place is not None:
            _write(place, ticket, sn)
    document = {**ticket, "expires_s": opened["expires_s"], "code": opened["code"]}
    output.result(document, lambda console: _show(console, document, file))


def ticket_of(opened: dict[str, Any], where: dict[str, Any], folder: DataFolder) -> dict[str, Any]:
    """Put together what a board has to know to claim, but for the code."""
    from tincall.relay import rollover

    return {
        "sn": opened["sn"],
        "model_id": opened["model_id"],
        "host": where["host"],
        "port": where["port"],
        "name": where["host"],
        "ca": rollover.bundle(folder),
        "claim_id": opened["claim_id"],
        "time": opened["opened_s"],
    }


@contextlib.contextmanager
def _place_for(file: Path | None, sn: str) -> Iterator[Path | None]:
    """Make the ticket's file before a claim is opened, which ends the one before; take it away if none is opened."""
    if file is None:
        yield None
        return
    try:
        file.touch(exist_ok=False)
    except OSError as error:
        hint = f"Name another file; nothing has changed for {sn}."
        raise OperatorError(f"{file} cannot be written: {error.strerror}.", hint) from None
    try:
        yield file
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _write(file: Path, ticket: dict[str, Any], sn: str) -> None:
    try:
        file.write_text(json.dumps(ticket, indent=1) + "\n")
    except OSError as error:
        hint = f"Mend that and ask again; `tincall claim --sn {sn}` opens another claim, and this one ends."
        raise OperatorError(f"{file} cannot be written: {error.strerror}.", hint) from None


def _show(console: "Console", document: dict[str, Any], file: Path | None) -> None:
    until = output.when(document["expires_s"] * 1000)
    lines = [
        f"One board can claim {document['sn']} until {until}, once. The code, which is not shown again:",
        "",
        f"    {document['code']}",
        "",
    ]
    if file is not None:
        lines.append(f"The board needs {file} and the code; send them on two ways. An emulated board takes them by:")
        lines.append(f"tincall emulate --folder FOLDER --claim {file}")
    lines.append(f"A ticket and a code of {document['sn']} from before are worth nothing any more.")
    for line in lines:
        console.print(output.escape(line))

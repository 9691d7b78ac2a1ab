"""`tincall contacts`: the people whom a board may call, and whether they have agreed to be called."""

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from tincall.cli import output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption
from tincall.cli.invite import check_in_use

if TYPE_CHECKING:
    from rich.console import Console

MEANS = {
    "unknown": "not asked yet",
    "granted": "agreed",
    "refused": "refused; the person can change it in the mini program's settings",
    "withdrawn": "not any more; the person must agree again in the mini program",
}


def contacts(
    sn: Annotated[str, typer.Argument(metavar="SN", help="Serial number of the board.")],
    remove: Annotated[
        str, typer.Option("--remove", metavar="ID", help="Remove this contact: neither can call the other any more.")
    ] = "",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """List the people whom a board may call."""
    check_in_use(data)
    path = paths.device(sn, "contacts")
    with Client(data) as client:
        if remove:
            done = client.delete(f"{path}/{quote(remove, safe='')}")
            output.result(done, lambda console: console.print(f"{output.escape(remove)} is removed."))
            return
        found = client.get(path)
    output.result(found, lambda console: _show(console, sn, found["contacts"]))


def _show(console: "Console", sn: str, found: list[dict[str, Any]]) -> None:
    from rich.table import Table

    if not found:
        console.print(f"{output.escape(sn)} has no contacts. `tincall invite {output.escape(sn)}` invites one.")
        return
    table = Table("id", "name", "to be called", "since", box=None)
    for contact in found:
        consent = MEANS.get(contact["consent"], contact["consent"])
        table.add_row(
            *(output.escape(one) for one in (contact["id"], contact["name"], consent)),
            output.when(contact["updated_s"] * 1000),
        )
    console.print(table)

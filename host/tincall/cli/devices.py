"""`tincall devices`: the boards that the relay knows, and which of them are linked."""

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, Client, DataOption

if TYPE_CHECKING:
    from rich.console import Console


def devices(
    data: DataOption = DEFAULT_DATA,
    forget: Annotated[
        str, typer.Option("--forget", metavar="SN", help="End this board's enrolment; its key is gone for good.")
    ] = "",
) -> None:
    """List the boards that are enrolled."""
    with Client(data) as client:
        if forget:
            done = client.delete(f"/v1/devices/{quote(forget, safe='')}")
            output.result(done, lambda console: console.print(f"{output.escape(forget)} is forgotten."))
            return
        found = client.get("/v1/devices")
    output.result(found, lambda console: _show(console, found["devices"]))


def _show(console: "Console", found: list[dict[str, Any]]) -> None:
    from rich.table import Table

    if not found:
        console.print("No board is enrolled. `tincall enrol --sn SN` enrols one.")
        return
    table = Table("serial number", "name", "model", "state", "link", "board", "firmware", "last seen", box=None)
    for device in found:
        link = device["link"]
        table.add_row(
            *(output.escape(device[key]) for key in ("sn", "name", "model_id", "state")),
            "up" if link else "-",
            *(output.escape((link or device)[key]) for key in ("board", "firmware")),
            "now" if link else output.when(device["last_seen_s"] * 1000),
        )
    console.print(table)

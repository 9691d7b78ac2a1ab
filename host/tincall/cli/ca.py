"""`tincall ca`: how long the certificates last, and making new ones; a relay that runs takes them up by itself."""

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, DataOption

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.settings import DataFolder


def show(data: DataOption = DEFAULT_DATA) -> None:
    """Show which certificates there are, and until when they are good."""
    from tincall.relay import authority, certificates, rollover

    folder = _folder(data)
    found = rollover.read(folder)
    now = _now()
    warnings = certificates.warnings(found, now)
    named = {"server": found.server, "ca": found.ca} | ({"next_ca": found.next_ca} if found.next_ca else {})
    document = {
        "names": authority.names_of(found.server),
        "certificates": {
            name: {"from": _day(one.not_valid_before_utc), "until": _day(one.not_valid_after_utc)}
            for name, one in named.items()
        },
        "warnings": warnings,
    }
    output.result(document, lambda console: _show(console, document))


def renew(
    data: DataOption = DEFAULT_DATA,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="Name or IP address that the new one is for besides those so far; several times."),
    ] = None,
) -> None:
    """Make a new server certificate; boards need nothing, and calls go on."""
    from tincall.relay import authority, rollover

    folder = _folder(data)
    made = rollover.renew(folder, host or [], _now())
    document = {"names": authority.names_of(made), "until": _day(made.not_valid_after_utc)}
    said = f"The server certificate is for {', '.join(document['names'])} and good until {document['until']}."
    output.result(document, lambda console: console.print(output.escape(said)))


def _folder(data: Any) -> "DataFolder":
    """Give a data folder after what power stopped in it is done.

    Raises:
        OperatorError: it cannot be written.
    """
    from tincall.relay import changeover
    from tincall.settings import DataFolder

    folder = DataFolder(data)
    changeover.finish(folder)
    return folder


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _day(when: datetime.datetime) -> str:
    return f"{when:%Y-%m-%d}"


def _show(console: "Console", document: dict[str, Any]) -> None:
    means = {"server": "server certificate", "ca": "CA that boards trust", "next_ca": "next CA"}
    for name, one in document["certificates"].items():
        console.print(f"{means[name]:20}  {one['from']} to {one['until']}")
    console.print(output.escape(f"The server certificate is for {', '.join(document['names'])}."))
    for sentence in document["warnings"]:
        console.print(output.escape(sentence))


SUBCOMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "show": (show, "Show which certificates there are, and until when they are good."),
    "renew": (renew, "Make a new server certificate; boards need nothing, and calls go on."),
}

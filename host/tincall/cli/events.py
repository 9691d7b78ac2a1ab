"""`tincall events`: what boards had to tell that happened while they had no link."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from callcore import sentences
from tincall.cli import output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption

if TYPE_CHECKING:
    from rich.console import Console

NEVER_SET_S = 1_500_000_000  # before this (2017) no board was made: its clock was not set
LATEST = 5  # beside what else is shown of one board


def events(
    sn: Annotated[str, typer.Argument(metavar="[SN]", help="Which board; nothing lists those of all.")] = "",
    data: DataOption = DEFAULT_DATA,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, the newest first.")] = 50,
) -> None:
    """List what boards kept while their link was down: missed calls, calls that were cut, crashes."""
    with Client(data) as client:
        found = client.get(f"{path_of(sn)}?limit={limit}")
        if sn and not found["events"]:
            client.get(paths.device(sn))  # which tells that nobody has enrolled it
        output.result(found, lambda console: _show(console, found["events"], sn))


def path_of(sn: str) -> str:
    """Give the API's path to the events of a board, or of all."""
    return paths.device(sn, "events") if sn else "/v1/events"


def told(event: dict[str, Any]) -> str:
    """Say an event in one sentence."""
    if event["kind"] == "crash":
        return f"the firmware crashed: ...{event['text'][-120:]}"
    why = "" if event["cause"] is None else f" ({sentences.sentence(event['cause'])})"
    if event["kind"] == "missed":
        return f"call {event['call_id']} rang when the link was lost{why}"
    if event["kind"] == "call":
        return f"call {event['call_id']} ended after {(event['duration_ms'] or 0) / 1000:.1f} s{why}"
    return f"{event['kind']} {event['call_id']} {event['text']}".strip()


def when(event: dict[str, Any]) -> str:
    """Say when it was; by the relay's clock where the board did not know."""
    if event["at_s"] > NEVER_SET_S:
        return output.when(event["at_s"] * 1000)
    return "before " + output.when(event["received_ms"])


def _show(console: "Console", found: list[dict[str, Any]], sn: str = "") -> None:
    from rich.table import Table

    if not found:
        told_of = f"{sn} has told of nothing" if sn else "No board has told of anything"
        console.print(output.escape(f"{told_of} that happened without its link."))
        return
    table = Table("when", "board", "number", "lost before", "what", box=None)
    for event in found:
        cells = (when(event), event["sn"], str(event["number"]), str(event["lost"]), told(event))
        table.add_row(*(output.escape(cell) for cell in cells))
    console.print(table)

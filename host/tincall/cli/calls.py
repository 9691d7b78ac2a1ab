"""`tincall calls`: the newest call records, or one of them whole."""

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from callcore import causes
from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, Client, DataOption

if TYPE_CHECKING:
    from rich.console import Console


def calls(
    call: Annotated[str, typer.Argument(metavar="[ID]", help="Show this call only.")] = "",
    data: DataOption = DEFAULT_DATA,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20,
) -> None:
    """List calls, newest first, or show one."""
    with Client(data) as client:
        if call:
            record = client.get(f"/v1/calls/{quote(call, safe='')}")
            output.result(record, lambda console: _show_one(console, record))
            return
        found = client.get("/v1/calls", limit=limit)
    output.result(found, lambda console: _show(console, found["calls"]))


def ending(record: dict[str, Any]) -> str:
    """Say how a call ended, for a person; its state while it has not."""
    if record["state"] != "ended":
        return str(record["state"])
    return f"{causes.sentence(record['cause'])} By the {record['released_by']}."


def in_short(record: dict[str, Any]) -> str:
    """Say how a call ended in two words, for a table; its state while it has not."""
    if record["state"] != "ended":
        return str(record["state"])
    return f"{causes.name(record['cause']).lower().replace('_', ' ')}, {record['released_by']}"


def _show(console: "Console", found: list[dict[str, Any]]) -> None:
    from rich.table import Table

    if not found:
        console.print("There has been no call yet.")
        return
    table = Table(box=None)
    for title in ("call", "began", "board", "", "phone", "talk"):
        table.add_column(title, no_wrap=True)
    table.add_column("end")
    for record in found:
        table.add_row(
            output.escape(record["call_id"]),
            output.lately(record["started_ms"]),
            output.escape(record["sn"]),
            "->" if record["direction"] == "out" else "<-",
            output.escape(record["phone"]),
            output.lasted(record["duration_ms"]),
            output.escape(in_short(record)),
        )
    console.print(table)


def _show_one(console: "Console", record: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, show_header=False)
    for key in ("call_id", "sn", "phone", "direction", "state", "codec"):
        table.add_row(key, output.escape(record[key]))
    for key in ("started_ms", "ringing_ms", "answered_ms", "ended_ms"):
        table.add_row(key.removesuffix("_ms"), output.when(record[key]))
    table.add_row("talk", output.lasted(record["duration_ms"]))
    table.add_row("end", output.escape(ending(record)))
    for way, meaning in (("up", "board to phone"), ("down", "phone to board")):
        frames = record[way]
        table.add_row(meaning, f"{frames['in']} packets in, {frames['out']} out, {frames['dropped']} dropped")
    told = {"board_stats": "the board counted", "worker_report": "the phone's side counted"}
    for key, meaning in {**told, "phone_report": "the phone told"}.items():
        for name, value in (record[key] or {}).items():
            table.add_row(meaning, output.escape(f"{name} {value}"))
            meaning = ""
    console.print(table)

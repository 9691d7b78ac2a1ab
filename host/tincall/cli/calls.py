"""`tincall calls`: the newest call records, or one of them whole."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from callcore import causes, sentences
from tincall import fates
from tincall.cli import output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def calls(
    call: Annotated[str, typer.Argument(metavar="[ID]", help="Show this call only.")] = "",
    data: DataOption = DEFAULT_DATA,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20,
) -> None:
    """List calls, newest first, or show one."""
    with Client(data) as client:
        if call:
            record = client.get(paths.call(call))
            ways = fates.fates(record)
            output.result({**record, "frames": ways}, lambda console: _show_one(console, record, ways))
            return
        found = client.get("/v1/calls", limit=limit)
    output.result(found, lambda console: _show(console, found["calls"]))


def ending(record: dict[str, Any]) -> str:
    """Say how a call ended, for a person; its state while it has not."""
    if record["state"] != "ended":
        return str(record["state"])
    return f"{sentences.sentence(record['cause'])} By the {record['released_by']}."


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


def _show_one(console: "Console", record: dict[str, Any], ways: dict[str, dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, show_header=False)
    for key in ("call_id", "sn", "phone", "direction", "state", "codec"):
        table.add_row(key, output.escape(record[key]))
    for key in ("started_ms", "ringing_ms", "answered_ms", "ended_ms"):
        table.add_row(key.removesuffix("_ms"), output.when(record[key]))
    table.add_row("talk", output.lasted(record["duration_ms"]))
    table.add_row("end", output.escape(ending(record)))
    console.print(table)
    if record["answered_ms"]:
        console.print(_frames(ways))
        for way in fates.WAYS:
            console.print(f" {way:4} {output.escape(accounts(record, ways[way]['wrong']))}")
    told = Table(box=None, show_header=False)
    names = {"board_stats": "the board", "worker_report": "the phone's side", "phone_report": "the phone itself"}
    for key, meaning in names.items():
        for name, value in (record[key] or {}).items():
            if name not in fates.COUNTERS:
                told.add_row(f"{meaning} told", output.escape(f"{name} {value}"))
    console.print(told)


# what each line of the table shows of a direction
_LINES = (
    ("sent", "{sent}"),
    ("  not sent, since nobody spoke", "{silent}"),
    ("  dropped before it was sent", "{dropped}"),
    ("relay: in / out / dropped", "{relay_in} / {relay_out} / {relay_dropped}"),
    ("received", "{received}"),
    ("  played", "{played}"),
    ("  told the level of noise", "{noises}"),
    ("  late / twice / skipped", "{late} / {duplicates} / {skipped}"),
    ("  refused / foreign", "{refused} / {foreign}"),
    ("  waiting", "{waiting}"),
    ("lost", "{lost}"),
    ("turns concealed / quiet", "{concealed} / {quiet}"),
    ("speaker ran dry", "{underruns}"),
    ("shortened / lengthened", "{shortened_ms} / {lengthened_ms} ms"),
    ("delay now / aimed at", "{delay_ms} / {target_ms} ms"),
    ("jitter, RFC 3550 / 95 %", "{jitter_ms} / {jitter_p95_ms} ms"),
    ("frames not heard as said", "{unheard}"),
    ("estimated R / opinion", "{estimated}"),
)


def _frames(ways: dict[str, dict[str, Any]]) -> "Table":
    """Draw both directions side by side; what nobody told is a dash."""
    from rich.table import Table

    table = Table("", "up: board to phone", "down: phone to board", title="\nEvery frame", title_justify="left")
    shown = []
    for way in fates.WAYS:
        told = {name: "-" if value is None else str(value) for name, value in ways[way].items()}
        guess, unheard = ways[way]["estimated"], ways[way]["unheard"]
        told["estimated"] = f"{guess['r']:.0f} / {guess['mos']:.1f} of 5" if guess else "-"
        told["unheard"] = "-" if unheard is None else f"{100 * unheard:.1f} %"
        shown.append(told)
    for title, form in _LINES:
        table.add_row(title, *(form.format(**told) for told in shown))
    return table


def accounts(record: dict[str, Any], wrong: list[str] | None) -> str:
    """Say whether the sums of one direction add up.

    Args:
        record: of the call.
        wrong: as `fates.fates` has it.
    """
    if wrong is None:
        if record["state"] != "ended":
            return "not yet to be said: the board tells its figures each 5 s, the phone's side at the end"
        return "cannot be said: one end did not tell its figures"
    return f"DOES NOT ADD UP: {'; '.join(wrong)}" if wrong else "every frame is accounted for"

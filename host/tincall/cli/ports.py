"""`tincall ports`: which serial ports there are, and what is on the boards behind them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import output
from tincall.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.workbench.ports import Port

_ASK = "`tincall ports --ask` tells chip, MicroPython and firmware; it interrupts what runs there, and starts it again."


def ports(
    ask: Annotated[
        bool,
        typer.Option(
            "--ask",
            help="Open each port and ask for chip, MicroPython and firmware. A call that is going on ends; afterwards "
            "each board is reset.",
        ),
    ] = False,
    port: Annotated[str, typer.Option(help="Only this port.", metavar="PORT")] = "",
    every: Annotated[bool, typer.Option("--all", help="List ports that do not look like a board's, too.")] = False,
) -> None:
    """List serial ports and emulated boards that run; without --ask none of them is opened or disturbed."""
    from tincall.workbench import ports as workbench

    listed = workbench.ports()
    if port:
        listed = [one for one in listed if one.path == port] or [workbench.Port(port, "", False, True)]
    shown = [one for one in listed if every or one.is_board]
    rows = [{**_plain(one), **(_asked(one) if ask else {})} for one in shown]
    hidden = len(listed) - len(shown)
    output.result({"ports": rows}, lambda console: _show(console, rows, hidden, ask))


def _plain(port: "Port") -> dict[str, Any]:
    return {"port": port.path, "what": port.what, "emulated": port.is_emulated, "usb_serial": port.serial_number}


def _asked(port: "Port") -> dict[str, Any]:
    """Ask the board; one that does not answer is listed with why."""
    from tincall.workbench.serial_board import SerialBoard

    try:
        with SerialBoard.open(port.path) as board:
            facts = board.facts()
            sn = board.serial_number() if facts.firmware else ""
            board.reset()
    except OperatorError as problem:
        return {"why": problem.message}
    return {
        "chip": facts.chip or facts.machine,
        "micropython": facts.micropython,
        "uid": facts.uid,
        "firmware": facts.firmware,
        "board": facts.board,
        "whole": facts.main != "unfinished",
        "sn": sn,
    }


def _show(console: "Console", rows: list[dict[str, Any]], hidden: int, asked: bool) -> None:
    from rich.table import Table

    if not rows:
        console.print("No board is plugged in, and no emulated one runs.")
    columns = ["port", "what it is"]
    if asked:
        columns += ["chip", "MicroPython", "firmware", "board", "SN"]
    table = Table(*columns, box=None)
    for row in rows:
        cells = [row["port"], row["what"]]
        if asked and "why" not in row:
            firmware = (row["firmware"] or "none") if row["whole"] else "not whole"
            cells += [row["chip"], row["micropython"], firmware, row["board"], row["sn"]]
        table.add_row(*(output.escape(cell) for cell in cells))
    if rows:
        console.print(table)
    for row in rows:
        if "why" in row:
            console.print(output.escape(row["why"]))
    if hidden:
        console.print(
            f"Not shown: {hidden} that {'does' if hidden == 1 else 'do'} not look like a board's; --all lists them."
        )
    if rows and not asked:
        console.print(_ASK)

"""`tincall bench install`: the firmware onto an emulated board over a line of some speed, and how long that may take."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import output
from tincall.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

_ROWS = (
    ("copied", "files copied", "{}"),
    ("sent_bytes", "bytes to the board", "{:,}"),
    ("received_bytes", "bytes from it", "{:,}"),
    ("turns", "times one waited for the other", "{}"),
    ("line_s", "s for those bytes alone", "{:.2f}"),
    ("seconds", "s measured", "{:.2f}"),
    ("bridge_s", "s with a USB bridge, 2 ms each wait", "{:.2f}"),
    ("slow_bridge_s", "s with a slow one, 16 ms each wait", "{:.2f}"),
)


def install(
    baud: Annotated[int, typer.Option(min=9_600, max=4_000_000, help="Speed of the line, bits a second.")] = 460_800,
) -> None:
    """Measure what an install of the whole firmware takes over a serial line, and a second one."""
    from tincall.measure import install_bench
    from tincall.workbench import firmware, plan

    wanted = plan.marked(firmware.files("x64", "EMULATED"), firmware.version(), "EMULATED", "x64")
    with tempfile.TemporaryDirectory(prefix="tincall-bench-") as made:
        step = (lambda words: None) if output.is_json() else output.note
        report = install_bench.run(Path(made) / "bench-install", wanted, baud, step)
    output.result(report, lambda console: _show(console, report), _problem(report))


SUBCOMMAND = (install, "Measure what an install takes over a serial line, and a second one.")


def _problem(report: dict[str, Any]) -> OperatorError | None:
    missed = [one["figure"] for one in report["targets"] if not one["ok"]]
    if not missed:
        return None
    return OperatorError(f"Not reached: {', '.join(missed)}.", "Measure on a machine that does nothing else.")


def _show(console: Console, report: dict[str, Any]) -> None:
    from rich.table import Table

    console.print(
        f"{report['files']} files, {report['bytes']:,} bytes, over a line of {report['baud']:,} bits a second"
    )
    table = Table("figure", "bare board", "and again", box=None)
    for name, words, form in _ROWS:
        table.add_row(words, *(form.format(report[which][name]) for which in ("first", "again")))
    bounds = {one["figure"]: one for one in report["targets"]}
    table.add_row(
        "has to be, with a USB bridge",
        *(f"{'[green]' if one['ok'] else '[red]'}at most {one['bound']:g} s" for one in bounds.values()),
    )
    console.print(table)

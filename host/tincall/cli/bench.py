"""`tincall bench`: measure, and say of each figure whether it is what it has to be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import bench_call, bench_install, bench_verify, output
from tincall.errors import STATUS_USAGE, OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.measure.voice_bench import Step

_FIGURES = {"pesq": "PESQ", "concealed_pct": "concealed", "buffer_ms": "buffer"}
_UNITS = {"pesq": "", "concealed_pct": " %", "buffer_ms": " ms"}


def voice(
    board: Annotated[str, typer.Option(help="Word size of the board's interpreter: unix or unix32.")] = "unix",
    only: Annotated[list[str] | None, typer.Option(help="Only this condition; may be given several times.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Two short talks each: over in seconds, says less.")] = False,
    chart: Annotated[Path | None, typer.Option(help="SVG file to draw the scores into.")] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown file to write the table into.")] = None,
) -> None:
    """Score speech through each codec and bad path, at the board's ear and at the phone's."""
    from tincall.measure import voice_bench, voice_chart
    from tincall.measure.voice_conditions import CONDITIONS

    if board not in ("unix", "unix32"):
        raise OperatorError(f"{board!r} is no MicroPython here", "Say --board unix or --board unix32.", STATUS_USAGE)
    names = [condition.name for condition in CONDITIONS]
    for name in only or []:
        if name not in names:
            raise OperatorError(f"there is no condition {name!r}", f"Say --only {', '.join(names)}.", STATUS_USAGE)
    chosen = tuple(condition for condition in CONDITIONS if not only or condition.name in only)
    plan = voice_bench.Plan(conditions=chosen, board=board)
    if quick:
        plan = voice_bench.quick(plan)
    with _progress(len(list(plan.rows()))) as step:
        report = voice_bench.run(plan, step)
    if chart is not None:
        chart.write_text(voice_chart.svg(report))
    if page is not None:
        page.write_text(voice_chart.markdown(report, None if chart is None else chart.name))
    output.result(report, lambda console: _show(console, report), _problem(report))


SUBCOMMANDS = {
    "voice": (voice, "Score speech through each codec and bad path, at both ends."),
    "call": bench_call.SUBCOMMAND,
    "verify": bench_verify.SUBCOMMAND,
    "install": bench_install.SUBCOMMAND,
}


def _problem(report: dict[str, Any]) -> OperatorError | None:
    """Say that targets were missed."""
    if not report["missed"]:
        return None
    return OperatorError(f"{report['missed']} of the targets were missed", "The table says by how much.")


def verdict(row: dict[str, Any]) -> str:
    """Say of one row whether its targets are reached, in a few words."""
    told = []
    for target in row["targets"]:
        figure, unit = target["figure"], _UNITS[target["figure"]]
        if not target["ok"]:
            told.append(f"{row['ear']}: {_FIGURES[figure]} misses {target['bound']:g}{unit} by {target['distance']:g}")
    return "; ".join(told)


def _show(console: Console, report: dict[str, Any]) -> None:
    """Draw one line for each condition and codec; where two figures stand they are the board's and the phone's."""
    from rich.table import Table

    table = Table(title=f"Speech, means of {report['pairs']} talks; at the board | at the phone")
    table.add_column("on the way")
    table.add_column("codec")
    for name in ("PESQ", "STOI", "concealed %", "buffer ms", "worst gap ms"):
        table.add_column(name, justify="right")
    table.add_column("target")
    rows = report["rows"]
    for at in range(0, len(rows), 2):
        pair = rows[at : at + 2]
        figures = [
            " | ".join(form.format(one[name]) for one in pair)
            for name, form in (
                ("pesq", "{:.2f}"),
                ("stoi", "{:.3f}"),
                ("concealed_pct", "{:.2f}"),
                ("buffer_ms", "{:.0f}"),
                ("worst_gap_ms", "{}"),
            )
        ]
        missed = "; ".join(filter(None, (verdict(one) for one in pair)))
        wanted = ", ".join(
            f"{_FIGURES[one['figure']]} {'≥' if one['figure'] == 'pesq' else '≤'} {one['bound']:g}{_UNITS[one['figure']]}"
            for one in pair[0]["targets"]
        )
        colour = (
            f"[red]{output.escape(missed)}[/]"
            if missed
            else f"[green]reached[/] ({wanted})"
            if wanted
            else "[dim]none[/]"
        )
        table.add_row(pair[0]["words"], pair[0]["codec"], *figures, colour)
    console.print(table)


@contextmanager
def _progress(count: int) -> Iterator[Step]:
    """Show how far it is, to a person."""
    if output.is_json():
        yield lambda words: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=count)
        begun: list[str] = []

        def step(words: str) -> None:
            bar.update(task, description=words, advance=1 if begun else 0)
            begun.append(words)

        yield step

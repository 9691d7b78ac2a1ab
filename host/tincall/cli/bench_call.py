"""`tincall bench call`: whole calls over bad ways, every part a process of its own, and one table of what came through.

Each call is that of `tincall demo`, with a bad line between board and relay, or a far side that loses packets. Nothing here is
simulated in parts and nothing repeats itself exactly: seeds decide what the ways do, the clock when. One call has one score, so
these figures say that the chain holds together; those over many talks are of `tincall bench voice`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import demo, output
from tincall.errors import STATUS_USAGE, OperatorError
from tincall.measure import call_bench, call_talk, marker, rehearsal, talk
from tincall.measure.call_conditions import CONDITIONS, QUICK, SEED, CallCondition
from tincall.measure.chain import BadChain
from tincall.measure.stage import terminable
from tincall.wav import Samples, save

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

LOAD_MOST = 1.5  # above, scores tell of the machine: a board that is late to its microphone loses samples
_SECONDS = 13.0
_QUICK_S = 4.0


def call(
    board: Annotated[str, typer.Option(help="unix, unix32 (MicroPython) or cpython.")] = "unix",
    only: Annotated[list[str] | None, typer.Option(help="Only this condition; may be given several times.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Two short calls; no figure of theirs is judged, only facts.")
    ] = False,
    seconds: Annotated[float | None, typer.Option(help="How long they talk; 13 to 40, or 4 with --quick.")] = None,
    seed: Annotated[int, typer.Option(help="Of the ways and of the room's noise.")] = SEED,
    keep: Annotated[Path | None, typer.Option(help="Folder for everything the calls leave; new or empty.")] = None,
) -> None:
    """Make whole calls over bad ways; one table of quality, delay and bytes."""
    names = [condition.name for condition in CONDITIONS]
    for name in only or []:
        if name not in names:
            raise OperatorError(f"there is no condition {name!r}", f"Say --only {', '.join(names)}.", STATUS_USAGE)
    if seconds is not None and not 3 <= seconds <= 300:
        raise OperatorError(f"a talk of {seconds:g} s is not possible", "Say --seconds 3 to 300.", STATUS_USAGE)
    interpreter, why_not = rehearsal.interpreter(board)
    if why_not is not None:
        output.note(f"{why_not.message}; so the board runs on CPython.\n{why_not.hint}")
    wanted = only or (QUICK if quick else names)
    chosen = [condition for condition in CONDITIONS if condition.name in wanted]
    if quick:  # what a call learns in its first seconds would be most of the figures
        chosen = [replace(condition, up=(), down=(), both=()) for condition in chosen]
    load = [round(one, 2) for one in os.getloadavg()]
    if load[0] > LOAD_MOST:
        output.note(
            f"The load of this machine is {load[0]:g}: scores and delays may be the machine's, not the chain's."
        )
    rows = []
    with terminable(), demo.folder_for(keep) as folder, _bar(len(chosen)) as bar:
        known = talk.clips()
        for condition in chosen:
            bar.next(f"{condition.name}: {condition.words}")
            talk_s = seconds or (_QUICK_S if quick else max(_SECONDS, condition.least_s))
            rows.append(_measure(condition, interpreter, folder / condition.name, known, talk_s, seed, bar))
    missed = [f"{row['condition']}: {what}" for row in rows for what in call_bench.missed(row)]
    report = {"board": interpreter, "seed": seed, "load": load, "missed": missed, "rows": rows}
    output.result(report, lambda console: _show(console, report), _problem(missed))


SUBCOMMAND = (call, "Make whole calls over bad ways, and tell quality, delay and bytes.")


def _problem(missed: list[str]) -> OperatorError | None:
    if not missed:
        return None
    return OperatorError(f"{len(missed)} of the figures were missed: {'; '.join(missed)}", "The table says all.")


def _measure(
    condition: CallCondition,
    board: str,
    folder: Path,
    known: dict[str, Samples],
    talk_s: float,
    seed: int,
    bar: Bar,
) -> dict[str, Any]:
    """Make the call of one condition and give its line."""
    far_side = folder / "far-side"
    far_side.mkdir(parents=True)
    said = _clips(condition, folder, known, talk_s, seed)
    with BadChain(far_side, condition.lines(seed), condition.packets(seed)) as chain:
        plan = demo.Plan(
            board,
            "out",
            *said,
            is_default=False,
            folder=folder,
            codec=condition.codec,
            saves_bytes=condition.saves_bytes,
            chain=chain,
        )
        events, record = demo.rehearse(plan, bar)
    report = demo.judge(plan, events, record)
    return call_bench.row(condition, report, events, record, said, chain)


def _clips(
    condition: CallCondition, folder: Path, known: dict[str, Samples], talk_s: float, seed: int
) -> tuple[Path, Path]:
    """Write what the board's side and the phone's side say."""
    if condition.saves_bytes:
        pair = call_talk.in_turns(known, talk_s, seed)
    else:
        pair = call_talk.at_once(known, talk_s)
    paths = folder / "said-by-board.wav", folder / "said-by-phone.wav"
    for samples, path in zip(pair, paths, strict=True):
        save(path, marker.mark(samples, talk.RATE_HZ), talk.RATE_HZ)
    return paths


class Bar(demo.Progress):
    """Tells a person how far the calls are; silent with --json.

    Args:
        progress: draws, or None.
        task: its task, which counts calls.
    """

    def __init__(self, progress: Progress | None, task: TaskID) -> None:
        super().__init__(None)
        self._progress = progress
        self._task = task
        self._words = ""
        self._begun = 0

    def next(self, words: str) -> None:
        """Begin with a condition."""
        self._words = words
        self._update(words, self._begun)
        self._begun += 1

    def step(self, text: str) -> None:
        """See `demo.Progress.step`."""
        self._update(f"{self._words} [dim]({text})[/]", self._begun - 1)

    @contextmanager
    def talk(self, seconds: float) -> Iterator[Any]:
        """See `demo.Progress.talk`."""

        def moved(now_s: float) -> None:
            self._update(f"{self._words} [dim](talking)[/]", self._begun - 1 + min(now_s / seconds, 1) * 0.9)

        yield moved

    def _update(self, words: str, completed: float) -> None:
        if self._progress is not None:
            self._progress.update(self._task, description=words, completed=completed)


@contextmanager
def _bar(count: int) -> Iterator[Bar]:
    from rich.progress import TaskID

    if output.is_json():
        yield Bar(None, TaskID(0))
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress, progress.add_task("", total=count))


def _show(console: Console, report: dict[str, Any]) -> None:
    """Draw one line for each call; where two figures stand they are at the phone and at the board."""
    from rich import box
    from rich.table import Table

    title = f"Whole calls, board on {report['board']}; at the phone | at the board"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    for name in ("call", "codec"):
        table.add_column(name, no_wrap=True)
    for name in ("PESQ", "of turns", "concealed %", "to ear ms", "play-out ms", "MB/min"):
        table.add_column(name, justify="right")
    for row in report["rows"]:
        pairs = [
            "|".join(form.format(row[way][figure]) if row[way][figure] is not None else "-" for way in call_bench.WAYS)
            for figure, form in _SHOWN
        ]
        table.add_row(row["condition"], row["codec"], *pairs, f"{row['mb_per_min']:.2f}")
    console.print(table)
    told = Table.grid(padding=(0, 2))
    for row in report["rows"]:
        told.add_row(row["condition"], f"[dim]{output.escape(row['words'])}[/]", _verdict(row))
    console.print(told)


_SHOWN = (
    ("pesq", "{:.2f}"),
    ("pesq_turns", "{:.2f}"),
    ("concealed_pct", "{:.2f}"),
    ("mouth_to_ear_ms", "{:.0f}"),
    ("playout_ms", "{:.0f}"),
)


def _verdict(row: dict[str, Any]) -> str:
    """Say of a call what it misses, or that it has all; what is late is told and not judged."""
    missed, late = call_bench.missed(row), call_bench.late(row)
    first = f"[red]missed: {output.escape('; '.join(missed))}[/]" if missed else "[green]all packets accounted for[/]"
    if not missed and row["targets"]:
        first = "[green]reached[/]"
    return first if not late else f"{first} [yellow](late: {output.escape('; '.join(late))})[/]"

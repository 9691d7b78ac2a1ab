"""`tincall doctor`: looks at relay, board and platform, in the order in which one rests upon the other, and says what to do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, DataOption
from tincall.cli.install import BaudOption, PortOption
from tincall.errors import STATUS_USAGE, OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from tincall.workbench.findings import Result, Round

MARKS = {"ok": ("green", "ok"), "note": ("cyan", "note"), "wrong": ("bold red", "WRONG"), "not tried": ("dim", "-")}
_NAME_CHARS = 18


def doctor(
    port: PortOption = "",
    data: DataOption = DEFAULT_DATA,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask whether the tone was heard; only where somebody sits at a terminal.")
    ] = False,
    baud: BaudOption = 115_200,
) -> None:
    """Look at the relay, at the board and at the platform's side, and say what is wrong and what to do about it.

    The first thing that is wrong is the cause, as far as it can be told. The board's firmware is stopped meanwhile, so a call
    that goes on ends; it plays a tone of a second, and is reset in the end. Status 1 when something is wrong.
    """
    from tincall.workbench.findings import Round

    if ask and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise OperatorError("--ask needs a terminal, and somebody at it.", "Leave it out.", STATUS_USAGE)
    began, done = _drawer()
    walk = Round(began, done)
    examine(walk, data, port, baud, _asked if ask else None)
    wrong = walk.wrong
    document = {
        "ok": not wrong,
        "cause": f"{wrong[0].group}: {wrong[0].name}" if wrong else "",
        "checks": [result.document() for result in walk.results],
    }
    output.result(document, lambda console: _sum_up(console, walk))
    if wrong:
        raise typer.Exit(1)


def examine(walk: Round, data: Path, port: str, baud: int, ask: Callable[[str], bool] | None) -> None:
    """Take all checks: of the relay, of the board, of the platform."""
    from tincall.cli import doctor_platform, doctor_relay

    relay = doctor_relay.RelayDoctor(data)
    walk.walk(doctor_relay.GROUP, relay.checks())
    _examine_board(walk, port, baud, ask)
    for result in doctor_platform.results(relay.settings, relay.folder):
        walk.add(result)


def _examine_board(walk: Round, port: str, baud: int, ask: Callable[[str], bool] | None) -> None:
    from tincall.workbench import doctor as board_doctor
    from tincall.workbench import ports
    from tincall.workbench.findings import NOTE, Finding, Result, sentence
    from tincall.workbench.serial_board import SerialBoard

    if not port:
        try:
            port = ports.the_one()
        except OperatorError as problem:
            found = Finding(NOTE, sentence(problem.message), problem.hint)
            walk.add(Result(board_doctor.GROUP, "port", found))
            return
    patient = board_doctor.BoardDoctor(port, lambda: SerialBoard.open(port, baud), ask)
    try:
        walk.walk(board_doctor.GROUP, patient.checks())
    finally:
        if patient.board is not None:
            patient.board.restart()
            patient.board.close()


def _asked(question: str) -> bool:
    return bool(typer.confirm(question, err=True))


def _drawer() -> tuple[Callable[[str, str], object], Callable[[Result], object]]:
    """Give what shows checks as they are done: on the standard output, or nowhere where JSON is wanted."""
    if output.is_json():
        return (lambda group, name: None), (lambda result: None)
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    groups: list[str] = []

    def done(result: Result) -> None:
        if result.group not in groups:
            groups.append(result.group)
            console.print(f"[bold]{result.group.capitalize()}[/]")
        colour, word = MARKS[result.finding.state]
        console.print(
            f"  [{colour}]{word:5}[/] {output.escape(result.name):{_NAME_CHARS}} {output.escape(result.finding.said)}"
        )
        if result.finding.todo:
            console.print(f"  {'':5} {'':{_NAME_CHARS}} [dim]->[/] {output.escape(result.finding.todo)}")

    return (lambda group, name: None), done


def _sum_up(console: Console, walk: Round) -> None:
    states = [result.finding.state for result in walk.results]
    if not walk.wrong:
        console.print(
            f"[green]Nothing is wrong[/]; {states.count('ok')} checks are good, {states.count('note')} notes."
        )
        return
    first = walk.wrong[0]
    console.print(f"[bold red]{len(walk.wrong)} wrong.[/] Begin with {first.group}, {output.escape(first.name)}.")

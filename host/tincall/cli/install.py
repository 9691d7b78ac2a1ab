"""`tincall install`: our firmware onto a board that runs MicroPython, over its serial port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from tincall.cli import output
from tincall.errors import STATUS_USAGE, OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.workbench.boards import Board
    from tincall.workbench.facts import Facts
    from tincall.workbench.installer import Installed
    from tincall.workbench.serial_board import SerialBoard

Progress = Callable[[int, int, str], object]
PortOption = Annotated[
    str, typer.Option(help="The board's serial port, see `tincall ports`; the only board's if not given.")
]
BaudOption = Annotated[int, typer.Option(help="Speed of the port; boards with USB of their own take any.")]


def install(
    board: Annotated[
        str, typer.Argument(metavar="[BOARD]", help="Which board it is, a folder of `boards/`; as before if not given.")
    ] = "",
    port: PortOption = "",
    baud: BaudOption = 115_200,
    no_reset: Annotated[
        bool, typer.Option("--no-reset", help="Leave the board stopped at its prompt; else it is reset and starts.")
    ] = False,
) -> None:
    """Install the firmware on a board that runs MicroPython 1.25 or later, or bring it up to date.

    Only what differs is copied. It may be interrupted at any point and run again: the board starts the old firmware or
    the new one, never a mixture. Identity, settings and files of your own stay.
    """
    from tincall.workbench import boards, firmware, ports
    from tincall.workbench.serial_board import SerialBoard

    named = boards.load(board) if board else None
    path = port or ports.the_one()
    with SerialBoard.open(path, baud) as there, _started_again(there, no_reset):
        chosen, facts, done = bring(there, named)
    traffic = there.traffic
    document = {
        **{"port": path, "board": chosen.id, "arch": facts.arch, "version": firmware.version()},
        **done.document(),
        "wire": {"sent": traffic.sent_bytes, "received": traffic.received_bytes, "turns": traffic.turns},
    }
    output.result(document, lambda console: _show(console, chosen, path, done))


def bring(there: SerialBoard, named: Board | None) -> tuple[Board, Facts, Installed]:
    """Bring a board up to date, with a bar where a person looks on.

    Args:
        there: on its port; it stays at its prompt.
        named: which board it is; None: as its firmware says.

    Raises:
        OperatorError: it is another one, cannot take the firmware, or fails.
    """
    from tincall.workbench import firmware, installer, plan

    facts = there.facts()
    chosen = named or _before(facts, there.path)
    installer.judge(facts, there.path, chosen.id, chosen.mcu)
    files = firmware.files(facts.arch, chosen.id)
    wanted = plan.marked(files, firmware.version(), chosen.id, facts.arch)
    with _progress() as progress:
        return chosen, facts, installer.install(there, facts, wanted, progress)


def _before(facts: Facts, path: str) -> Board:
    """Give the board for which a firmware is there already."""
    from tincall.workbench import boards

    if facts.board in boards.names():
        return boards.load(facts.board)
    fit = [name for name in boards.names() if boards.load(name).mcu == facts.chip]
    raise OperatorError(
        f"which board is it on {path}? It has no firmware of ours that would tell.",
        f"With its chip there are {', '.join(fit)}." if fit else f"There is none with its chip, {facts.machine}.",
        STATUS_USAGE,
    )


@contextmanager
def _started_again(board: SerialBoard, no_reset: bool) -> Iterator[None]:
    """Reset the board after whatever was done with it, since the first question interrupted its firmware."""
    try:
        yield
    finally:
        if not no_reset:
            board.restart()


@contextmanager
def _progress() -> Iterator[Progress]:
    """Draw a bar on the standard error output, where a person looks on."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if output.is_json() or not console.is_terminal:
        yield lambda done, total, path: None
        return
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, path: bar.update(task, completed=done, total=total, description=output.escape(path))


def _show(console: Console, board: Board, path: str, done: Installed) -> None:
    if done.own_main:
        console.print(f"The main.py that was there is now {output.escape(done.own_main)}.")
    if done.copied:
        said = f"{len(done.copied)} files copied ({done.bytes:,} bytes), {len(done.kept)} kept, {len(done.removed)} removed"
    else:
        said = f"up to date: {len(done.kept)} files kept, {len(done.removed)} removed"
    console.print(output.escape(f"{board.id} on {path}: {said}, {done.seconds:.1f} s."))

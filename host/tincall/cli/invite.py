"""`tincall invite`: a code by which a person with the mini program comes to a board; it is printed here and nowhere else."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption
from tincall.errors import STATUS_USAGE, OperatorError
from tincall.settings import DataFolder, load

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

HOUR_S = 3_600


def invite(
    sn: Annotated[str, typer.Argument(metavar="SN", help="Serial number of the board.")],
    name: Annotated[str, typer.Option("--name", help="What the board shows for the person; theirs if not given.")] = "",
    hours: Annotated[int, typer.Option("--hours", min=1, max=720, help="How long the code is good.")] = 24,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Make a code by which a person comes to a board in the mini program; it is good for one person."""
    check_in_use(data)
    with Client(data) as client:
        made = client.post(paths.device(sn, "invites"), {"name": name, "life_s": hours * HOUR_S})
    output.result(made, lambda console: _show(console, made))


def check_in_use(data: "Path") -> None:
    """See that this relay has a mini program at all.

    Raises:
        OperatorError: status 2; its settings name none.
    """
    settings = DataFolder(data).settings
    if not load(settings).wechat.appid:
        why = f"{settings} names no mini program, so that there are no people: appid of [wechat] is empty."
        raise OperatorError(why, "docs/wechat.md says what to set; scripted phones are under [[phones]].", STATUS_USAGE)


def _show(console: "Console", made: dict[str, Any]) -> None:
    whom = output.escape(made["name"]) or "one person"
    console.print(f"[bold]{made['invite']}[/bold]")
    console.print(
        f"is for {whom} and {output.escape(made['sn'])}, until {output.when(made['expires_s'] * 1000)}. "
        "In the mini program it goes under Settings."
    )

"""`tincall restore`: makes a data folder of a backup, or puts one in the place of what is there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, DataOption

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.relay.store.restoring import Restored


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `tincall backup` made.")],
    data: DataOption = DEFAULT_DATA,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of what is in the folder, which is kept aside.")
    ] = False,
) -> None:
    """Put a backup into a data folder; no relay may run on it."""
    from tincall.clock import SystemClock
    from tincall.relay.store import restoring
    from tincall.settings import DataFolder

    done = restoring.restore(file, DataFolder(data), replace, SystemClock())
    document = {
        "data": str(data),
        "made_s": done.contents.made_s,
        "schema": done.contents.schema,
        "files": done.files,
        "kept": done.kept,
        "missing": done.missing,
        "aside": str(done.aside) if done.aside else None,
    }
    output.result(document, lambda console: _show(console, data, done))


def _show(console: "Console", data: Path, done: "Restored") -> None:
    names, where = output.escape(", ".join(done.files)), output.escape(data)
    console.print(f"Put into {where}, as of {output.when(done.contents.made_s * 1000)}: {names}.")
    if done.kept:
        console.print(f"Kept, since the backup does not have them: {output.escape(', '.join(done.kept))}.")
    if done.aside:
        console.print(
            f"What was there is in {output.escape(done.aside)}, secrets among it; remove it when all is well."
        )
    if done.missing:
        missing = output.escape(", ".join(done.missing))
        console.print(f"Put these into {where} before the relay starts: {missing}.")
        console.print("`tincall init` would make new ones, which no board knows.")
        return
    console.print(f"Look at `tincall devices` after the start (tincall relay --data {where}):")
    console.print("what was suspended, revoked or forgotten after the backup is not so any more.")

"""`tincall init`: make a relay's data folder, or say that it is there."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tincall import files
from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, DataOption
from tincall.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.settings import DataFolder


def init(
    data: DataOption = DEFAULT_DATA,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="Name or IP address by which boards reach this machine; may stand several times."),
    ] = None,
) -> None:
    """Make what is missing and change nothing that is there."""
    from tincall.settings import DataFolder, load

    folder = DataFolder(data)
    names = host or []
    made = make(folder, names)
    load(folder.settings)
    missing = _missing_names(folder, names)
    if missing:
        raise OperatorError(
            f"{folder.server} is there and is not for {', '.join(missing)}.",
            f"Run `tincall ca renew --data {folder.root} --host {missing[0]}`: the CA stays, so boards need nothing.",
            2,
        )
    document = {"data": str(data), "made": [path.name for path in made], "names": _names(folder)}
    output.result(document, lambda console: _show(console, folder, made))


def make(folder: "DataFolder", names: list[str]) -> list[Path]:
    """Make the missing files of a data folder; gives them in order.

    Args:
        folder: where.
        names: host names and addresses for a new server certificate; the first is written into new boards.

    Raises:
        OperatorError: status 2; the folder cannot be written, or what is there is damaged.
    """
    from tincall.relay import authority, changeover
    from tincall.relay.store import restoring
    from tincall.settings import example

    if folder.root.is_dir():
        restoring.finish(folder)  # else what the restore is about to put there would be made anew
        changeover.finish(folder)
    made = authority.make(folder, names, datetime.datetime.now(datetime.UTC))
    if not folder.settings.exists():
        text = example({"device": {"server_names": names}})
        made.append(files.write(folder.settings, text.encode(), 0o600))
    if not (folder.database.exists() and folder.database.stat().st_size):  # empty: power failed while it was made
        made.append(_make_database(folder.database))
    return made


def _make_database(path: Path) -> Path:
    import asyncio

    from tincall.relay.store.engine import Database

    asyncio.run(Database.open(path).close())
    return path


def _names(folder: "DataFolder") -> list[str]:
    from tincall.relay import authority

    return authority.names_of(authority.load_certificate(folder.server))


def _missing_names(folder: "DataFolder", names: list[str]) -> list[str]:
    return [name for name in names if name not in _names(folder)]


def _show(console: "Console", folder: "DataFolder", made: list[Path]) -> None:
    where = output.escape(folder.root)
    if not made:
        console.print(f"{where} is complete; nothing was changed.")
        return
    console.print(f"Made in {where}: {', '.join(path.name for path in made)}.")
    console.print(f"The server certificate is for {', '.join(_names(folder))}.")
    console.print(f"Keep a copy of the folder in a safe place, then start the relay: tincall relay --data {where}")

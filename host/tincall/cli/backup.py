"""`tincall backup`: one file from which a relay can be made again, while this one runs."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, DataOption

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.relay.store.backup import Backup
    from tincall.settings import DataFolder


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup to make; not there yet.")],
    data: DataOption = DEFAULT_DATA,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Take keys and secrets too: whoever has the file has the relay.")
    ] = False,
) -> None:
    """Make a backup of a data folder; its relay may run."""
    from tincall.relay.store import backup as store
    from tincall.settings import DataFolder

    folder = DataFolder(data)
    made = store.make(folder, file, _secrets(folder), with_keys, int(time.time()))
    document = {
        "file": str(file),
        "bytes": made.size_bytes,
        "schema": made.contents.schema,
        "files": list(made.contents.files),
        "missing": made.contents.missing,
    }
    output.result(document, lambda console: _show(console, made))
    if with_keys:
        output.note(f"{file} holds keys and secrets in the clear: keep it where only you can read it.")


def _secrets(folder: "DataFolder") -> list[str]:
    """Name the secrets of the settings; also those that are not in the folder, by their paths."""
    from tincall.settings import load

    given = load(folder.settings).wechat
    if not given.appid:
        return []
    return [given.secret_file, given.push_token_file, given.aes_key_file]


def _show(console: "Console", made: "Backup") -> None:
    names = ", ".join(made.contents.files)
    console.print(f"Made {output.escape(made.path)}, {made.size_bytes} bytes, checked: {output.escape(names)}.")
    if made.contents.missing:
        missing = ", ".join(made.contents.missing)
        console.print(f"Not in it, and needed to restore: {output.escape(missing)}.")
        console.print("They seldom change: keep one copy of them in a safe place, or give --with-keys.")

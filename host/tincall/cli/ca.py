"""`tincall ca`: how long the certificates last, and making new ones; a relay that runs takes them up by itself."""

import datetime
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, DataOption
from tincall.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.settings import DataFolder

TAKEN_UP_S = 20.0  # a running relay looks at its files every few seconds
LIST_MAX = 20
UNKNOWN = "Which boards have got the next CA cannot be told"


def show(data: DataOption = DEFAULT_DATA) -> None:
    """Show which certificates there are, and until when they are good."""
    from tincall.relay import authority, certificates, rollover

    folder = _folder(data)
    found = rollover.read(folder)
    now = _now()
    warnings = certificates.warnings(found, now)
    named = {"server": found.server, "ca": found.ca} | ({"next_ca": found.next_ca} if found.next_ca else {})
    document: dict[str, Any] = {
        "names": authority.names_of(found.server),
        "certificates": {
            name: {"from": _day(one.not_valid_before_utc), "until": _day(one.not_valid_after_utc)}
            for name, one in named.items()
        },
        "warnings": warnings,
    }
    who = ""
    if found.next_ca:
        document["lacking"], who = _lacking(data, folder)
    output.result(document, lambda console: _show(console, document, who))


def renew(
    data: DataOption = DEFAULT_DATA,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="Name or IP address that the new one is for besides those so far; several times."),
    ] = None,
) -> None:
    """Make a new server certificate; boards need nothing, and calls go on."""
    from tincall.relay import authority, rollover

    folder = _folder(data)
    made = rollover.renew(folder, host or [], _now())
    document = {"names": authority.names_of(made), "until": _day(made.not_valid_after_utc)}
    said = f"The server certificate is for {', '.join(document['names'])} and good until {document['until']}."
    output.result(document, lambda console: console.print(output.escape(said)))


def roll(data: DataOption = DEFAULT_DATA) -> None:
    """Make the next CA, which boards are given to trust beside the one they have."""
    from tincall.relay import rollover

    folder = _folder(data)
    is_new = rollover.roll(folder, _now())
    lacking, who = _lacking(data, folder)
    document = {"made": is_new, "lacking": lacking}
    said = ["The next CA is made." if is_new else "There is a next CA already.", who]
    output.result(document, lambda console: console.print(output.escape(" ".join(said))))


def switch(
    data: DataOption = DEFAULT_DATA,
    force: Annotated[
        bool, typer.Option("--force", help="Also while boards have not got the next CA; each of them is to be visited.")
    ] = False,
) -> None:
    """Let the next CA take the place of the first, once every board has it."""
    from tincall.relay import rollover

    folder = _folder(data)
    if folder.next_ca.exists() and not force:
        lacking, who = _lacking(data, folder)
        if lacking is None or lacking:
            first = (
                "Wait until they were linked, forget them"
                if lacking
                else f"See that a relay runs on it (`tincall relay --data {folder.root}`)"
            )
            hint = f"{first}, or go on with --force; then nothing but a visit helps a board that lacks it."
            raise OperatorError(who, hint)
    made = rollover.switch(folder, _now())
    document = {
        "until": _day(rollover.read(folder).ca.not_valid_after_utc),
        "server_until": _day(made.not_valid_after_utc),
    }
    said = (
        f"The next CA is in force until {document['until']}, and boards forget the one before. "
        "Make a backup with keys now: an older one holds a CA that no board trusts any more."
    )
    output.result(document, lambda console: console.print(output.escape(said)))


def _lacking(data: Any, folder: "DataFolder") -> tuple[list[str] | None, str]:
    """Ask the relay which boards lack the bundle that is in the folder; None: it cannot be told now. The same as a sentence."""
    from tincall.cli.client import Client
    from tincall.relay import rollover

    wanted = rollover.anchor_id(rollover.bundle(folder))
    until_s = time.monotonic() + TAKEN_UP_S
    try:
        with Client(data) as client:
            while True:
                found = client.get("/v1/ca")
                if found["anchor"] == wanted:
                    return list(found["lacking"]), _who_lacks(found["lacking"])
                if time.monotonic() > until_s:
                    why = f"since the relay has not taken it up within {TAKEN_UP_S:.0f} s; see what it writes"
                    return None, f"{UNKNOWN}, {why}."
                time.sleep(0.5)
    except OperatorError as problem:
        return None, f"{UNKNOWN}. {problem.message}"


def _who_lacks(lacking: list[str]) -> str:
    if not lacking:
        return "Every board has got it: `tincall ca switch` puts it in force."
    shown = ", ".join(lacking[:LIST_MAX]) + (f" and {len(lacking) - LIST_MAX} more" if len(lacking) > LIST_MAX else "")
    return f"{len(lacking)} {'board has' if len(lacking) == 1 else 'boards have'} not got it yet: {shown}."


def _folder(data: Any) -> "DataFolder":
    """Give a data folder after what power stopped in it is done.

    Raises:
        OperatorError: it cannot be written.
    """
    from tincall.relay import changeover
    from tincall.settings import DataFolder

    folder = DataFolder(data)
    changeover.finish(folder)
    return folder


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _day(when: datetime.datetime) -> str:
    return f"{when:%Y-%m-%d}"


def _show(console: "Console", document: dict[str, Any], who_lacks: str) -> None:
    means = {"server": "server certificate", "ca": "CA that boards trust", "next_ca": "next CA"}
    for name, one in document["certificates"].items():
        console.print(f"{means[name]:20}  {one['from']} to {one['until']}")
    console.print(output.escape(f"The server certificate is for {', '.join(document['names'])}."))
    for sentence in ([who_lacks] if who_lacks else []) + document["warnings"]:
        console.print(output.escape(sentence))


SUBCOMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "show": (show, "Show which certificates there are, and until when they are good."),
    "renew": (renew, "Make a new server certificate; boards need nothing, and calls go on."),
    "roll": (roll, "Make the next CA, which boards are given to trust beside the one they have."),
    "switch": (switch, "Let the next CA take the place of the first, once every board has it."),
}

"""`tincall emulate`: run the firmware as an emulated board in the foreground."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tincall.cli import event_lines, output
from tincall.emulator.child import FIRMWARE, Program
from tincall.emulator.folder import BoardFolder
from tincall.emulator.runner import Options, Outcome
from tincall.emulator.runner import emulate as run
from tincall.emulator.troubles import Troubles
from tincall.errors import STATUS_USAGE, OperatorError

if TYPE_CHECKING:
    from rich.console import Console


def emulate(
    folder: Annotated[Path, typer.Option(help="The board's folder; `tincall enrol` gives it an identity.")],
    board: Annotated[str, typer.Option(help="unix, unix32 (MicroPython) or cpython.")] = "unix",
    mic: Annotated[Path | None, typer.Option(help="WAV file played when the microphone opens.")] = None,
    speaker: Annotated[Path | None, typer.Option(help="WAV file to write what the speaker plays to.")] = None,
    factory_reset: Annotated[
        bool,
        typer.Option("--factory-reset", help="Hold both buttons while it starts until it has erased what it stored."),
    ] = False,
    claim: Annotated[
        Path | None,
        typer.Option(
            "--claim",
            metavar="FILE",
            help="Ticket of `tincall claim` for a board without a key; `-` reads it, with its code.",
        ),
    ] = None,
    heap: Annotated[str, typer.Option(help="MicroPython's heap, such as 128k.")] = "",
    clock: Annotated[
        datetime | None,
        typer.Option(
            help="What its clock shows at power-up, UTC; a chip wakes at 2000-01-01. The computer's if not given."
        ),
    ] = None,
    pty: Annotated[
        bool,
        typer.Option(
            "--pty", help="As a board on a cable: a serial port with MicroPython's console; its flash is flash.img."
        ),
    ] = False,
    room: Annotated[
        float | None,
        typer.Option(
            "--room",
            metavar="DB",
            min=0,
            max=90,
            help="The microphone hears the speaker, by so many dB less loud, and a little noise; silence if not given.",
        ),
    ] = None,
    main: Annotated[Path, typer.Option(help="Another main.py than the firmware's.", hidden=True)] = FIRMWARE
    / "main.py",
) -> None:
    """Run the firmware as an emulated board until Ctrl-C; buttons: `tincall call --button FOLDER`."""
    if factory_reset and not BoardFolder(folder).is_board():
        raise OperatorError(f"{folder} holds no board: there is nothing to erase.", "See --folder.", STATUS_USAGE)
    if claim is None and not pty and main == FIRMWARE / "main.py" and not BoardFolder(folder).is_board():
        hint = f"Give one: tincall enrol --sn SN --board {folder}, or --claim TICKET."
        raise OperatorError(f"{folder} holds no board.", hint, STATUS_USAGE)
    if claim is not None:
        from tincall.cli import claim_ticket

        claim_ticket.put(folder, claim)
    clock_s = None if clock is None else int(clock.replace(tzinfo=UTC).timestamp())
    program = Program(board, main.absolute(), heap, clock_s)
    options = Options(folder, program, mic, speaker, factory_reset, Troubles() if pty else None, room_db=room)
    listeners = [] if output.is_json() else [event_lines.drawer()]
    outcome = run(options, *listeners)
    output.result(
        dataclasses.asdict(outcome), lambda console: _show(console, folder, outcome), _problem(folder, outcome)
    )


def _problem(folder: Path, outcome: Outcome) -> OperatorError | None:
    """Say why the board stopped, if it was not meant to."""
    if outcome.reason in ("switched off", "reset") or (outcome.reason == "ended" and not outcome.last_error):
        return None
    log = f"All it said is in {folder / 'board.log'}."
    if outcome.reason == "ended":
        said = outcome.last_error
        hint = f"Enrol it: tincall enrol --sn SN --board {folder}" if said.get("step") == "identity" else log
        return OperatorError(f"the board stopped: {said.get('detail') or said.get('reason')}", hint)
    if outcome.reason == "hopeless":
        return OperatorError(f"the board resets itself for ever ({outcome.lives} times so far)", log)
    last = outcome.text[-1].strip() if outcome.text else "it said nothing"
    return OperatorError(f"the firmware crashed with status {outcome.status}: {last}", log)


def _show(console: "Console", folder: Path, outcome: Outcome) -> None:
    if outcome.reason == "reset":
        said = f"The board has erased what it stored. Enrol it anew: tincall enrol --sn SN --board {folder}"
        console.print(output.escape(said))
        return
    heard = outcome.speaker.get("samples")
    console.print(
        f"Board {outcome.reason}; starts {outcome.lives}, microphone overruns {outcome.overruns}, "
        f"speaker underruns {outcome.underruns}" + (f", {heard} samples recorded." if heard is not None else ".")
    )

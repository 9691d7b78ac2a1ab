"""`tincall call` and `tincall hangup`: let a phone call a board, press an emulated board's buttons, end a call."""

from pathlib import Path
from typing import Annotated

import typer

from tincall.cli import output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption
from tincall.errors import STATUS_USAGE, OperatorError

ButtonOption = Annotated[
    Path | None, typer.Option("--button", metavar="FOLDER", help="Press the button of the emulated board in FOLDER.")
]


def call(
    sn: Annotated[str, typer.Argument(metavar="[SN]", help="Serial number of the board to call.")] = "",
    phone: Annotated[str, typer.Option("--phone", metavar="ID", help="The phone that calls it.")] = "",
    button: ButtonOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Let a phone call a board, or press a board's call button: it calls, or answers when it rings."""
    if button is not None and not sn and not phone:
        press(button, "call")
        return
    if not sn or not phone or button is not None:
        raise OperatorError("Say who calls.", "Give SN and --phone ID, or --button FOLDER alone.", STATUS_USAGE)
    with Client(data) as client:
        made = client.post("/v1/calls", {"sn": sn, "phone": phone})
    sentence = f"{phone} calls {sn}. `tincall calls {made['call']}` shows how it goes."
    output.result(made, lambda console: console.print(output.escape(sentence)))


def hangup(
    call_id: Annotated[str, typer.Argument(metavar="[ID]", help="The call to end.")] = "",
    button: ButtonOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """End a call as the operator, or press a board's end button."""
    if (button is None) == (not call_id):
        raise OperatorError("Say which call.", "Give either its ID or --button FOLDER.", STATUS_USAGE)
    if button is not None:
        press(button, "end")
        return
    with Client(data) as client:
        done = client.post(paths.call(call_id, "hangup"), {})
    output.result(done, lambda console: console.print(f"Call {output.escape(call_id)} is ended."))


def press(folder: Path, button: str) -> None:
    """Press a button of a running emulated board.

    Raises:
        OperatorError: no board runs in that folder.
    """
    from tincall.emulator.control import BoardControl

    with BoardControl(folder) as board:
        board.press(button)
    document = {"board": str(folder), "pressed": button}
    output.result(
        document, lambda console: console.print(f"The {button} button of {output.escape(folder)} is pressed.")
    )

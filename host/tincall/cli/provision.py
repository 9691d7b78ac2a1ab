"""`tincall provision`: give a board with firmware its number, its key, its relay and its network, and let it prove them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption
from tincall.cli.install import BaudOption, PortOption
from tincall.errors import STATUS_USAGE, OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.cli.provisioning import Network, Provisioning
    from tincall.settings import DataFolder
    from tincall.workbench.journey import Step

WifiOption = Annotated[
    str, typer.Option("--wifi", metavar="SSID", help="The WiFi to use; its password is asked for, or read from stdin.")
]
WifiKeyOption = Annotated[
    Path | None, typer.Option("--wifi-key-file", help="File with the WiFi's password, that only you may read.")
]
_STDIN_BYTES = 4096


def provision(
    sn: Annotated[
        str, typer.Option("--sn", help="Serial number; the one it has, or made of board and chip if not given.")
    ] = "",
    port: PortOption = "",
    name: Annotated[str, typer.Option("--name", help="Name for people; the serial number if not given.")] = "",
    model: Annotated[str, typer.Option("--model", help="Model id; `tincall` if not given.")] = "",
    host: Annotated[
        str, typer.Option("--host", help="How the board reaches the relay; the first of server_names if not given.")
    ] = "",
    wifi: WifiOption = "",
    wifi_key_file: WifiKeyOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Give it a new key, though it has one, or though it was another board.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Show how all steps stand and change nothing; status 1 if one is not done.")
    ] = False,
    baud: BaudOption = 115_200,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Give a board its number, its key, its relay and its network.

    What is done already is left as it is; after an interruption run it again. The board's firmware is stopped meanwhile, so a
    call that goes on ends; afterwards the board is reset.
    """
    from tincall.cli.enrol import address
    from tincall.cli.provisioning import Provisioning, Wanted
    from tincall.settings import DataFolder
    from tincall.workbench import ports
    from tincall.workbench.journey import Journey
    from tincall.workbench.serial_board import SerialBoard

    if sn:
        paths.check_sn(sn)
    folder = DataFolder(data)
    journey = Journey(show_step)
    problem, work = None, None
    with Client(data) as client:
        client.get("/readyz")  # before a board is interrupted for nothing
        address(folder, host)
        path = port or ports.the_one()
        wanted = Wanted(sn, name, model, host, again, network(wifi, wifi_key_file, check))
        with SerialBoard.open(path, baud) as board:
            try:
                work = Provisioning(board, client, folder, wanted, journey, ask, check)
                work.run()
            except OperatorError as error:
                problem = error
            finally:
                board.restart()
        sn = work.sn if work else sn
        if check and problem is None and not journey.is_done:
            problem = OperatorError(f"{sn} is not ready.", "The same without --check does what is not done.")
        phone = None if check or problem else phone_side(client, folder, sn)
    word = (work.setup_word if work else "") or None
    document = {
        **_who(work, sn, path),
        **{"done": problem is None, "changed": journey.has_changed, "steps": journey.document()},
        **{"phone": phone, "setup_password": word},
        "wire": {"sent": board.traffic.sent_bytes, "received": board.traffic.received_bytes},
    }
    output.result(document, lambda console: _show(console, sn, phone, word), problem)


def network(ssid: str, key_file: Path | None, check: bool = False) -> Network | None:
    """Give the network that was named by options; its password comes from a file, from stdin or from the keyboard.

    Raises:
        OperatorError: status 2; a file without a name, or one that others may read, or nothing came.
    """
    from tincall.settings import read_secret

    if not ssid and key_file is not None:
        raise OperatorError("--wifi-key-file needs --wifi.", "Name the network: --wifi SSID", STATUS_USAGE)
    if not ssid or check:
        return (ssid, "") if ssid else None
    if key_file is not None:
        key = read_secret(key_file, "Put the password into it, for you alone.").decode("utf-8", "replace")
    elif sys.stdin.isatty():
        key = _password(ssid)
    else:
        key = sys.stdin.readline(_STDIN_BYTES)
        if not key:
            hint = "Give it on stdin or by --wifi-key-file; an empty line is for an open network."
            raise OperatorError(f"there is no password for {ssid}.", hint, STATUS_USAGE)
    return ssid, key.rstrip("\r\n")


def ask(heard: list[tuple[str, int, bool]], why: str) -> Network:
    """Ask the person for a network: the one question.

    Raises:
        OperatorError: status 2; there is nobody to ask.
    """
    if not sys.stdin.isatty():
        hint = "Give --wifi SSID, and the password on stdin or by --wifi-key-file."
        raise OperatorError("the board needs a WiFi, and nobody is here to name one.", hint, STATUS_USAGE)
    if why:
        output.note(f"That did not work: {why}.")
    locked = {ssid: is_locked for ssid, _, is_locked in heard}
    output.note("Which WiFi shall the board use? It hears:")
    for number, (ssid, rssi, is_locked) in enumerate(heard, 1):
        output.note(f"  {number:2}  {_plain(ssid):32} {rssi:4} dBm{'' if is_locked else '  open'}")
    said = str(typer.prompt("Number, or another name", err=True)).strip()
    ssid = heard[int(said) - 1][0] if said.isdigit() and 0 < int(said) <= len(heard) else said
    return ssid, _password(ssid) if locked.get(ssid, True) else ""


def _password(ssid: str) -> str:
    return str(typer.prompt(f"Password of {_plain(ssid)}", hide_input=True, default="", show_default=False, err=True))


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def phone_side(client: Client, folder: DataFolder, sn: str) -> dict[str, Any]:
    """Say how a person's phone comes to the board: an invite, where there is a mini program and nobody has come yet."""
    from tincall.cli.invite import HOUR_S
    from tincall.settings import load

    if not load(folder.settings).wechat.appid:
        phones = [str(one["id"]) for one in client.get("/v1/phones")["phones"]]
        return {"invite": None, "contacts": len(phones), "phones": phones}
    contacts = client.get(paths.device(sn, "contacts"))["contacts"]
    if contacts:
        return {"invite": None, "contacts": len(contacts)}
    made = client.post(paths.device(sn, "invites"), {"name": "", "life_s": 24 * HOUR_S})
    return {"invite": made["invite"], "expires_s": made["expires_s"], "contacts": 0}


def _who(work: Provisioning | None, sn: str, path: str) -> dict[str, Any]:
    """Say which board it was, and how it was verified just now, if it was."""
    told = {"sn": sn, "port": path, "board": work.kind if work else "", "uid": work.uid if work else ""}
    found = work.verified if work else None
    if found is None:
        return {**told, "verified": None}
    verified = {"verify_ms": found.verify_ms, "wifi_ms": found.wifi_ms, "ssid": found.ssid, "kv": found.kv}
    return {**told, "verified": {**verified, "where": found.where}}


def show_step(step: Step) -> None:
    if not output.is_json():
        output.note(_plain(step.line))


def _show(console: Console, sn: str, phone: dict[str, Any] | None, word: str | None) -> None:
    if phone is None:
        return
    console.print(f"\nThe board is [bold]{output.escape(sn)}[/bold].")
    if word:
        console.print(f"For its label: the password of its setup page is [bold]{output.escape(word)}[/bold].")
    if phone["invite"]:
        draw(phone["invite"], console)
        until = output.when(phone["expires_s"] * 1000)
        console.print(f"[bold]{phone['invite']}[/bold] brings one person to it, until {until}.")
        console.print("In the mini program it goes under Settings.")
    elif "phones" not in phone:
        console.print(f"{phone['contacts']} people have come to it; `tincall invite {output.escape(sn)}` invites more.")
    elif phone["phones"]:
        names = ", ".join(phone["phones"])
        console.print(output.escape(f"Its call button calls a phone that the relay plays: {names}."))
        console.print("For people's own phones the relay needs a mini program; see docs/wechat.md.")
    else:
        console.print("It has nobody to call: the relay has no mini program (docs/wechat.md) and plays no phones.")
        console.print("To try it: tincall relay --phones docs/phones.toml")


def draw(text: str, console: Console) -> None:
    """Draw a QR code where a person can point a camera at it."""
    if not console.is_terminal:
        return
    try:
        import segno
    except ModuleNotFoundError:
        return  # the text is there, too
    segno.make(text, micro=False).terminal(out=sys.stdout, compact=True)

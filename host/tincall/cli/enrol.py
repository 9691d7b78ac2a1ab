"""`tincall enrol`: register a board with the relay, and write its identity into an emulated board's flash.

The key goes from the relay's answer into the board's record and nowhere else: it is never printed, and where the record
cannot be written the enrolment is taken back.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tincall.cli import output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption, running
from tincall.emulator import shelf
from tincall.emulator.folder import BoardFolder
from tincall.errors import OperatorError
from tincall.settings import DataFolder, load

# as firmware/handset/identity.py and firmware/handset/marks.py name the records and number their kinds
IDENTITY = ("identity", 1)
MARKS = ("marks", 2)
# a time server's name (RFC 1035) and its field
MORE_BYTES = 270


class Profile(StrEnum):
    """How a board proves itself; as `relay.device_rows.PROFILES`."""

    HMAC = "hmac"
    MTLS = "mtls"


def enrol(
    sn: Annotated[str, typer.Option("--sn", help="Serial number: 0-9 A-Z a-z _ -, at most 128.")],
    board: Annotated[Path, typer.Option("--board", metavar="FOLDER", help="The emulated board's folder.")],
    model: Annotated[str, typer.Option("--model", help="Model id.")] = "tincall",
    name: Annotated[str, typer.Option("--name", help="Name for people; the serial number if not given.")] = "",
    host: Annotated[
        str, typer.Option("--host", help="How the board reaches the relay; the first of server_names if not given.")
    ] = "",
    profile: Annotated[
        Profile,
        typer.Option("--profile", help="`hmac`: a key; `mtls`: a certificate, too. See docs/security.md."),
    ] = Profile.HMAC,
    sntp: Annotated[
        str,
        typer.Option(
            "--sntp", help="Time server that the board may ask for a hint; seldom needed, see docs/storage.md."
        ),
    ] = "",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Register a board, and give an emulated one its identity."""
    paths.check_sn(sn)
    if sntp:
        _check_host(sntp)
    folder = DataFolder(data)
    where = address(folder, host)
    more = {"sntp": sntp} if sntp else {}
    place = BoardFolder(board)
    place.take()
    try:
        with Client(data) as client, handed_over(client, sn, model, name, profile) as answer:
            try:
                write_identity(place, fields_of(answer, where, folder) | more)
            except (OperatorError, OSError) as error:
                why = error.message if isinstance(error, OperatorError) else str(error.strerror)
                hint = f"{sn} is not enrolled; mend that and try again."
                raise OperatorError(f"{place.path} cannot be written: {why}.", hint) from None
    finally:
        place.release()
    document = {
        "sn": sn,
        "model_id": model,
        "name": answer["name"],
        "profile": answer["profile"],
        "board": str(board),
        **where,
    }
    said = f"{sn} is enrolled, and {board} is that board. Switch it on: tincall emulate --folder {board}"
    output.result(document, lambda console: console.print(output.escape(said)))


def _check_host(name: str) -> None:
    from tincall.relay import authority

    authority.name_of(name)


@contextmanager
def handed_over(
    client: Client, sn: str, model: str, name: str, profile: Profile = Profile.HMAC
) -> Iterator[dict[str, Any]]:
    """Enrol a board for a block that gives it the key; where the block fails or is interrupted, the enrolment is taken back.

    If this process dies within the block, the relay has a device that was never verified, whose key nobody has.

    Gives:
        The relay's answer, which holds the key this one time, with profile `mtls` a certificate and its private key.

    Raises:
        OperatorError: the relay is not there, or refuses.
    """
    answer = client.post("/v1/devices", {"sn": sn, "model_id": model, "name": name, "profile": profile})
    is_there = False
    try:
        yield answer
        is_there = True
    finally:
        if not is_there:
            with suppress(OperatorError):  # why it failed is what people have to know
                client.delete(paths.device(sn))


def address(folder: DataFolder, host: str = "") -> dict[str, Any]:
    """Find where a board shall connect to: `host` and `port`.

    Args:
        folder: the relay's data folder.
        host: how boards name the relay, or empty for what the settings say.

    Raises:
        OperatorError: status 2; the server certificate is not for that name, or no port is known.
    """
    from tincall.relay import authority

    settings = load(folder.settings)
    name = host or (settings.device.server_names or ["127.0.0.1"])[0]
    known = authority.names_of(authority.load_certificate(folder.server))
    if name not in known:
        hint = f"Choose one of them, or run `tincall ca renew --host {name}`."
        raise OperatorError(f"{folder.server} is for {', '.join(known)}, not for {name}.", hint, 2)
    port = running(folder).get("device_port", settings.device.port)
    if not port:
        raise OperatorError("The relay's port is not known while it does not run.", "Start it first.", 2)
    return {"host": name, "port": port}


def fields_of(enrolled: dict[str, Any], where: dict[str, Any], folder: DataFolder) -> dict[str, Any]:
    """Put a board's identity together from the relay's answer; the result holds the key.

    Raises:
        OperatorError: names and certificate are too long for a board's record.
    """
    from tincall.relay import rollover

    certificate = {"cert": enrolled["cert"]} if "cert" in enrolled else {}
    fields = {
        "sn": enrolled["sn"],
        "model_id": enrolled["model_id"],
        "kv": enrolled["kv"],
        "key": base64.b64decode(enrolled["key"]).hex(),
        "host": where["host"],
        "port": where["port"],
        "name": where["host"],
        "ca": rollover.bundle(folder),
        "time": enrolled["created_s"],
        **certificate,
    }
    if certificate:
        _check_room(fields)
    return fields


def _check_room(fields: dict[str, Any]) -> None:
    """See that all that may ever come beside a certificate fits with it: the next one, and a second authority."""
    from callcore.evidence import MAX_ANCHOR_CHARS
    from callcore.record import MAX_BODY_BYTES

    coming = {name: fields[name] for name in ("kv", "key", "cert")}
    lines = "\n" * (MAX_ANCHOR_CHARS // 50)  # of PEM; each takes a byte more in a record
    fullest = {**fields, "ca": "-" * (MAX_ANCHOR_CHARS - len(lines)) + lines, "next": coming}
    if len(json.dumps(fullest)) + MORE_BYTES > MAX_BODY_BYTES:
        hint = "Take a shorter serial number or host name, or the profile `hmac`."
        raise OperatorError("A board's record has no room for a certificate beside these names.", hint, 1)


def write_identity(folder: BoardFolder, fields: dict[str, Any]) -> None:
    """Write a board's identity as its firmware reads it.

    What the board counts goes on, whoever it is. Only where no copy of that can be read any more it goes, before the identity:
    a new key begins anew. If power fails, a reader finds the old identity or the new one.

    Args:
        folder: the board's.
        fields: `sn model_id kv key host port name ca`; the key in hexadecimal; `cert` where it has a certificate.

    Raises:
        OSError: the folder cannot be written.
        OperatorError: a later firmware's record is there.
    """
    folder.flash.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shelf.load(folder, *MARKS) is None:
        shelf.forget(folder, MARKS[0])
    shelf.save(folder, *IDENTITY, json.dumps(fields).encode())

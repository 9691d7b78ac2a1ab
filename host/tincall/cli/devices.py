"""`tincall devices`: the boards that the relay knows, which are linked, how each is switched off and on, its key."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import events, output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption
from tincall.errors import STATUS_USAGE, OperatorError

if TYPE_CHECKING:
    from rich.console import Console

SHOW = "show"
DECISIONS = ("suspend", "resume", "revoke")
ROTATE = "rotate"
WORDS = (SHOW, *DECISIONS, ROTATE)
MEANS = {
    "new": "was never verified",
    "active": "may come in",
    "suspended": "is switched off until `tincall devices resume {sn}`",
    "conflict": "is refused, since two boards use its serial number and key; see `tincall devices show {sn}`",
    "revoked": "is switched off for good",
}
BACK = "Its board tries again within the hour, and at once when it is switched off and on."
WHYS = {"uid_mismatch": "another chip", "counter_rollback": "an older or copied memory"}


def devices(
    word: Annotated[
        str,
        typer.Argument(metavar="[WORD]", help="`show`, `suspend`, `resume`, `revoke` or `rotate`; nothing lists all."),
    ] = "",
    sn: Annotated[str, typer.Argument(metavar="[SN]", help="Which board.")] = "",
    data: DataOption = DEFAULT_DATA,
    forget: Annotated[
        str, typer.Option("--forget", metavar="SN", help="End this board's enrolment; its key is gone for good.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="With `rotate`: every board that is not revoked.")] = False,
) -> None:
    """List the boards that are enrolled, show how one stands, switch it off and on again, or change its key."""
    _check(word, sn, forget, every)
    with Client(data) as client:
        if forget:
            done = client.delete(paths.device(forget))
            output.result(done, lambda console: console.print(f"{output.escape(forget)} is forgotten."))
        elif word == ROTATE:
            _rotate(client, sn)
        elif word == SHOW:
            stands = {"device": client.get(paths.device(sn)), "standing": client.get(paths.device(sn, "standing"))}
            stands |= {"events": client.get(f"{events.path_of(sn)}?limit={events.LATEST}")["events"]}
            output.result(stands, lambda console: _show_one(console, stands))
        elif word:
            decision = client.post(paths.device(sn, word), {})
            output.result(decision, lambda console: console.print(_told(decision)))
        else:
            found = client.get("/v1/devices")
            output.result(found, lambda console: _show(console, found["devices"]))


def _check(word: str, sn: str, forget: str, every: bool) -> None:
    """Refuse what is no usage.

    Raises:
        OperatorError: status 2; an unknown word, or one without its serial number, or `--all` with another than `rotate`.
    """
    if word and word not in WORDS:
        raise OperatorError(f"`tincall devices {word}` is nothing.", f"The words are {', '.join(WORDS)}.", STATUS_USAGE)
    if every and (word != ROTATE or sn or forget):
        hint = "It stands for every board in `tincall devices rotate --all`."
        raise OperatorError("`--all` has no place here.", hint, STATUS_USAGE)
    if bool(word) != (bool(sn) or every) or (word and forget):
        raise OperatorError("One word and one serial number.", "As in `tincall devices suspend SN`.", STATUS_USAGE)


def _rotate(client: Client, sn: str) -> None:
    """Begin to change one board's key, or every board's."""
    if sn:
        rotation = client.post(paths.device(sn, ROTATE), {})
        output.result(rotation, lambda console: console.print(_rotating(rotation)))
        return
    boards = [one["sn"] for one in client.get("/v1/devices")["devices"] if one["state"] != "revoked"]
    done = [client.post(paths.device(one, ROTATE), {}) for one in boards]
    linked = sum(one["linked"] for one in done)
    boards_get = "1 board gets" if len(done) == 1 else f"{len(done)} boards get"
    said = f"{boards_get} a new key: {linked} at once or after their call, the others when they connect."
    backup = "Make a backup when they have them: one from before does not know the new keys."
    output.result({"rotations": done}, lambda console: console.print(f"{said}\n{backup}"))


def _rotating(rotation: dict[str, Any]) -> str:
    sn = rotation["sn"]
    begins = "at once, or after its call" if rotation["linked"] else "when it connects"
    before = "" if rotation["changed"] else " It was to get one before, and it will be the same."
    return output.escape(f"{sn} gets a new key {begins}; `tincall devices show {sn}` tells.{before}")


def _told(decision: dict[str, Any]) -> str:
    sn, state = decision["sn"], decision["state"]
    means = MEANS[state].format(sn=sn)
    if not decision["changed"]:
        return output.escape(f"{sn} {means}; it was so before.")
    # a board that was refused knocks once an hour: _LINK_RETRY_S of handset/app.py, and callcore/refusals.py
    back = f" {BACK}" if state == "active" else ""
    return output.escape(f"{sn} {means}.{back}")


def _show_one(console: "Console", stands: dict[str, Any]) -> None:
    """Draw how a device stands, and who else came with its key."""
    device, found = stands["device"], stands["standing"]
    sn, second = found["sn"], found["second_board"]
    lines = [f"{sn} ({device['name']}) {MEANS[found['state']].format(sn=sn)}."]
    link = f"linked from {found['address']}" if found["linked"] else "not linked"
    lines.append(f"Its board: chip {found['uid'] or 'not known yet'}, counter {found['counter']}, {link}.")
    lines.append(_keys(found))
    if found["claim"]:
        lines.append(_claim(found["claim"], time.time()))
    if second:
        seen = output.when(second["seen_s"] * 1000)
        lines.append(
            f"A second board came with its key, {second['times']} times, last at {seen} from {second['address']}: "
            f"{WHYS[second['why']]}; chip {second['uid']}, counter {second['counter']}, firmware {second['firmware']}."
        )
        lines.append(f"Take it off the net, then: tincall devices resume {sn}")
        lines.append(f"Or give the board a new key: tincall devices --forget {sn}, and tincall enrol --sn {sn}")
    for event in stands["events"]:
        lines.append(f"It told of {events.when(event)}: {events.told(event)}.")
    for line in lines:
        console.print(output.escape(line))


def _claim(claim: dict[str, Any], now_s: float) -> str:
    """Say who has claimed a key that was not used yet, and how long the claim is good."""
    until = output.when(claim["expires_s"] * 1000)
    if claim["uid"]:
        return f"Chip {claim['uid']} has claimed its key and was not verified since; the claim is good until {until}."
    if claim["expires_s"] <= now_s:
        return f"Its claim ended {until} and was not used; `tincall claim` opens another."
    return f"Its claim, until {until}, was not used yet."


def _keys(found: dict[str, Any]) -> str:
    """Say how old a board's key is, and whether the next one waits for the board."""
    since = f"Its key is number {found['kv']}, since {output.when(found['key_s'] * 1000)}"
    if found["cert_until_s"]:
        since += f", with a certificate until {output.when(found['cert_until_s'] * 1000)}"
    if not found["next_key_s"]:
        return since + "."
    return f"{since}; number {found['kv'] + 1} waits since {output.when(found['next_key_s'] * 1000)} for the board to connect."


def _key(device: dict[str, Any]) -> str:
    """Say in a few words which key a board has, and until when its certificate is good."""
    said = [str(device["kv"])]
    if device["cert_until_s"]:
        said.append(f"certificate until {output.when(device['cert_until_s'] * 1000)[:10]}")
    if device["next_key_s"] and device["state"] != "revoked":
        said.append("new one waits")
    return ", ".join(said)


def _show(console: "Console", found: list[dict[str, Any]]) -> None:
    from rich.table import Table

    if not found:
        console.print("No board is enrolled. `tincall enrol --sn SN` enrols one.")
        return
    columns = ("serial number", "name", "model", "state", "key", "link", "board", "firmware", "last seen")
    table = Table(*columns, box=None)
    for device in found:
        link = device["link"]
        table.add_row(
            *(output.escape(device[key]) for key in ("sn", "name", "model_id", "state")),
            _key(device),
            "up" if link else "-",
            *(output.escape((link or device)[key]) for key in ("board", "firmware")),
            "now" if link else output.when(device["last_seen_s"] * 1000),
        )
    console.print(table)

#!/usr/bin/env python3
"""Write the tables of the platform's numbers into docs/wechat.md: statuses, hang-up reasons, answers, refusals, errors.

    tools/wechat_tables.py            write the part of the page between the two marks
    tools/wechat_tables.py --check    show what would change, write nothing, exit 1 if anything would

The tables are made of the code alone (`vocabulary.py`, `errors.tsv`, `notify.py`, `pushes.py`), so they cannot say anything
else than what the relay does and prints. It wants the project's virtual environment, since it imports the relay.
"""

import argparse
import difflib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = Path("docs") / "wechat.md"
sys.path[:0] = [str(ROOT / "firmware"), str(ROOT / "host")]

from callcore import causes, sentences  # noqa: E402
from tincall.leg import DEVICE, IN, OUT, PHONE  # noqa: E402
from tincall.wechat import notify, pushes, vocabulary  # noqa: E402
from tincall.wechat.vocabulary import RELAY, Meaning, Reason, Status  # noqa: E402

BEGIN = "<!-- made by tools/wechat_tables.py: begin -->"
END = "<!-- made by tools/wechat_tables.py: end -->"

WHO = {DEVICE: "the board", PHONE: "the phone", RELAY: "neither"}
RETRIES = {
    "no": "no",
    "once": "once, as it is",
    "later": "later, ever more slowly",
    "token": "once, with a new access token",
    "ticket": "once, with a new device ticket",
    "done": "nothing is wrong",
}
APIS = {
    "any": "every interface on api.weixin.qq.com, unless it is named below with the same number",
    "token": "stable_token",
    "login": "code2Session",
    "ticket": "getSnTicket",
    "call": "iot/voip/call",
    "group": "device groups",
    "message": "device messages",
    "rid": "looking up a failed request",
    "quota": "looking up a quota",
    "add_device": "addDevice, for Android devices",
    "room": "the platform's server library (wx_error_t), as a room end tells it",
    "plugin": "the VoIP plug-in in the mini program",
    "consent": "wx.requestDeviceVoIP in the mini program",
    "sdk": "the platform's library for small devices, which Tincall does not use",
    "network": "the network functions of that library",
    "linux": "the platform's library for Linux devices",
    "register": "registering a device",
    "licence": "licences, which Tincall does not ask for",
    "wmpf": "the framework on Android devices",
}


def _table(*rows: tuple[str, ...]) -> list[str]:
    """Write a table; the first row is its head."""
    head, *rest = rows
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rest]
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines, ""]


def _cause(number: int) -> str:
    return f"{number} {causes.name(number)}"


def statuses() -> list[str]:
    """Write what each status of a room leads to, by who called."""
    rows = [("status", "name", "a call of the board", "a call of the phone")]
    for status in Status:
        said = []
        for direction in (OUT, IN):
            if vocabulary.is_over(status):
                cause, who = vocabulary.ending(status, direction)
                said.append(f"over: {_cause(cause)}, by {WHO[who]}")
            else:
                said.append({Status.IDLE: "noted", Status.TALKING: "sound flows"}.get(status, "the phone rings"))
        if status == Status.CALLING:
            said[1] = "noted"
        rows.append((f"`{int(status)}`", status.name, *said))
    return ["### Statuses of a room", "", *_table(*rows)]


def reasons() -> list[str]:
    """Write which causes each hang-up reason is said for."""
    rows = [("reason", "name", "said when our side ends a call by")]
    said: dict[Reason, list[str]] = {}
    for number in sorted(value for name, value in vars(causes).items() if name.isupper() and type(value) is int):
        if sentences.is_known(number):
            said.setdefault(vocabulary.reason_for(number, busy_known=True), []).append(_cause(number))
    for reason in Reason:
        told = ", ".join(said.get(reason, [])) or "never"
        if reason == Reason.BUSY:
            told += f"; only if `busy_reason` is 9, else {int(Reason.REJECT)} is said"
        if reason == Reason.MANUAL:
            told = "everything else"
        rows.append((f"`{int(reason)}`", reason.name, told))
    return ["### Hang-up reasons", "", *_table(*rows)]


def answers() -> list[str]:
    """Write what the relay answers a push with, and what it refuses."""
    words = [(f"`{notify.GO_ON}`", "ok")] + [(f"`{number}`", f"`{word}`") for word, number in notify.NUMBERS.items()]
    refusals = [(f"`{word}`", str(status), sentence) for word, (status, sentence) in pushes._REFUSALS.items()]
    return [
        "### What the relay answers an event with",
        "",
        "The platform only looks at 0 or not; the number is for people, and `errmsg` says more precisely why.",
        "",
        *_table(("`errcode`", "word"), *words),
        "### What the relay says to a push that is not authentic",
        "",
        *_table(("reason", "HTTP status", "sentence"), *refusals),
    ]


def errors() -> list[str]:
    """Write every error number by the interfaces that say it, in the order of `errors.tsv`."""
    rows: dict[tuple[int, int, str, str, str], list[str]] = {}
    for (api, number), found in vocabulary.table().items():
        rows.setdefault((number, *_sense(found)), []).append(api)
    lines = ["### Error numbers", "", *_table(("interface", "is"), *((f"`{api}`", APIS[api]) for api in APIS))]
    head = ("number", "said by", "cause", "sentence", "advice", "does trying again help")
    body = [
        (f"`{number}`", " ".join(f"`{api}`" for api in apis), _cause(cause), sentence, advice, RETRIES[retry])
        for (number, cause, retry, sentence, advice), apis in rows.items()
    ]
    return [*lines, *_table(head, *body)]


def _sense(meaning: Meaning) -> tuple[int, str, str, str]:
    return meaning.cause, meaning.retry, meaning.sentence, meaning.advice


def tables() -> str:
    """Write all of them."""
    return "\n".join([*statuses(), *reasons(), *answers(), *errors()])


def renewed(page: str) -> str:
    """Give a page with the tables as they must be.

    Raises:
        ValueError: the two marks are not there, once each and in order.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(END) < page.index(BEGIN):
        raise ValueError(f"{PAGE} must hold these two lines once, in this order:\n{BEGIN}\n{END}")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{rest.split(END)[1]}"


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write or check; give the exit status."""
    parser = argparse.ArgumentParser(description="Write the platform's numbers into docs/wechat.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the page would change")
    options = parser.parse_args(arguments)
    path = root / PAGE
    try:
        before = path.read_text(encoding="utf-8")
        after = renewed(before)
    except (OSError, ValueError) as error:
        print(f"wechat_tables: {error}", file=sys.stderr)
        return 1
    if before == after:
        print(f"{PAGE} is up to date")
        return 0
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(PAGE), "the code", lineterm="")
    print("\n".join(lines))
    if options.check:
        return 1
    path.write_text(after, encoding="utf-8")
    print(f"{PAGE} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

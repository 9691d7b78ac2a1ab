#!/usr/bin/env python3
"""Draw the tables of callcore/call.py and authority.py into docs/call-states.md: a diagram and a table per end of the link.

    tools/draw_states.py            write the page
    tools/draw_states.py --check    show what would change, write nothing, exit 1 if anything would

The page is made of the tables alone, so it cannot say anything else than the code does.
"""

import argparse
import difflib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = Path("docs") / "call-states.md"
sys.path.insert(0, str(ROOT / "firmware"))

from callcore import authority, call  # noqa: E402

HEAD = f"""\
# States of a call

Drawn from the tables of `firmware/callcore/call.py` and `authority.py` by `tools/draw_states.py`; do not edit.

Each end of the link between a board and its relay holds one machine for each call. `>verb` is what the own user wants,
`<message` what the peer says, `!timeout` and `!lost` (the link is gone) come from the world; after the stroke stands the
message that is sent on the way. What the tables do not have is illegal: it is refused and changes nothing. The diagrams
write › and ‹ for > and <, and leave out what is late.

Entering ANSWERED starts media and the clock of the call, leaving it stops both. Only the caller may cancel; only the callee
may ring, answer and reject. DIALLING and RINGBACK time out when the ring time of the invite is over, RINGING
{call.RING_MARGIN_MS:,} ms later, CLOSING after {call.CLOSING_MS:,} ms.
"""
MEANING = {
    call.IDLE: "nothing has been said",
    call.DIALLING: "we have sent an invite",
    call.RINGBACK: "the far end rings",
    call.RINGING: "we were invited",
    call.ANSWERED: "media flows both ways",
    call.CLOSING: "it is over here; waiting for the relay's `ended`",
    call.ENDED: "over, with a cause",
}

Rows = tuple[tuple[tuple[str, ...], tuple[str, ...], str, str], ...]


def reachable(rows: Rows) -> list[str]:
    """Give the states that can be reached from IDLE, in the order of the machine."""
    found = {call.IDLE}
    while True:
        more = {row[2] for row in rows if row[2] != call.STAY and found & set(row[0])} - found
        if not more:
            return [state for state in call.STATES if state in found]
        found |= more


def moves(rows: Rows) -> dict[tuple[str, str], list[str]]:
    """Gather, for each pair of states, the labels of the steps between them, in the order of the states."""
    states = reachable(rows)
    gathered: dict[tuple[str, str], list[str]] = {}
    for state in states:
        for named, events, following, send in rows:
            if state in named and (following != call.STAY or send):
                labels = gathered.setdefault((state, following or state), [])
                labels.extend(f"{event} / {send}" if send else event for event in events)
    return gathered


def diagram(rows: Rows) -> list[str]:
    """Write a Mermaid state diagram; < and > become ‹ and ›, which no renderer takes for markup."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {call.IDLE}"]
    for (state, following), labels in moves(rows).items():
        text = ", ".join(label.replace("<", "‹").replace(">", "›") for label in labels)
        lines.append(f"    {state} --> {following}: {text}")
    return [*lines, f"    {call.ENDED} --> [*]", "```"]


def table(rows: Rows) -> list[str]:
    """Write a table: a line for each state and event, with what follows, what is sent, and what is late."""
    lines = ["| state | event | next | sent |", "|---|---|---|---|"]
    for state in reachable(rows):
        late = []
        for named, events, following, send in rows:
            if state not in named:
                continue
            if following == call.STAY and not send:
                late += events
                continue
            said = f"`{send}`" if send else ""
            lines += [f"| {state} | `{event}` | {following or state} | {said} |" for event in events]
        if late:
            lines.append(f"| {state} | {' '.join(f'`{event}`' for event in late)} | late: nothing changes | |")
    return lines


def section(title: str, rows: Rows) -> list[str]:
    """Write one end's diagram and table."""
    return [f"## {title}", "", *diagram(rows), "", *table(rows), ""]


def page() -> str:
    """Write the whole page."""
    meaning = ["| state | means |", "|---|---|"] + [f"| {state} | {MEANING[state]} |" for state in call.STATES]
    board = section("On the board", call.SHARED + call.BOARD)
    relay = section("In the relay, which has the last word", call.SHARED + authority.AUTHORITY)
    return "\n".join([HEAD, *meaning, "", *board, *relay])


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write or check; give the exit status."""
    parser = argparse.ArgumentParser(description="Draw the call's states into docs/call-states.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the page would change")
    options = parser.parse_args(arguments)
    path = root / PAGE
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after = page()
    if before == after:
        print(f"{PAGE} is up to date")
        return 0
    names = (str(PAGE), f"{PAGE} (drawn)")
    print("\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="", n=1)))
    if options.check:
        print(f"{PAGE} does not show callcore/call.py and authority.py as they are; run tools/draw_states.py")
        return 1
    path.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The call at the end of `tincall up`: an emulated board makes it by itself, as in the demo; a real one has a person."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callcore import causes
from tincall.cli import demo, output
from tincall.cli.client import Client
from tincall.errors import OperatorError
from tincall.measure import rehearsal
from tincall.measure.stage import Stage, wait_until
from tincall.workbench.journey import MADE, Journey

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.cli.up import Trip

ONLINE_S = 60.0
_CALL_S = 120.0
_POLL_S = 0.2
# quieter than this in its loudest second is no voice, only what a microphone that hears nothing gives
_SILENT_DBOV = -60.0
# a call over a good WiFi loses less
_MOST_LOST = 0.02
_WIRES = "docs/first-board.md has the wires, `tincall doctor` tries them"


def by_itself(
    plan: demo.Plan, stage: Stage, client: Client, journey: Journey, since_ns: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Let an emulated board press its button, talk, and hang up; gives what it told and the record, for `demo.judge`.

    Args:
        plan: of the demo.
        stage: holds the processes.
        client: of the relay.
        journey: takes the steps.
        since_ns: when the board's firmware was started.
    """
    progress = demo.Progress(None)
    with rehearsal.Watch(plan.folder / "board", ONLINE_S, since_ns) as watch:
        with journey.at("online"):
            watch.wait(stage, "online", ONLINE_S)
        journey.add("online", MADE, "the board has a link to the relay")
        with journey.at("call"):
            call_id = demo.set_up_call(plan, stage, watch, lambda: None, progress)
            record = demo.hang_up(plan, stage, watch, client, call_id, progress)
        journey.add("call", MADE, f"{record['duration_ms'] / 1000:.1f} s")
        return watch.events(), record


def with_a_person(stage: Stage, client: Client, sn: str, journey: Journey, trip: Trip) -> dict[str, Any]:
    """Wait for a person to press the board's button, and follow the call that comes of it; gives its record."""
    with journey.at("online"):
        link = wait_until(stage, "the board's link", ONLINE_S, lambda: client.get(f"/v1/devices/{sn}")["link"])
    journey.add("online", MADE, f"from {link.get('address', 'the board')}" if isinstance(link, dict) else "it is")
    before = {one["call_id"] for one in client.get("/v1/calls", sn=sn)["calls"]}
    output.note(f"\nPress the board's call button, and speak when you hear a voice. ({trip.wait_s:.0f} s)")
    with journey.at("call"):
        call_id = _pressed(stage, client, sn, before, trip.wait_s)
        record = _followed(stage, client, call_id)
    journey.add("call", MADE, f"{record['duration_ms'] / 1000:.1f} s")
    return record


def _pressed(stage: Stage, client: Client, sn: str, before: set[str], wait_s: float) -> str:
    until_s = time.monotonic() + wait_s
    while True:
        live = client.get("/v1/calls", sn=sn)
        new = [one["call_id"] for one in live["calls"] if one["call_id"] not in before]
        if new:
            return str(new[0])
        stage.check()
        if time.monotonic() > until_s:
            hint = (
                "Is it wired as docs/first-board.md shows? `tincall monitor` shows each press; then run the same again."
            )
            raise OperatorError(f"nobody pressed the call button of {sn}, or it was not felt.", hint)
        time.sleep(_POLL_S)


def _followed(stage: Stage, client: Client, call_id: str) -> dict[str, Any]:
    """Show how a call goes until both ends have told of it."""
    seen = ""
    until_s = time.monotonic() + _CALL_S
    while True:
        record = client.get(f"/v1/calls/{call_id}")
        if record["state"] != seen:
            seen = record["state"]
            output.note(f"  {seen}")
        if (whole := rehearsal.complete(record)) is not None:
            return whole
        if record["state"] == "ended" and not record["answered_ms"]:
            why = causes.name(record["cause"])
            raise OperatorError(f"the call ended before it was answered: {why}.", "See `tincall calls`, and try again.")
        stage.check()
        if time.monotonic() > until_s:
            raise OperatorError("the call did not come to its end.", f"`tincall calls {call_id}` shows how it stands.")
        time.sleep(_POLL_S)


def judge(record: dict[str, Any]) -> dict[str, Any]:
    """Judge a call by both ends' figures; every word about a silent direction says where to look.

    Args:
        record: the relay's, with `board_stats` and `worker_report`.

    Returns:
        A report with `call`, `uplink`, `downlink`, `files` and `verdict`, as far as a real board tells.
    """
    board, phone = record["board_stats"], record["worker_report"]
    heard = str(phone.get("heard") or "")
    level = _loudest_dbov(Path(heard)) if heard else None
    up = {"sent": board["sent"], "received": phone["received"], "lost": phone["lost"], "level_dbov": level}
    down = {"sent": phone["sent"], "received": board["received"], "lost": board["lost"]}
    facts = [_fact("the call was answered", record["duration_ms"] > 0, f"{record['duration_ms'] / 1000:.1f} s")]
    facts.append(_fact("it ended as it should", record["cause"] == causes.NORMAL, causes.name(record["cause"])))
    for name, way, silent in (
        ("uplink", up, f"the board sent nothing: does its microphone give samples? {_WIRES}"),
        ("downlink", down, "the phone sent nothing: it has no clip to speak; see docs/phones.toml"),
    ):
        facts.append(_fact(f"{name}: frames were sent", way["sent"] > 0, f"{way['sent']}", silent))
        lost = way["sent"] - way["received"] if way["sent"] else 0
        said = f"{way['received']} of {way['sent']}, {way['lost']} lost"
        weak = "see the signal in `tincall calls`; go nearer to the access point"
        facts.append(
            _fact(f"{name}: they arrived", way["received"] > 0 and lost <= way["sent"] * _MOST_LOST, said, weak)
        )
    if level is not None:
        mute = f"the microphone hears nothing: {_WIRES}"
        facts.append(_fact("uplink: a voice was heard", level > _SILENT_DBOV, f"{level:.0f} dBov", mute))
    setup_ms = None
    if record["answered_ms"] and record["started_ms"]:
        setup_ms = record["answered_ms"] - record["started_ms"]
    call = {
        "id": record["call_id"], "cause": record["cause"], "cause_name": causes.name(record["cause"]),
        "released_by": record["released_by"], "setup_ms": setup_ms, "talk_s": round(record["duration_ms"] / 1000, 2),
        "codec": record["codec"],
    }  # fmt: skip
    verdict = {"passed": all(fact["ok"] for fact in facts), "facts": facts}
    return {"call": call, "uplink": up, "downlink": down, "files": {"uplink_wav": heard or None}, "verdict": verdict}


def _fact(what: str, ok: bool, figures: str, otherwise: str = "") -> dict[str, Any]:
    return {"what": what, "ok": bool(ok), "figures": figures if ok or not otherwise else f"{figures}; {otherwise}"}


def _loudest_dbov(heard: Path) -> float:
    """Give the level of a recording's loudest second."""
    import numpy as np

    from tincall.wav import load

    try:
        samples = load(heard, demo.RATE_HZ).astype(np.float64)
    except OperatorError:
        samples = np.zeros(1)  # nothing was recorded
    seconds = [samples[at : at + demo.RATE_HZ] for at in range(0, max(len(samples), 1), demo.RATE_HZ)]
    power = max((float(np.mean(np.square(one))) for one in seconds if len(one)), default=0.0)
    return round(float(10 * np.log10(power / 32768**2 + 1e-12)), 1)


def show(console: Console, report: dict[str, Any]) -> None:
    """Draw a real board's call for a person."""
    call = report["call"]
    verified = report["provisioned"]
    told = f"verified in {verified['verify_ms']} ms, " if verified else "verified before, "
    console.print(f"\n{told}answered after {call['setup_ms']} ms, talked {call['talk_s']} s in {call['codec']}.")
    for fact in report["verdict"]["facts"]:
        mark = "[green]yes[/]" if fact["ok"] else "[red]NO[/] "
        console.print(f"{mark}  {output.escape(fact['what'])}  [dim]{output.escape(fact['figures'])}[/]")
    if report["files"]["uplink_wav"]:
        console.print(f"What the phone heard of you: {output.escape(report['files']['uplink_wav'])}")
    console.print(f"If you heard no voice from the board, its speaker or amplifier is to be looked at: {_WIRES}.")

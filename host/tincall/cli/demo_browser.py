"""`tincall demo --browser`: the same chain with a person at the phone, which is a page in a browser.

The board's microphone says its clip when the call is answered, its speaker is recorded. Nothing is judged: a person hears. The
demo ends when the call has ended.
"""

from __future__ import annotations

import os
import select
import sys
import webbrowser
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from callcore import causes
from tincall.cli import output
from tincall.cli.client import Client
from tincall.measure import rehearsal
from tincall.measure.platform import Person, Platform
from tincall.measure.stage import Stage, wait_until

SN = "DEMO-0001"
NAME = "Front door"
OPENID = "alice"
_SETUP_S = 30.0
_ONLINE_S = 45.0  # longer than the board's own patience with a server (30 s), so that its reason is what a person hears
_WAIT_S = 1800.0  # a person looks for headphones
_ANY_PORTS = {"TINCALL__DEVICE__PORT": "0", "TINCALL__WEB__PORT": "0"}

Step = Callable[[str], None]


def talk(board: str, said_by_board: Path, folder: Path, step: Step, saves_bytes: bool = False) -> dict[str, Any]:
    """Set everything up, let a person make one call, and tell how it went.

    Args:
        board: what the board runs on.
        said_by_board: clip for its microphone.
        folder: everything the call leaves.
        step: told what is done now.
        saves_bytes: let the relay have no silence sent, and 40 ms in a packet.

    Returns:
        The document that `--json` prints: `page`, `call`, `uplink`, `downlink`, `files`.

    Raises:
        OperatorError: something did not start or ended, or nobody called within half an hour.
    """
    data, home, heard = folder / "relay", folder / "board", folder / "heard-by-board.wav"
    with Stage(folder) as stage:
        step("laying out a relay, and starting it with the simulated platform")
        stage.run("init", "init", "--data", data, "--json")
        temporary = folder / "tmp"
        temporary.mkdir()
        with closing(Platform(stage, folder / "platform", data / "ca.pem")) as platform:
            settings = {**_ANY_PORTS, **platform.set_up(data), "TMPDIR": str(temporary)}
            settings |= rehearsal.SAVE_BYTES if saves_bytes else {}
            relay = stage.start("relay", "relay", "--data", data, "--json", **settings)
            web_port = relay.document(_SETUP_S)["web_port"]
            platform.push_to(web_port)
            step(f"enrolling the board, {NAME}, and inviting {OPENID.title()}")
            stage.run("enrol", "enrol", "--data", data, "--sn", SN, "--name", NAME, "--board", home, "--json")
            with closing(Client(data)) as client:
                _invite(platform, client, data, web_port)
                told: list[str | Path] = ["--folder", home, "--board", board]
                stage.start("board", "emulate", *told, "--mic", said_by_board, "--speaker", heard, "--json")
                with rehearsal.Watch(home, _SETUP_S) as watch:
                    watch.wait(stage, "online", _ONLINE_S)
                    page = f"{platform.ready['phone_page']}?as={OPENID}"
                    _show_page(page)
                    call_id = _wait_for_a_call(stage, watch)
                    record = wait_until(
                        stage, "the call's record", _SETUP_S, lambda: rehearsal.complete(_get(client, call_id))
                    )
        step("stopping everything")
    return _report(page, record, heard)


def _invite(platform: Platform, client: Client, data: Path, web_port: int) -> None:
    """Bring Alice to the board; whether it may call her she is asked on the page."""
    invite = client.post(f"/v1/devices/{SN}/invites", {})["invite"]
    with closing(Person(platform, OPENID, data, web_port)) as person:
        person.bind(invite, OPENID.title())


def _show_page(page: str) -> None:
    """Name the page, and open it where there is a screen."""
    enter = ", or press Enter here and the board calls you" if sys.stdin.isatty() else ""
    output.note(f"\nThe phone is here: {page}\n")
    output.note(f"Allow {NAME} to call you, then call it from the page{enter}.")
    output.note("Your browser's microphone and loudspeaker are the phone's; Ctrl-C ends it all.\n")
    if not output.is_json() and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(page)


def _wait_for_a_call(stage: Stage, watch: rehearsal.Watch) -> str:
    """Answer when the board rings, let it call when Enter is pressed, and wait for the end; gives the call's id."""
    answered: set[str] = set()

    def look() -> dict[str, Any] | None:
        if _enter_was_pressed():
            watch.press("call")
        ringing = watch.seen_call("RINGING")
        if ringing is not None and ringing["call"] not in answered:
            answered.add(ringing["call"])
            watch.press("call")
        return watch.seen_call("ENDED") or None

    return str(wait_until(stage, "a call", _WAIT_S, look)["call"])


def _enter_was_pressed() -> bool:
    if not sys.stdin.isatty() or not select.select([sys.stdin], [], [], 0)[0]:
        return False
    return bool(sys.stdin.readline())


def _get(client: Client, call_id: str) -> dict[str, Any]:
    """Give the record; a call that was never answered has no figures of the two ends and is whole without."""
    record = client.get(f"/v1/calls/{call_id}")
    if record["state"] == "ended" and not record["answered_ms"]:
        return {**record, "board_stats": {"none": True}, "worker_report": {"none": True}}
    return record


def _report(page: str, record: dict[str, Any], heard: Path) -> dict[str, Any]:
    stats, worker = record["board_stats"], record["worker_report"]
    counts = ("received", "lost", "late", "concealed")
    return {
        "page": page,
        "call": {
            "id": record["call_id"],
            "direction": record["direction"],
            "cause": record["cause"],
            "cause_name": causes.name(record["cause"]),
            "released_by": record["released_by"],
            "talk_s": round(record["duration_ms"] / 1000, 2),
        },
        "uplink": {"sent": stats.get("sent", 0), **{name: worker.get(name, 0) for name in counts}},
        "downlink": {"sent": worker.get("sent", 0), **{name: stats.get(name, 0) for name in counts}},
        "files": {"downlink_wav": str(heard) if heard.is_file() and heard.stat().st_size > 44 else None},
    }

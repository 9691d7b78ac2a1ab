"""The report on one call: figures of every station, what was heard, and a verdict that rests on facts.

Every figure comes from the station where the thing arrived. Milliseconds are told, never judged.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from callcore import causes, media
from callcore.compat import ticks_diff
from tincall.measure import speech, timeline
from tincall.wav import load

if TYPE_CHECKING:
    from rich.table import Table

RATE_HZ = 16000
LEAST_PESQ = 4.0
_LEAST_OF = {"DVI4": 3.0}  # 4 bits a sample; over human speech 3.3 in the mean, and 3.1 for the worst talk
# what less it may be where silence is not sent: a pause is heard as noise of the right level and no more, and PESQ compares
# pauses, too. G.722 over the demo's chain, both sides speaking at once: 4.23 up and 4.43 down with silence sent, 3.95 and 4.27
# without, and 3.79 up when one period was cut out to follow the network; 40 ms in a packet cost nothing
_SAVING_COSTS = 0.4
_BANDS = {speech.WIDE: "wideband", speech.NARROW: "narrowband"}


def report(
    *,
    events: list[dict[str, Any]],
    record: dict[str, Any],
    direction: str,
    said_by_board: Path,
    said_by_phone: Path,
    heard_by_board: Path,
    folder: Path,
    needs_score: bool,
    saves_bytes: bool = False,
) -> dict[str, Any]:
    """Judge one call.

    Args:
        events: what the board told, in order of time.
        record: the relay's record of the call, with `board_stats` and `worker_report`.
        direction: `out` or `in`.
        said_by_board: marked clip that the microphone took.
        said_by_phone: marked clip that the phone said.
        heard_by_board: recording of the board's speaker; its times stand in the JSON file beside it.
        folder: where results go.
        needs_score: a score below `least_pesq` fails the call.
        saves_bytes: silence was not sent.

    Returns:
        The document that `tincall demo --json` prints.
    """
    events = on_one_clock(events)
    worker = record["worker_report"]
    stats = record["board_stats"]
    heard_by_phone = Path(worker["heard"])
    answered_ns = _call_event(events, "ANSWERED")["t_ns"]
    mic = next(event for event in events if event["ev"] == "mic_play")
    tracks = (
        timeline.Track("board's\nmicrophone", load(said_by_board, RATE_HZ), RATE_HZ, int(mic["t0_ns"])),
        _recording("phone\nhears", heard_by_phone),
        timeline.Track("phone's\nmicrophone", load(said_by_phone, RATE_HZ), RATE_HZ, int(worker["clip_t0_ns"])),
        _recording("board's\nspeaker", heard_by_board),
    )
    band = _band(record["codec"])
    up, down = (_judge(tracks[at], tracks[at + 1], band) for at in (0, 2))
    result = {
        "board": _board(events),
        "call": _call(events, record, direction),
        "uplink": {
            "codec": record["codec"],
            "pesq_band": band,
            **_way(stats["sent"], worker, up),
            "first_audio_ms": _first_audio_ms(tracks[1], answered_ns, band),
            **{f"relay_{name}": record["up"][name] for name in ("in", "out", "dropped")},
        },
        "downlink": {
            "codec": record["codec"],
            "pesq_band": band,
            **_way(worker["sent"], stats, down),
            "first_audio_ms": _first_audio_ms(tracks[3], answered_ns, band),
            **{f"relay_{name}": record["down"][name] for name in ("in", "out", "dropped")},
            "underruns": stats["underruns"],
        },
        "traffic": _traffic(record),
        "files": {"uplink_wav": str(heard_by_phone), "downlink_wav": str(heard_by_board)},
    }
    result["verdict"] = _verdict(result, direction, least_pesq(record["codec"], saves_bytes) if needs_score else None)
    picture = folder / "timeline.png"
    notes = ("", _note(up), "", _note(down))
    drawn = timeline.draw(picture, _title(result), tracks, _moments(events), notes)
    result["files"]["timeline_png"] = str(picture) if drawn else None
    path = folder / "report.json"
    result["files"]["report_json"] = str(path)
    path.write_text(json.dumps(result, indent=2) + "\n")
    return result


def on_one_clock(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the firmware's events the instant at which it told them, instead of the one at which they were read.

    The board's own milliseconds say how far apart events were; the event that was read soonest after it was told says where
    its clock stands against the calendar's.

    Args:
        events: with `t_ns`, when they were read, and where the firmware told them `ms`, its clock.

    Returns:
        The same events in order of time.
    """
    told = [event for event in events if "ms" in event]
    if not told:
        return events
    first_ms = told[0]["ms"]
    offset_ns = min(event["t_ns"] - ticks_diff(event["ms"], first_ms) * 1_000_000 for event in told)
    moved = [
        {**event, "t_ns": offset_ns + ticks_diff(event["ms"], first_ms) * 1_000_000} if "ms" in event else event
        for event in events
    ]
    return sorted(moved, key=lambda event: int(event["t_ns"]))


def _band(codec: str) -> str:
    return speech.WIDE if media.codec(codec)[media.SAMPLE_RATE_HZ] == RATE_HZ else speech.NARROW


def _judge(spoken: timeline.Track, heard: timeline.Track, band: str) -> speech.Heard:
    return speech.judge(spoken.samples, spoken.t0_ns, heard.samples, heard.t0_ns, RATE_HZ, band)


def _recording(title: str, path: Path) -> timeline.Track:
    beside = json.loads(path.with_suffix(".json").read_text())
    return timeline.Track(title, load(path, RATE_HZ), RATE_HZ, int(beside["t0_ns"]))


def _call_event(events: list[dict[str, Any]], state: str) -> dict[str, Any]:
    return next(event for event in events if event["ev"] == "call" and event["state"] == state)


def _board(events: list[dict[str, Any]]) -> dict[str, Any]:
    boot = next(event for event in events if event["ev"] == "boot")
    verified = next((event for event in events if event["ev"] == "verified"), None)
    return {
        "interpreter": boot["interpreter"],
        "firmware": boot["firmware"],
        "verified": verified is not None,
        "verify_ms": float(verified["verify_ms"]) if verified else None,
    }


def _call(events: list[dict[str, Any]], record: dict[str, Any], direction: str) -> dict[str, Any]:
    """Tell the call's course; `setup_ms` is from the button, or the phone's wish, until the far end rings."""
    states = [event["state"] for event in events if event["ev"] == "call"]
    if direction == "out":
        setup_ms = (_call_event(events, "RINGBACK")["t_ns"] - _call_event(events, "DIALLING")["t_ns"]) / 1e6
    else:
        setup_ms = _call_event(events, "RINGING")["t_ns"] / 1e6 - record["started_ms"]
    return {
        "id": record["call_id"],
        "direction": direction,
        "states": states,
        "cause": record["cause"],
        "cause_name": causes.name(record["cause"]),
        "released_by": record["released_by"],
        "setup_ms": round(setup_ms, 1),
        "talk_s": round(record["duration_ms"] / 1000, 2),
    }


def _way(sent: int, arrived: dict[str, Any], heard: speech.Heard) -> dict[str, Any]:
    return {
        "sent": sent,
        "received": arrived["received"],
        "lost": arrived["lost"],
        "late": arrived["late"],
        "concealed": arrived["concealed"],
        "jitter_ms": arrived["jitter_ms"],
        "pesq": None if heard.pesq is None else round(heard.pesq, 2),
        "mouth_to_ear_ms": None if heard.delay_ms is None else round(heard.delay_ms, 1),
        "level_db": round(heard.level_db, 2),
        "gap_ms": heard.gap_ms,
    }


def _first_audio_ms(track: timeline.Track, answered_ns: int, band: str) -> float | None:
    """Give when the first frame of the far end was played, after the board heard of the answer; decoded frames are never
    all zero in A-law and mu-law, silence before them is. G.722 codes silence as silence, so this cannot be told there."""
    sounding = np.flatnonzero(track.samples)
    if band == speech.WIDE or not len(sounding):
        return None
    return round((track.t0_ns - answered_ns) / 1e6 + int(sounding[0]) * 1000 / track.rate_hz, 1)


def _traffic(record: dict[str, Any]) -> dict[str, Any]:
    """Tell what went over the board's TCP connection during the call, TLS records included."""
    stats = record["board_stats"]
    up, down = stats.get("link_bytes_up"), stats.get("link_bytes_down")
    if not up or not down or not record["duration_ms"]:
        return {"bytes_up": None, "bytes_down": None, "mb_per_min": None}
    per_minute = (up + down) * 60_000 / record["duration_ms"] / 1e6
    return {"bytes_up": up, "bytes_down": down, "mb_per_min": round(per_minute, 3)}


def least_pesq(codec: str, saves_bytes: bool) -> float:
    """Give the score that the default clips must have; see the figures at the head of this file."""
    least = _LEAST_OF.get(codec, LEAST_PESQ)
    return round(least - _SAVING_COSTS, 1) if saves_bytes else least


def _verdict(result: dict[str, Any], direction: str, least: float | None) -> dict[str, Any]:
    """Hold the figures against what must be true."""
    board, call = result["board"], result["call"]
    by = "device" if direction == "out" else "phone"
    facts = [
        _fact("the board verified itself over HTTPS", board["verified"], f"{board['verify_ms']} ms"),
        _fact("the call was answered", "ANSWERED" in call["states"], " > ".join(call["states"])),
        _fact(
            f"it ended as it should, by the {by}",
            call["cause"] == causes.NORMAL and call["released_by"] == by,
            f"cause {call['cause']} {call['cause_name']}, by the {call['released_by']}",
        ),
    ]
    for name in ("uplink", "downlink"):
        way = result[name]
        stations = (way["sent"], way["relay_in"], way["relay_out"] + way["relay_dropped"], way["received"])
        facts += [
            _fact(
                f"{name}: every frame is accounted for",
                way["sent"] == way["relay_in"] == stations[2]
                and way["received"] == way["relay_out"]
                and way["sent"] > 0,
                "sent {}, relay {}, forwarded or dropped {}, received {}".format(*stations),
            ),
            _fact(
                f"{name}: nothing was lost",
                way["lost"] == 0 and way["late"] == 0,
                f"lost {way['lost']}, late {way['late']}",
            ),
            _fact(
                f"{name}: the speech was heard",
                way["mouth_to_ear_ms"] is not None,
                f"marker after {way['mouth_to_ear_ms']} ms, level {way['level_db']:+.1f} dB, gaps {way['gap_ms']:.0f} ms",
            ),
        ]
        if least is not None and way["pesq"] is not None:
            facts.append(_fact(f"{name}: {_score(way)} is at least {least}", way["pesq"] >= least, f"{way['pesq']}"))
    return {"passed": all(fact["ok"] for fact in facts), "facts": facts}


def _score(way: dict[str, Any]) -> str:
    return f"PESQ {_BANDS[way['pesq_band']]}"


def _fact(what: str, ok: bool, figures: str) -> dict[str, Any]:
    return {"what": what, "ok": bool(ok), "figures": figures}


def _moments(events: list[dict[str, Any]]) -> list[timeline.Moment]:
    labels = {"DIALLING": "dials", "RINGBACK": "rings there", "RINGING": "rings here", "ANSWERED": "answered"}
    labels.update(CLOSING="hangs up", ENDED="ended")
    return [
        timeline.Moment(labels[event["state"]], int(event["t_ns"]))
        for event in events
        if event["ev"] == "call" and event["state"] in labels
    ]


def _note(heard: speech.Heard) -> str:
    score = "" if heard.pesq is None else f"PESQ {heard.pesq:.2f}, "
    return "" if heard.delay_ms is None else f"{score}{heard.delay_ms:.0f} ms mouth to ear"


def _title(result: dict[str, Any]) -> str:
    call = result["call"]
    way = "board calls phone" if call["direction"] == "out" else "phone calls board"
    return f"Call {call['id']}: {way}, {call['talk_s']:.1f} s, {result['uplink']['codec']}, on {result['board']['interpreter']}"


def tables(result: dict[str, Any]) -> list[Table]:
    """Draw the figures for a person."""
    from rich.table import Table

    call, traffic = result["call"], result["traffic"]
    ways = Table("", "uplink: board to phone", "downlink: phone to board", title="\nThe call", title_justify="left")
    rows = (
        ("codec", "codec", "{}"),
        ("frames sent", "sent", "{}"),
        ("frames received", "received", "{}"),
        ("lost / late / concealed", ("lost", "late", "concealed"), "{} / {} / {}"),
        (_score(result["uplink"]), "pesq", "{}"),
        ("mouth to ear", "mouth_to_ear_ms", "{} ms"),
        ("first audio after answer", "first_audio_ms", "{} ms"),
        ("jitter", "jitter_ms", "{} ms"),
    )
    for title, keys, form in rows:
        names = (keys,) if isinstance(keys, str) else keys
        if keys == "first_audio_ms" and result["uplink"][keys] is result["downlink"][keys] is None:
            continue  # a codec that codes silence as silence does not tell
        ways.add_row(
            title, *(form.format(*(_plain(result[way][name]) for name in names)) for way in ("uplink", "downlink"))
        )
    told = Table(show_header=False, box=None)
    told.add_row("board", f"{result['board']['interpreter']}, verified in {_plain(result['board']['verify_ms'])} ms")
    told.add_row("call", f"{' > '.join(call['states'])}; rang after {call['setup_ms']} ms, talked {call['talk_s']} s")
    told.add_row("end", f"{call['cause_name']} ({call['cause']}), by the {call['released_by']}")
    told.add_row("traffic", f"{_plain(traffic['mb_per_min'])} MB a minute on the board's connection, both ways")
    return [ways, told]


def _plain(value: object) -> object:
    return "-" if value is None else value

"""One line of the benchmark of whole calls: figures of both ways, facts, and targets with their distance.

A fact is whether every packet's fate is known and the call came about and ended as it should. Targets in milliseconds are told
and never judged, since a busy machine moves them; scores, shares and bytes are judged.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from tincall.measure import marker, speech
from tincall.measure.call_conditions import CallCondition
from tincall.measure.chain import BadChain
from tincall.measure.voice_conditions import Target
from tincall.wav import Samples, load

RATE_HZ = 16000
WAYS = ("up", "down")
_NAMES = {"up": "uplink", "down": "downlink"}
# facts of the report on a call that are told here in words of their own, since packets may be lost on purpose
_TOLD_HERE = ("every frame is accounted for", "nothing was lost")
_FRAME = RATE_HZ // 50
_SPEECH_DBOV = -46.0  # of a frame, 20 dB below the level of a voice
_REST_S = 1.0  # between two turns of one speaker, at least
_TURN_S = 0.5
_WINDOW_S = 0.5
_LATEST_S = 1.0
_LEAST_DBOV = -40.0
_LEAST_LIKENESS = 0.6
# packets lost before the first or behind the last one that comes leave no gap in the numbers
_EDGE_PACKETS = 3

Far = dict[str, dict[str, int]]


def row(
    condition: CallCondition,
    report: dict[str, Any],
    events: list[dict[str, Any]],
    record: dict[str, Any],
    said: tuple[Path, Path],
    chain: BadChain,
) -> dict[str, Any]:
    """Give a call's figures.

    Args:
        condition: under which it was made.
        report: on the call, as `call_report.report` gives it.
        events: what the board told.
        record: the relay's, with what the phone heard.
        said: what the board's side and the phone's side said.
        chain: through which it went.
    """
    worker, stats = record["worker_report"], record["board_stats"]
    mic_ns = next(int(event["t0_ns"]) for event in events if event["ev"] == "mic_play")
    spoken = ((said[0], mic_ns), (said[1], int(worker["clip_t0_ns"])))
    heard = (Path(report["files"]["uplink_wav"]), Path(report["files"]["downlink_wav"]))
    far = chain.far_side()
    found: dict[str, Any] = {
        "condition": condition.name,
        "words": condition.words,
        "codec": report["uplink"]["codec"],
        "band": report["uplink"]["pesq_band"],
        "talk_s": report["call"]["talk_s"],
        "load": round(os.getloadavg()[0], 2),
        "talk_bytes": chain.talk_bytes,
        "far_side": far,
        "relay_mb_per_min": report["traffic"]["mb_per_min"],
        "mb_per_min": round(sum(chain.talk_bytes.values()) * 60 / chain.talk_s / 1e6, 3),
    }
    for at, (way, ear) in enumerate(zip(WAYS, (worker, stats), strict=True)):
        words, words_ns = load(spoken[at][0], RATE_HZ), spoken[at][1]
        sound, sound_ns = _recording(heard[at])
        scores = turn_scores(words, sound, found["band"])
        found[way] = _way(report[_NAMES[way]], ear, scores, delays_ms(words, words_ns, sound, sound_ns))
        spoken_samples = sum(end - begin for begin, end in turns(words))
        found[way]["turns_pct"] = round(100 * spoken_samples / (chain.talk_s * RATE_HZ), 1)
    found["facts"] = _facts(condition, report, far)
    found["targets"] = [
        *(_target(way, target, found[way]) for way in WAYS for target in getattr(condition, way)),
        *(_target("", target, found) for target in condition.both),
    ]
    return found


def late(found: dict[str, Any]) -> list[str]:
    """Name the targets in milliseconds that a line does not reach."""
    return [_told(one) for one in found["targets"] if not one["ok"] and one["figure"].endswith("_ms")]


def missed(found: dict[str, Any]) -> list[str]:
    """Name what of a line fails the benchmark: facts, and targets that are not milliseconds."""
    facts = [fact["what"] for fact in found["facts"] if not fact["ok"]]
    targets = [one for one in found["targets"] if not one["ok"] and not one["figure"].endswith("_ms")]
    return facts + [_told(one) for one in targets]


def _told(target: dict[str, Any]) -> str:
    most = "at least" if target["figure"] == "pesq" else "at most"
    return f"{target['way']} {target['figure']} {target['measured']}, {most} {target['bound']:g}".strip()


def turn_scores(spoken: Samples, heard: Samples, band: str) -> list[float]:
    """Give PESQ of each turn of a speaker by itself: what stands for silence between them is no part of it.

    Args:
        spoken: with its marker, at RATE_HZ.
        heard: at RATE_HZ.
        band: what PESQ is for, `speech.WIDE` or `speech.NARROW`.
    """
    spoken_at, heard_at = marker.find(spoken, RATE_HZ), marker.find(heard, RATE_HZ)
    if spoken_at is None or heard_at is None:
        return []
    shift = heard_at - spoken_at
    scores = [
        speech.score(spoken[begin:end], heard[begin + shift : end + shift], RATE_HZ, band)
        for begin, end in turns(spoken)
        if begin + shift >= 0
    ]
    return [score for score in scores if score is not None]


def turns(spoken: Samples) -> list[tuple[int, int]]:
    """Find where a speaker speaks, without the marker: first sample and one behind the last, of each turn."""
    whole = spoken[: len(spoken) // _FRAME * _FRAME].astype(np.float64).reshape(-1, _FRAME)
    loud = 10 * np.log10(np.mean(np.square(whole), axis=1) / 32768.0**2 + 1e-12) > _SPEECH_DBOV
    loud[: round(marker.SPEECH_AT_S * RATE_HZ) // _FRAME] = False
    found: list[tuple[int, int]] = []
    for frame in map(int, np.flatnonzero(loud)):
        begin, end = frame * _FRAME, (frame + 1) * _FRAME
        if found and begin - found[-1][1] < _REST_S * RATE_HZ:
            found[-1] = found[-1][0], end
        else:
            found.append((begin, end))
    return [(begin, end) for begin, end in found if end - begin >= _TURN_S * RATE_HZ]


def delays_ms(spoken: Samples, spoken_t0_ns: int, heard: Samples, heard_t0_ns: int) -> list[float]:
    """Give how long each half second of speech took from mouth to ear, where it is found again.

    Args:
        spoken: at RATE_HZ.
        spoken_t0_ns: time of day of its first sample.
        heard: at RATE_HZ.
        heard_t0_ns: time of day of its first sample.
    """
    size, latest = round(_WINDOW_S * RATE_HZ), round(_LATEST_S * RATE_HZ)
    shift = round((spoken_t0_ns - heard_t0_ns) * RATE_HZ / 1e9)
    padded = np.concatenate([np.zeros(latest), heard.astype(np.float64), np.zeros(latest + size)])
    found = []
    for at in range(0, len(spoken) - size + 1, size):
        window = spoken[at : at + size].astype(np.float64)
        begin = at + shift + latest
        line = padded[max(begin, 0) : begin + size + latest]
        if begin < 0 or len(line) < size + latest or _dbov(window) < _LEAST_DBOV:
            continue
        lag = _likeliest(window, line)
        if lag is not None:
            found.append(lag * 1000 / RATE_HZ)
    return found


def _likeliest(window: Any, line: Any) -> int | None:
    """Find where in a line a window is; None: nowhere."""
    width = 1 << len(line).bit_length()
    product = np.fft.irfft(np.fft.rfft(line, width) * np.conj(np.fft.rfft(window, width)), width)
    lags = len(line) - len(window) + 1
    power = np.concatenate([[0.0], np.cumsum(line * line)])
    local = np.maximum(power[len(window) :] - power[: -len(window)], 1.0)[:lags]
    likeness = product[:lags] / np.sqrt(local * float(window @ window))
    best = int(np.argmax(likeness))
    return best if likeness[best] >= _LEAST_LIKENESS else None


def _dbov(samples: Any) -> float:
    return float(10 * np.log10(np.mean(np.square(samples)) / 32768.0**2 + 1e-12))


def _recording(path: Path) -> tuple[Samples, int]:
    return load(path, RATE_HZ), int(json.loads(path.with_suffix(".json").read_text())["t0_ns"])


def _way(way: dict[str, Any], ear: dict[str, Any], scores: list[float], delays: list[float]) -> dict[str, Any]:
    """Give the figures of one way; `ear` is what the end that heard it counted."""
    all_turns = ear["played"] + ear["concealed"] + ear.get("quiet", 0)
    return {
        "pesq": way["pesq"],
        "pesq_turns": round(float(np.mean(scores)), 2) if scores else None,
        "concealed_pct": round(100 * ear["concealed"] / max(1, all_turns), 2),
        "mouth_to_ear_ms": round(float(np.median(delays)), 1) if delays else None,
        "mouth_to_ear_worst_ms": round(max(delays), 1) if delays else None,
        "playout_ms": ear["delay_ms"],
        "jitter_p95_ms": ear["jitter_p95_ms"],
        **{name: way[name] for name in ("sent", "received", "lost", "late", "concealed", "level_db", "gap_ms")},
        **{name: ear.get(name, 0) for name in ("shortened_ms", "lengthened_ms", "quiet")},
    }


def _target(way: str, target: Target, figures: dict[str, Any]) -> dict[str, Any]:
    measured = figures[target.figure]
    distance = target.bound if measured is None else target.distance(measured)
    return {
        "way": way,
        "figure": target.figure,
        "bound": target.bound,
        "measured": measured,
        "ok": measured is not None and distance <= 0,
        "distance": round(max(0.0, distance), 2),
    }


def _facts(condition: CallCondition, report: dict[str, Any], far: Far | None) -> list[dict[str, Any]]:
    facts = [fact for fact in report["verdict"]["facts"] if not fact["what"].endswith(_TOLD_HERE)]
    for way in WAYS:
        figures = report[_NAMES[way]]
        facts.append(_accounted(way, figures, None if far is None else far[way]))
        facts.append(_lost(way, figures, condition.is_clean, None if far is None else far[way]))
    return facts


def _accounted(way: str, figures: dict[str, Any], far: dict[str, int] | None) -> dict[str, Any]:
    """Tell whether each station got what the one before it gave, as pairs along the way."""
    relay = figures["relay_in"], figures["relay_out"] + figures["relay_dropped"]
    stations = [(figures["sent"], figures["relay_in"]), relay, (figures["relay_out"], figures["received"])]
    if far is not None:
        through = (far["taken"] + far["doubled"], far["given"] + far["lost"])
        passed = far["given"] - far["refused"]
        if way == "up":
            stations[2:] = [(figures["relay_out"], far["taken"]), through, (passed, figures["received"])]
        else:
            stations[:1] = [(figures["sent"], far["taken"]), through, (passed, figures["relay_in"])]
    told = ", ".join(f"{gave} to {got}" for gave, got in stations)
    is_so = figures["sent"] > 0 and all(gave == got for gave, got in stations)
    return {"what": f"{way}: every packet is accounted for", "ok": is_so, "figures": told}


def _lost(way: str, figures: dict[str, Any], is_clean: bool, far: dict[str, int] | None) -> dict[str, Any]:
    """Tell whether the end that heard it misses just what was lost."""
    lost, late = figures["lost"], figures["late"]
    told = f"lost {lost}, late {late}"
    if far is not None:
        told += f", {far['lost']} lost at the far side"
        is_so = 0 <= far["lost"] - lost <= _EDGE_PACKETS
        return {"what": f"{way}: what was lost was missed", "ok": is_so, "figures": told}
    if is_clean:
        return {"what": f"{way}: nothing was lost or late", "ok": lost == 0 and late == 0, "figures": told}
    return {"what": f"{way}: a stream loses nothing", "ok": lost == 0, "figures": told}

"""The voice benchmark: human speech through codec, bad path and both receiving ends, scored and held against its targets.

For each talk and codec the board's own code makes the packets once; each condition mistreats them; the board's ear and the
phone's ear play what is left. Nothing waits for a clock and all chance comes from seeds: the same figures on each run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from callcore import media
from tincall.emulator.interpreters import find
from tincall.measure import packet_path, speech, talk, voice_score
from tincall.measure.ears import Board, hear_at_phone
from tincall.measure.packet_path import Packets
from tincall.measure.voice_conditions import CONDITIONS, MAIN, Condition
from tincall.wav import Samples
from tincall.worker import transcode

EARS = ("board", "phone")
SEEDS = (1, 2)
QUICK_CLIPS = 2
_EXTRA = ("PCMU", "DVI4", "L16")
_QUICK_LEAD_S = 8.0
_PHASES_MS = 20  # where in a frame the listener's own clock beats

Step = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Args:
        conditions: of `voice_conditions.CONDITIONS`.
        clips: names of the judged clips.
        seeds: one talk for each clip and each of these.
        board: `unix` or `unix32`.
        lead_s: how long others speak first, at most; None: what the condition says.
    """

    conditions: tuple[Condition, ...] = CONDITIONS
    clips: tuple[str, ...] = talk.JUDGED
    seeds: tuple[int, ...] = SEEDS
    board: str = "unix"
    lead_s: float | None = None

    def rows(self) -> Iterator[tuple[Condition, str]]:
        """Give each condition with each codec it is measured for."""
        for condition in self.conditions:
            extra = [name for name in _EXTRA if name in transcode.codecs(talk.RATE_HZ)]
            for codec in (*MAIN, *(extra if condition.name == "none" else ())):
                yield condition, codec

    def pairs(self) -> Iterator[tuple[str, int]]:
        """Give each clip with each seed."""
        return ((clip, seed) for clip in self.clips for seed in self.seeds)


def quick(plan: Plan) -> Plan:
    """Give a plan that is over in seconds and says less."""
    return replace(plan, clips=plan.clips[-QUICK_CLIPS:], seeds=plan.seeds[:1], lead_s=_QUICK_LEAD_S)


def run(plan: Plan, step: Step) -> dict[str, Any]:
    """Measure.

    Args:
        plan: what.
        step: told the words of each row before it is measured.

    Returns:
        `rows`, a figure of each condition, codec and ear as `_row` gives it, `pairs`, `board`, and `missed`: how many targets
        were not reached.

    Raises:
        OperatorError: clips or interpreter are not here.
    """
    known = talk.clips()
    rows = []
    with tempfile.TemporaryDirectory(prefix="tincall-bench-") as folder:
        studio = _Studio(known, Board(find(plan.board), Path(folder)), plan.lead_s)
        for condition, codec in plan.rows():
            step(f"{codec}, {condition.words}")
            scores: dict[str, list[voice_score.Score]] = {ear: [] for ear in EARS}
            shares = []
            for clip, seed in plan.pairs():
                pair, share = studio.scores(condition, codec, clip, seed)
                shares.append(share)
                for ear in EARS:
                    scores[ear].append(pair[ear])
            rows += [_row(condition, codec, ear, scores[ear], shares) for ear in EARS]
    missed = sum(not target["ok"] for row in rows for target in row["targets"])
    return {"board": plan.board, "pairs": len(list(plan.pairs())), "missed": missed, "rows": rows}


class _Studio:
    """Where talks are made and spoken; what was spoken once is kept.

    Args:
        known: recordings by name.
        board: the board.
        lead_s: at most this long a lead.
    """

    def __init__(self, known: dict[str, Samples], board: Board, lead_s: float | None) -> None:
        self._known = known
        self._board = board
        self._lead_s = lead_s
        self._spoken: dict[tuple[object, ...], tuple[talk.Talk, Packets]] = {}

    def scores(
        self, condition: Condition, codec: str, clip: str, seed: int
    ) -> tuple[dict[str, voice_score.Score], float]:
        """Give the scores of one talk at each ear, and the packets sent as a share of those without DTX."""
        said, sent = self._say(condition, codec, clip, seed)
        path = condition.path
        if condition.both_ways and seed % 2:
            path = replace(path, drift_ppm=-path.drift_ppm)
        came = packet_path.travel(sent, path, _seed(clip, seed))
        by_their_clock = packet_path.travel(sent, packet_path.Path(drift_ppm=path.drift_ppm), 0)
        begin_ms = _seed(clip, seed) % _PHASES_MS
        end_ms = len(said.samples) * 1000 // talk.RATE_HZ
        heard = {
            "board": self._board.hear(came, codec, begin_ms, end_ms, condition.has_dtx),
            "phone": hear_at_phone(came, codec, begin_ms, end_ms, condition.has_dtx),
        }
        band = band_of(codec)
        scores = {ear: voice_score.score(said, by_their_clock, came, heard[ear], band) for ear in EARS}
        return scores, len(sent) * 20 / end_ms

    def _say(self, condition: Condition, codec: str, clip: str, seed: int) -> tuple[talk.Talk, Packets]:
        lead_s = condition.lead_s if self._lead_s is None else min(condition.lead_s, self._lead_s)
        key = (codec, clip, seed, lead_s, condition.has_dtx)
        if key not in self._spoken:
            said = talk.make(self._known, clip, seed, lead_s)
            self._spoken[key] = said, self._board.speak(said.samples, codec, condition.has_dtx)
        return self._spoken[key]


def band_of(codec: str) -> str:
    """Say which PESQ a codec is judged by."""
    return speech.WIDE if media.codec(codec)[media.SAMPLE_RATE_HZ] == talk.RATE_HZ else speech.NARROW


def _seed(clip: str, seed: int) -> int:
    """Give each pair chance of its own."""
    return 1000 * seed + talk.JUDGED.index(clip)


def _row(
    condition: Condition, codec: str, ear: str, scores: list[voice_score.Score], shares: Iterable[float]
) -> dict[str, Any]:
    """Give the figures of all talks: means, and the worst of some, with the targets they are held against."""
    row: dict[str, Any] = {
        "condition": condition.name,
        "words": condition.words,
        "codec": codec,
        "ear": ear,
        "band": band_of(codec),
        "pesq": _mean(one.pesq for one in scores),
        "pesq_worst": round(min(one.pesq for one in scores), 2),
        "stoi": round(float(np.mean([one.stoi for one in scores])), 3),
        "concealed_pct": _mean(100 * one.concealed for one in scores),
        "buffer_ms": round(float(np.mean([one.buffer_ms for one in scores])), 1),
        "worst_gap_ms": max(one.worst_gap_ms for one in scores),
        "sent_share": _mean(shares),
    }
    row["targets"] = [
        {
            "figure": target.figure,
            "bound": target.bound,
            "ok": target.distance(row[target.figure]) <= 0,
            "distance": round(max(0.0, target.distance(row[target.figure])), 2),
        }
        for target in condition.targets.get(codec, ())
    ]
    return row


def _mean(values: Iterable[float]) -> float:
    return round(float(np.mean(list(values))), 2)

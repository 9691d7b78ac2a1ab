"""A line of the benchmark of whole calls: delays and turns found in sound, packets accounted for, what is judged or told."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from tincall import wav
from tincall.measure import call_bench, marker
from tincall.measure.call_bench import RATE_HZ
from tincall.measure.call_conditions import CallCondition
from tincall.measure.voice_conditions import Target

SECOND_NS = 1_000_000_000


@pytest.fixture
def words():
    """Give 4 s like speech: noise in two turns with a rest of 1.5 s, behind a marker."""
    chance = np.random.default_rng(1)
    voice = chance.normal(0, 3000, 4 * RATE_HZ)
    voice[int(1.2 * RATE_HZ) : int(2.7 * RATE_HZ)] = 0
    return marker.mark(np.asarray(voice, dtype=np.int16), RATE_HZ)


def moved(samples, ms):
    return np.concatenate([np.zeros(ms * RATE_HZ // 1000, dtype=np.int16), samples])


def test_the_delay_of_each_half_second_is_found_by_the_time_of_day(words):
    heard = moved(words, 130)
    found = call_bench.delays_ms(words, SECOND_NS, heard, SECOND_NS + 50_000_000)
    assert found == pytest.approx([180.0] * len(found)) and len(found) >= 4


def test_a_delay_that_grows_in_the_middle_is_seen(words):
    at = round((marker.SPEECH_AT_S + 2) * RATE_HZ)
    heard = np.concatenate([words[:at], np.zeros(RATE_HZ // 10, dtype=np.int16), words[at:]])
    found = call_bench.delays_ms(words, 0, moved(heard, 60), 0)
    assert min(found) == pytest.approx(60) and max(found) == pytest.approx(160)


def test_what_was_not_heard_has_no_delay(words):
    noise = np.random.default_rng(2).normal(0, 3000, len(words)).astype(np.int16)
    assert call_bench.delays_ms(words, 0, noise, 0) == []
    assert call_bench.delays_ms(words, 0, words, 2 * SECOND_NS)[:2] == []  # heard before it was said


def test_turns_are_told_apart_and_the_marker_is_none(words):
    found = call_bench.turns(words)
    begin = marker.SPEECH_AT_S
    wanted = [(begin, begin + 1.2), (begin + 2.7, begin + 4.0)]
    assert np.array(found) / RATE_HZ == pytest.approx(np.array(wanted), abs=0.03)


def way(**changed):
    return {"sent": 9, "relay_in": 9, "relay_out": 8, "relay_dropped": 1, "received": 8, "lost": 0, "late": 0} | changed


FAR = {"taken": 8, "doubled": 1, "lost": 3, "given": 6, "refused": 1}


@pytest.mark.parametrize("changed", [{"sent": 8}, {"relay_out": 7}, {"received": 7}, {"sent": 0, "relay_in": 0}])
def test_a_packet_that_nobody_knows_of_is_a_fact_that_fails(changed):
    assert call_bench._accounted("up", way(), None)["ok"]
    assert not call_bench._accounted("up", way(**changed), None)["ok"]


def test_behind_a_far_side_its_own_fates_are_the_stations():
    assert call_bench._accounted("up", way(received=5), FAR)["ok"]
    assert not call_bench._accounted("up", way(received=6), FAR)["ok"]
    assert not call_bench._accounted("up", way(received=5), {**FAR, "lost": 2})["ok"]
    down = way(sent=8, relay_in=5, relay_out=5, relay_dropped=0, received=5)
    assert call_bench._accounted("down", down, FAR)["ok"]
    assert not call_bench._accounted("down", {**down, "relay_in": 6}, FAR)["ok"]


@pytest.mark.parametrize(
    ("lost", "late", "is_clean", "far", "ok"),
    [
        (0, 0, True, None, True),
        (0, 1, True, None, False),
        (0, 1, False, None, True),
        (1, 0, False, None, False),
        (3, 0, False, FAR, True),
        (4, 0, False, FAR, False),
        (0, 0, False, {**FAR, "lost": 30}, False),
    ],
)
def test_what_may_be_lost_is_what_the_way_loses(lost, late, is_clean, far, ok):
    assert call_bench._lost("up", way(lost=lost, late=late), is_clean, far)["ok"] is ok


def row_with(*targets, facts=()):
    return {"targets": list(targets), "facts": list(facts)}


def test_scores_shares_and_bytes_are_judged_and_milliseconds_only_told():
    figures = {"pesq": 4.1, "mouth_to_ear_ms": 250.0, "concealed_pct": 0.1, "mb_per_min": None}
    made = [
        call_bench._target("up", Target("pesq", 4.2), figures),
        call_bench._target("up", Target("mouth_to_ear_ms", 200), figures),
        call_bench._target("up", Target("concealed_pct", 0.2), figures),
        call_bench._target("", Target("mb_per_min", 0.75), figures),
    ]
    assert [one["ok"] for one in made] == [False, False, True, False]
    assert [one["distance"] for one in made[:3]] == [0.1, 50, 0]
    fact = {"what": "up: it rained", "ok": False, "figures": ""}
    row = row_with(*made, facts=[fact])
    assert call_bench.missed(row) == [
        "up: it rained",
        "up pesq 4.1, at least 4.2",
        "mb_per_min None, at most 0.75",
    ]
    assert call_bench.late(row) == ["up mouth_to_ear_ms 250.0, at most 200"]


def test_a_line_puts_together_what_all_stations_told(tmp_path, words):
    paths = [tmp_path / f"{name}.wav" for name in ("said-up", "said-down", "heard-up", "heard-down")]
    for path, samples in zip(paths, (words, words, moved(words, 100), moved(words, 150)), strict=True):
        wav.save(path, samples, RATE_HZ)
        path.with_suffix(".json").write_text(json.dumps({"t0_ns": SECOND_NS}))
    told = {
        **way(relay_dropped=0, relay_out=9, received=9),
        "pesq": 4.3,
        "concealed": 0,
        "level_db": 0.0,
        "gap_ms": 0.0,
    }
    ear = {"played": 297, "concealed": 3, "delay_ms": 60, "jitter_p95_ms": 20, "shortened_ms": 7}
    yes = {"what": "uplink: every frame is accounted for", "ok": False, "figures": ""}
    report = {
        "uplink": {**told, "codec": "G722", "pesq_band": "wb"},
        "downlink": told,
        "call": {"talk_s": 5.0},
        "traffic": {"mb_per_min": 1.1},
        "files": {"uplink_wav": str(paths[2]), "downlink_wav": str(paths[3])},
        "verdict": {"facts": [{**yes, "what": "it was answered", "ok": True}, yes]},
    }
    events = [{"ev": "boot", "t_ns": 1}, {"ev": "mic_play", "t_ns": 2, "t0_ns": SECOND_NS}]
    record = {"worker_report": {**ear, "clip_t0_ns": SECOND_NS}, "board_stats": ear}
    chain = SimpleNamespace(talk_bytes={"up": 60_000, "down": 40_000}, talk_s=6.0, far_side=lambda: None)
    target = Target("mouth_to_ear_ms", 120)
    condition = CallCondition("clean", "nothing wrong", up=(target,), down=(target,))
    found = call_bench.row(condition, report, events, record, (paths[0], paths[1]), chain)
    assert found["mb_per_min"] == 1.0 and found["far_side"] is None
    assert (found["up"]["mouth_to_ear_ms"], found["down"]["mouth_to_ear_ms"]) == (100.0, 150.0)
    assert found["up"]["turns_pct"] == pytest.approx(100 * 2.5 / 6, abs=1)
    assert found["up"]["concealed_pct"] == 1.0 and found["up"]["shortened_ms"] == 7
    assert [fact["ok"] for fact in found["facts"]] == [True] * 5
    assert [one["ok"] for one in found["targets"]] == [True, False]
    json.dumps(found)

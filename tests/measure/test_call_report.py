"""The report on a call: right figures from what the stations told, and a verdict that each wrong fact turns."""

import json
import wave

import numpy as np
import pytest
from support.checkout import CHECKOUT

from tincall.measure import call_report, marker
from tincall.wav import load, resample, save

RATE_HZ = 16000
T0_NS = 1_790_000_000_000_000_000
MS = 1_000_000
CLIP = CHECKOUT / ".cache" / "speech" / "cards-005.wav"


def record_of(path, samples, t0_ns):
    save(path, samples, RATE_HZ)
    path.with_suffix(".json").write_text(json.dumps({"t0_ns": t0_ns}))


@pytest.fixture
def call(tmp_path):
    """Everything a good call leaves behind; the uplink takes 90 ms, the downlink 110."""
    said = marker.mark(load(CLIP, RATE_HZ), RATE_HZ)
    save(tmp_path / "said.wav", said, RATE_HZ)
    silence = np.zeros(1600, dtype=np.int16)
    record_of(tmp_path / "phone.wav", np.concatenate([silence, said]), T0_NS + 90 * MS)
    record_of(tmp_path / "board.wav", np.concatenate([silence, said]), T0_NS + 130 * MS)
    states = [("DIALLING", -600), ("RINGBACK", -580), ("ANSWERED", 0), ("CLOSING", 5000), ("ENDED", 5010)]
    events = [
        {"ev": "boot", "t_ns": T0_NS - 900 * MS, "interpreter": "micropython 1.25.0 unix 32-bit", "firmware": "0.1.0"},
        {"ev": "verified", "t_ns": T0_NS - 800 * MS, "verify_ms": 21},
        *({"ev": "call", "state": state, "t_ns": T0_NS + at * MS} for state, at in states),
        {"ev": "mic_play", "t_ns": T0_NS + 100 * MS, "t0_ns": T0_NS + 100 * MS},
    ]
    record = {
        "call_id": "c1",
        "codec": "PCMA",
        "cause": 16,
        "released_by": "device",
        "started_ms": T0_NS // MS - 600,
        "duration_ms": 5000,
        "up": {"in": 250, "out": 250, "dropped": 0},
        "down": {"in": 251, "out": 250, "dropped": 1},
        "board_stats": {
            "sent": 250,
            "dropped": 0,
            "received": 250,
            "lost": 0,
            "late": 0,
            "concealed": 0,
            "jitter_ms": 1,
        }
        | {"underruns": 0, "link_bytes_up": 60000, "link_bytes_down": 65000},
        "worker_report": {"sent": 251, "received": 250, "lost": 0, "late": 0, "concealed": 2, "jitter_ms": 3}
        | {"heard": str(tmp_path / "phone.wav"), "clip_t0_ns": T0_NS + 120 * MS},
    }
    return {
        "events": events,
        "record": record,
        "direction": "out",
        "said_by_board": tmp_path / "said.wav",
        "said_by_phone": tmp_path / "said.wav",
        "heard_by_board": tmp_path / "board.wav",
        "folder": tmp_path,
        "needs_score": True,
    }


def failed(report):
    return [fact["what"] for fact in report["verdict"]["facts"] if not fact["ok"]]


def test_a_good_call_passes_with_its_figures(call):
    report = call_report.report(**call)
    assert report["verdict"]["passed"] and failed(report) == []
    assert report["board"] == {
        "interpreter": "micropython 1.25.0 unix 32-bit",
        "firmware": "0.1.0",
        "verified": True,
        "verify_ms": 21.0,
    }
    assert report["call"]["setup_ms"] == 20.0
    assert report["uplink"]["mouth_to_ear_ms"] == pytest.approx(90.0)  # 90 + 100 of silence before, minus 100
    assert report["downlink"]["mouth_to_ear_ms"] == pytest.approx(110.0)
    assert report["uplink"]["first_audio_ms"] is not None
    assert (report["uplink"]["sent"], report["uplink"]["received"], report["uplink"]["concealed"]) == (250, 250, 2)
    assert report["uplink"]["pesq"] > 4.4
    assert report["traffic"] == {"bytes_up": 60000, "bytes_down": 65000, "mb_per_min": 1.5}
    assert json.loads((call["folder"] / "report.json").read_text())["verdict"]["passed"]
    assert (call["folder"] / "timeline.png").stat().st_size > 10_000
    assert len(call_report.tables(report)) == 2


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda c: c["record"].update(cause=41), "it ended as it should, by the device"),
        (lambda c: c["record"].update(released_by="phone"), "it ended as it should, by the device"),
        (lambda c: c["record"]["up"].update(out=249, dropped=1), "uplink: every frame is accounted for"),
        (lambda c: c["record"]["board_stats"].update(sent=251), "uplink: every frame is accounted for"),
        (lambda c: c["record"]["board_stats"].update(received=249), "downlink: every frame is accounted for"),
        (lambda c: c["record"]["worker_report"].update(lost=1), "uplink: nothing was lost"),
        (lambda c: c["record"]["board_stats"].update(late=1), "downlink: nothing was lost"),
    ],
)
def test_each_wrong_fact_fails_the_call(call, spoil, what):
    spoil(call)
    report = call_report.report(**call)
    assert not report["verdict"]["passed"]
    assert failed(report) == [what]


def test_silence_fails_the_call(call):
    with wave.open(call["record"]["worker_report"]["heard"]) as file:
        length = file.getnframes()
    save(call["record"]["worker_report"]["heard"], np.zeros(length, dtype=np.int16), RATE_HZ)
    report = call_report.report(**call)
    assert "uplink: the speech was heard" in failed(report)
    assert report["uplink"]["pesq"] is None and report["uplink"]["first_audio_ms"] is None


def test_bad_speech_fails_only_where_the_score_counts(call):
    path = call["heard_by_board"]
    heard = load(path, RATE_HZ).copy()
    speech_at = 1600 + round(marker.SPEECH_AT_S * RATE_HZ)
    for at in range(speech_at, len(heard), 960):
        heard[at : at + 320] = 0
    save(path, heard, RATE_HZ)
    assert failed(call_report.report(**call)) == ["downlink: PESQ narrowband is at least 4.0"]
    assert failed(call_report.report(**{**call, "needs_score": False})) == []


@pytest.mark.parametrize(
    ("codec", "saves", "least"), [("G722", False, 4.0), ("G722", True, 3.6), ("PCMA", False, 4.0), ("DVI4", True, 2.6)]
)
def test_what_is_asked_of_a_score_goes_by_codec_and_silence(call, codec, saves, least):
    call["record"]["codec"] = codec
    facts = call_report.report(**call, saves_bytes=saves)["verdict"]["facts"]
    asked = [fact["what"] for fact in facts if "PESQ" in fact["what"]]
    assert len(asked) == 2 and all(what.endswith(f" is at least {least}") for what in asked)


def test_g722_is_judged_as_wideband(call):
    call["record"]["codec"] = "G722"
    path = call["heard_by_board"]
    save(path, resample(resample(load(path, RATE_HZ), RATE_HZ, 8000), 8000, RATE_HZ), RATE_HZ)
    report = call_report.report(**call)
    assert failed(report) == ["downlink: PESQ wideband is at least 4.0"]
    # silence is coded as silence there, so the first frame cannot be told from what was before it
    assert report["uplink"]["pesq"] > 4.5 and report["uplink"]["first_audio_ms"] is None
    titles = list(call_report.tables(report)[0].columns[0].cells)
    assert "jitter" in titles and "first audio after answer" not in titles


def test_a_call_that_the_phone_made_is_timed_from_its_wish(call):
    call["direction"] = "in"
    call["record"]["released_by"] = "phone"
    call["events"][2]["state"], call["events"][3]["state"] = "RINGING", "RINGING"
    report = call_report.report(**call)
    assert report["verdict"]["passed"]
    assert report["call"]["setup_ms"] == pytest.approx(0.0, abs=1.0)


def test_events_that_were_read_late_stand_where_they_were_told():
    events = [
        {"ev": "call", "state": "DIALLING", "ms": 2**30 - 10, "t_ns": T0_NS + 25 * MS},  # read 20 ms late
        {"ev": "lamp", "t_ns": T0_NS + 6 * MS},
        {"ev": "call", "state": "RINGBACK", "ms": 12, "t_ns": T0_NS + 27 * MS},  # 22 ms later, read at once
    ]
    moved = call_report.on_one_clock(events)
    assert [(event.get("state"), (event["t_ns"] - T0_NS) // MS) for event in moved] == [
        ("DIALLING", 5),
        (None, 6),
        ("RINGBACK", 27),
    ]
    assert call_report.on_one_clock([{"ev": "lamp", "t_ns": 1}]) == [{"ev": "lamp", "t_ns": 1}]

"""The DAC plays by the clock: what the ring holds, silence when it is empty, and the timeline stays right."""

import json
import time
from pathlib import Path

import numpy as np

from tincall import wav

STARVE = """
import board
from handset import audio
from array import array
board.SPK_IBUF_BYTES = 960
speaker = audio.open_speaker(board)
say("full", [speaker.write(bytearray(2000), 0, 2000), speaker.write(bytearray(2000), 0, 2000) < 960])
time.sleep_ms(200)
loud = array("h", [1000] * 160)
say("taken", speaker.write(loud, 0, 320))
time.sleep_ms(100)
say("odd", speaker.write(bytearray(3), 0, 3))
time.sleep_ms(50)
audio.close(speaker)
"""


def test_a_starved_speaker_is_silent_and_keeps_time(bench, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    before_ns = time.time_ns()
    said = bench.results(STARVE, speaker=out)
    after_ns = time.time_ns()
    assert said == {"full": [960, True], "taken": 320, "odd": 2}
    heard = wav.load(out, 16000)
    [start] = np.flatnonzero(np.diff((heard == 1000).astype(int)) == 1)
    # 200 ms of sleep by the clock, and whatever a busy machine adds, stand before the loud samples
    assert 3184 <= start + 1 < 3200 + 16000  # the interpreter's sleep may be a millisecond short
    assert int((heard == 1000).sum()) == 160
    told = json.loads(out.with_suffix(".json").read_text())
    assert told["underruns"] == 2
    assert before_ns < told["t0_ns"] < after_ns - 350_000_000


def test_two_openings_stand_in_one_recording_where_the_clock_has_them(bench, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    bench.run(
        """
import board
from handset import audio
from array import array
loud = array("h", [2000] * 400)
board.SPK_IBUF_BYTES = 1920
for _ in range(2):
    speaker = audio.open_speaker(board)
    speaker.write(loud, 0, 800)
    time.sleep_ms(100)
    audio.close(speaker)
    time.sleep_ms(300)
""",
        speaker=out,
    )
    starts = [event["t0_ns"] for event in bench.events if event["ev"] == "spk_start"]
    loud = np.flatnonzero(wav.load(out, 16000) == 2000)
    assert len(loud) == 800
    assert abs(int(loud[400]) - round((starts[1] - starts[0]) * 16e-6)) <= 1


def test_a_speaker_that_was_never_written_to_played_nothing(bench, tmp_path: Path) -> None:
    bench.run(
        "import board\nfrom handset import audio\naudio.close(audio.open_speaker(board))", speaker=tmp_path / "o.wav"
    )
    assert bench.outcome.speaker["samples"] == 0
    assert [event["ev"] for event in bench.events if event["ev"].startswith("spk")] == ["spk_open", "spk_close"]


def test_samples_the_runner_cannot_take_are_told_as_lost(bench) -> None:
    # a wire of its own, which can be full
    said = bench.results("""
import fake_speaker, lines
class Wire:
    def __init__(self): self.frames = []; self.is_full = False
wire = Wire()
def put(to, frame, n):
    if wire.is_full: return 0
    wire.frames.append((chr(frame[0]), frame[4] | frame[5] << 8 | frame[6] << 16, n - 8))
    return n
fake_speaker.lines = type("L", (), {"put": staticmethod(put), "move": staticmethod(lines.move)})
fake_speaker._wire = wire
speaker = fake_speaker.Speaker(8000, 3200)
wire.is_full = True
speaker.write(bytearray(1600), 0, 1600)
time.sleep_ms(50)
speaker.run()
wire.is_full = False
time.sleep_ms(150)
speaker.close()
kinds = [kind for kind, value, n in wire.frames]
say("kinds", kinds[:3] + kinds[-1:])
lost = sum(value for kind, value, n in wire.frames if kind == "L")
played = sum(n for kind, value, n in wire.frames if kind == "P") // 2
say("lost", lost >= 390)
say("sum", lost + played)
""")
    assert said == {"kinds": ["O", "S", "L", "C"], "lost": True, "sum": 800}

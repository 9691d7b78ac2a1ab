"""The DAC plays by the clock: a ring of buffers, silence for those not written, and the timeline stays right."""

import json
import time
from pathlib import Path

import numpy as np

from tincall import wav

STARVE = """
import board
from handset import audio
from array import array
board.SPK_IBUF_BYTES = 1536
speaker = audio.open_speaker(board)
time.sleep_ms(100)
say("full", [speaker.write(bytearray(2000), 0, 2000), speaker.write(bytearray(2000), 0, 2000) < 512])
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
    # three buffers of 256 samples, of which one is being played
    assert said == {"full": [1024, True], "taken": 320, "odd": 2}
    heard = wav.load(out, 16000)
    start = int(np.flatnonzero(np.diff((heard == 1000).astype(int)) == 1)[0]) + 1
    # 200 ms of sleep by the clock, what is ahead in the ring, and whatever a busy machine adds, stand before the loud samples
    assert start % 256 == 0 and 3072 <= start < 4096 + 16000
    assert int((heard == 1000).sum()) == 160
    told = json.loads(out.with_suffix(".json").read_text())
    assert told["underruns"] >= 1
    assert before_ns < told["t0_ns"] < after_ns - 250_000_000


CLOCKED = """
import fake_speaker, lines
frames = []
def put(to, frame, n):
    frames.append((chr(frame[0]), frame[4] | frame[5] << 8 | frame[6] << 16, bytes(frame[8:n])))
    return n
fake_speaker.lines = type("L", (), {"put": staticmethod(put), "move": staticmethod(lines.move)})
fake_speaker._wire = True
fake_speaker.ticks_us = lambda: now_us
now_us = 1000000
speaker = fake_speaker.Speaker(16000, 1536)
def at(buffers):
    global now_us
    now_us = 1000000 + int(buffers * 16000)
    speaker.run()
def sound(n):
    return bytes((n, 1)) * 256
def take():
    got = "".join(kind + str(sample[0] if sample else value) + " " for kind, value, sample in frames if kind in "SPG")
    frames.clear()
    return got
frames.clear()
"""


def test_what_is_written_is_heard_when_the_ring_comes_round(bench) -> None:
    said = bench.results(
        CLOCKED
        + """
say("before the first buffer ended", speaker.write(sound(1), 0, 512))
at(1)
say("after it", speaker.write(sound(1) + sound(2), 0, 1024))
at(2.9)
say("a buffer later", [speaker.write(sound(2) + sound(3), 0, 1024), take()])
at(3)
say("still", [speaker.write(sound(3), 0, 512), take()])
at(6)
say("played", take())
"""
    )
    assert said == {
        "before the first buffer ended": 0,
        "after it": 512,
        "a buffer later": [512, ""],
        "still": [512, ""],
        # the first write went into buffer 0 of three, which the ring plays again as the fourth, 48 ms after the opening
        "played": "S48000 P1 P2 P3 ",
    }


def test_a_late_writer_is_heard_as_silence_and_a_buffer_half_written_as_half(bench) -> None:
    said = bench.results(
        CLOCKED
        + """
at(1)
speaker.write(sound(1), 0, 512)
at(20)
take()
say("room after a stall", speaker.write(sound(2) + sound(3) + sound(4), 0, 1536))
at(22)
say("then", take())
at(23)
speaker.write(sound(5), 0, 256)
at(26)
say("half", [sum(1 for byte in sample if byte) for kind, value, sample in frames if kind == "P"])
frames.clear()
now_us += 8000
speaker.close()
say("closed in the middle", [(kind, value) for kind, value, sample in frames])
"""
    )
    # of three buffers one is played: two are free, whatever the stall was
    assert said["room after a stall"] == 1024
    assert said["then"] == "G256 P2 "
    assert said["half"][-1] == 256
    assert said["closed in the middle"] == [["G", 128], ["C", 0]]


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
    time.sleep_ms(60)
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
now_us = 0
fake_speaker.ticks_us = lambda: now_us
speaker = fake_speaker.Speaker(8000, 3200)
wire.is_full = True
now_us = 200000
speaker.write(bytearray(1024), 0, 1024)
now_us = 256000
speaker.run()
wire.is_full = False
now_us = 288000
speaker.close()
kinds = [kind for kind, value, n in wire.frames]
say("kinds", kinds)
say("lost", sum(value for kind, value, n in wire.frames if kind == "L"))
say("played", sum(n for kind, value, n in wire.frames if kind == "P") // 2)
""")
    # two buffers written, of which the first was played while nobody listened
    assert said == {"kinds": ["O", "S", "L", "P", "C"], "lost": 256, "played": 256}

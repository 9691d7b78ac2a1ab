"""Microphone to speaker through the board: the same samples, at the clock's pace, without one byte of heap."""

import json
from pathlib import Path

import numpy as np
import pytest

from tincall import wav

RATE_HZ = 16000
# so many buffers, 15 and 16, that a busy machine loses nothing; the pace is looked at elsewhere
LOOPBACK = """
import board, lines, micropython
from handset import audio
board.MIC_IBUF_BYTES = 32000
board.SPK_IBUF_BYTES = 8192
store = bytearray(TOTAL + 640)
block = bytearray(640)

def hear(microphone):
    micropython.heap_lock()
    at = 0
    while at < TOTAL:
        n = microphone.readinto(block)
        lines.move(store, at, block, 0, n)
        at += n
        time.sleep_ms(5)
    micropython.heap_unlock()

def speak(speaker):
    micropython.heap_lock()
    at = 0
    while at < TOTAL:
        n = speaker.write(store, at, min(960, TOTAL - at))
        at += n
        if not n:
            time.sleep_ms(5)
    start = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), start) < 16 * 16 + 100:
        speaker.write(store, 0, 0)
        time.sleep_ms(10)
    micropython.heap_unlock()

microphone = audio.open_microphone(board)
hear(microphone)
audio.close(microphone)
speaker = audio.open_speaker(board)
speak(speaker)
audio.close(speaker)
say("done", True)
"""


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A second of noise, which is nowhere like itself."""
    path = tmp_path / "clip.wav"
    wav.save(path, np.random.default_rng(7).integers(-32768, 32767, RATE_HZ, dtype=np.int16), RATE_HZ)
    return path


@pytest.mark.paced  # a board that is late for want of a processor loses samples
def test_what_the_microphone_hears_the_speaker_plays_to_the_sample(bench, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    source = LOOPBACK.replace("TOTAL", str(2 * (RATE_HZ * 14 // 10)))
    bench.run(source, microphone=clip, speaker=out)
    sent, heard = wav.load(clip, RATE_HZ), wav.load(out, RATE_HZ)
    # the clip starts 200 ms after the opening, to the sample
    assert not heard[:3200].any()
    assert np.array_equal(heard[3200 : 3200 + len(sent)], sent)
    said = json.loads(out.with_suffix(".json").read_text())
    assert (said["underruns"], said["lost_samples"], said["overruns"]) == (0, 0, 0)
    assert said["rate_hz"] == RATE_HZ and said["samples"] == len(heard)
    [play] = said["microphone"]
    assert play["samples"] == len(sent) and play["t0_ns"] < said["t0_ns"]


PACE = """
import board
from handset import audio
board.MIC_IBUF_BYTES = 32000
block = bytearray(3200)
start = time.ticks_us()
microphone = audio.open_microphone(board)
n = 0
lead = []
for _ in range(300):
    n += microphone.readinto(block)
    lead.append(n // 2 - time.ticks_diff(time.ticks_us(), start) * 16 // 1000)
    time.sleep_ms(5)
say("most", max(lead))
say("best", min(-x for x in lead[30:]))
"""


def test_the_microphone_keeps_the_clocks_pace(bench) -> None:
    said = bench.results(PACE)
    # never ahead of the clock, and at some moment, however busy the machine is, less than two buffers of 256 behind it
    assert said["most"] <= 0
    assert said["best"] <= 512


ALLOCATES = """
import board, micropython
from handset import audio
def hear(microphone, block):
    micropython.heap_lock()
    try:
        for _ in range(10):
            microphone.readinto(block)
            bytes(block)
    finally:
        micropython.heap_unlock()
say("kind", kind_of(hear, audio.open_microphone(board), bytearray(320)))
"""


def test_the_proof_of_no_heap_would_notice_heap(bench) -> None:
    if bench.board == "cpython":
        pytest.skip("CPython's heap cannot be locked")
    assert bench.results(ALLOCATES) == {"kind": "MemoryError"}

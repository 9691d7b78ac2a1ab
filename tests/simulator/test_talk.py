"""A talk on its beat: what is recorded, when it was, and what a stall does to it."""

import json

import numpy as np
from support.legs import MEDIA, packets

from tincall import wav
from tincall.simulator.phone import PhoneScript
from tincall.simulator.talk import TICK_NS, Talk

CALENDAR_NS = 1_700_000_000_000_000_000
BEGAN_NS = 5_000_000_000


def begin(tmp_path, clip=(), **script):
    sent = []

    def keep(packet):
        sent.append(packet)
        return True

    script = PhoneScript(id="mum", record=tmp_path, **script)
    talk = Talk(script, "c/1", MEDIA, np.array(clip, dtype=np.int16), keep, BEGAN_NS, CALENDAR_NS)
    return talk, sent


def timeline(tmp_path, name):
    return json.loads((tmp_path / f"c_1-phone-{name}.json").read_text())


def test_both_ends_are_recorded_with_their_instants(tmp_path):
    talk, sent = begin(tmp_path, clip=[1000] * 800, speak_after_ms=30)
    for tick in range(10):
        talk.run(BEGAN_NS + tick * TICK_NS)
    figures = talk.close()
    assert len(sent) == figures["sent"] == 10
    heard, spoke = timeline(tmp_path, "heard"), timeline(tmp_path, "spoke")
    assert heard["samples"] == spoke["samples"] == 3200
    # what is played at the first tick is heard from then on; what is taken at it was said in the 20 ms before
    assert heard["t0_ns"] == figures["heard_t0_ns"] == BEGAN_NS + CALENDAR_NS
    assert spoke["t0_ns"] == heard["t0_ns"] - TICK_NS
    assert spoke["clip_at_samples"] == 480
    assert spoke["clip_t0_ns"] == figures["clip_t0_ns"] == spoke["t0_ns"] + 30_000_000
    said = wav.load(figures["spoke"], 16000)
    assert np.flatnonzero(said).tolist() == list(range(480, 1280))
    assert figures["heard"].endswith("c_1-phone-heard.wav")


def test_a_stall_is_silence_at_the_far_edge_and_a_pause_of_the_microphone(tmp_path):
    talk, sent = begin(tmp_path, clip=[1000] * 320 * 30, speak_after_ms=0)
    talk.run(BEGAN_NS)
    talk.run(BEGAN_NS + 10 * TICK_NS)
    figures = talk.close()
    assert len(sent) == 4 and figures["skipped_ticks"] == 7
    # the far edge keeps its time, the microphone keeps its words
    assert timeline(tmp_path, "heard")["samples"] == 11 * 320
    assert timeline(tmp_path, "spoke")["samples"] == 4 * 320
    assert timeline(tmp_path, "spoke")["skipped_ticks"] == 7


def test_without_a_folder_nothing_is_written(tmp_path):
    talk = Talk(PhoneScript(id="mum"), "c", MEDIA, np.zeros(0, dtype=np.int16), lambda _: True, BEGAN_NS, CALENDAR_NS)
    for packet in packets(5):
        talk.audio.take(packet, 0)
    talk.run(BEGAN_NS)
    figures = talk.close()
    assert figures["received"] == 5 and "heard" not in figures and "clip_t0_ns" not in figures
    assert list(tmp_path.iterdir()) == []

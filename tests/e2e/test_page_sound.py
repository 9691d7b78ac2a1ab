"""The sound of the phone in the browser, judged: speech from its microphone, speech to its ear, and a path that is bad."""

import base64
import json
import random

import numpy as np
import pytest
from browser import NO_TAP_NEEDED, YES, Tab, launch, level
from page_stage import opened
from playwright.sync_api import sync_playwright
from support.checkout import CHECKOUT

from tincall import wav
from tincall.measure import marker, speech

SPEECH = CHECKOUT / ".cache/speech/librivox-0890.wav"
LONGER = CHECKOUT / ".cache/speech/librivox-0870.wav"
WIDE_HZ = 16000
NARROW_HZ = 8000  # what the score is for
# a copy through two resamplers of the page scores 4.5; people hear no difference above 4
LEAST_PESQ = 3.8
ATTEMPTS = 3


@pytest.fixture(scope="module")
def said():
    """Give the marked clip at 16 kHz."""
    return marker.mark(wav.load(SPEECH, WIDE_HZ), WIDE_HZ)


@pytest.fixture(scope="module")
def browser(said, tmp_path_factory):
    """Give a Chromium that says the marked clip, at the rate that sound cards have."""
    path = tmp_path_factory.mktemp("speech") / "microphone.wav"
    wav.save(path, wav.resample(said, WIDE_HZ, 48000), 48000)
    with sync_playwright() as playwright:
        browser = launch(playwright, path, YES, NO_TAP_NEEDED)
        yield browser
        browser.close()


@pytest.fixture
def called(browser):
    """Give a stage, a tab in a talk, and the board."""
    with opened() as stage:
        tab = Tab(browser, stage.url).open().choose()
        board = stage.ring()
        tab.shows("ringing")
        tab.press("Answer")
        tab.shows("talking")
        yield stage, tab, board
        tab.close()


def judge(said, heard):
    """Judge a recording at 16 kHz that holds the whole marked clip somewhere."""
    narrow = [wav.resample(one, WIDE_HZ, NARROW_HZ) for one in (said, heard)]
    return speech.judge(narrow[0], 0, narrow[1], 0, NARROW_HZ, speech.NARROW)


def best(attempt):
    """Give the best of three attempts: a machine that stalls for a tenth of a second is heard, and is not what is tested."""
    found = []
    for _ in range(ATTEMPTS):
        found.append(attempt())
        if all(one.pesq is not None and one.pesq >= LEAST_PESQ for one in found[-1]):
            return found[-1]
    raise AssertionError(found)


def settled(stage):
    """Wait until the talk has gone on for a while: opening the microphone keeps a small machine busy."""
    phone = stage.gate.phone("oAnna")
    stage.until(lambda: phone.report.get("played", 0) > 75, "the page's playing")
    return phone


@pytest.mark.alone
def test_speech_comes_through_both_ways_at_once(called, said):
    stage, tab, board = called
    phone = settled(stage)
    frames = 2 * len(said) // 320 + 50  # the clip is said again and again: so many hold a whole one

    def attempt():
        tab.record()
        begin = stage.run(lambda: len(board.heard))
        stage.run(lambda: board.say(said.astype("<i2").tobytes()))
        stage.until(lambda: len(board.heard) >= begin + frames, "two rounds of the clip", seconds=60)
        rate_hz, played = tab.recorded()
        heard = np.frombuffer(b"".join(board.heard[begin:]), dtype="<i2")
        into = judge(said, _from_first_whole(heard, said))
        return into, judge(said, wav.resample(played.astype(np.int16), rate_hz, WIDE_HZ))

    into, out_of = best(attempt)
    assert abs(into.level_db) < 1 and into.gap_ms == 0, into
    gaps = np.diff(board.heard_at)
    assert np.percentile(gaps, 50) == pytest.approx(0.02, abs=0.004)
    assert len(gaps) / (board.heard_at[-1] - board.heard_at[0]) == pytest.approx(50, abs=0.5)
    assert abs(out_of.level_db) < 1, out_of
    report = stage.run(lambda: phone.report)
    assert report["received"] == report["played"] + report["depth"] + report["dropped"], report


@pytest.mark.alone
def test_a_bad_path_is_heard_as_less_and_shown(called):
    """Every tenth frame is lost, others come up to 60 ms late: speech goes on, and the figures say so."""
    stage, tab, board = called
    said = marker.mark(wav.load(LONGER, WIDE_HZ), WIDE_HZ)
    chance = random.Random(1)

    def bad():
        good = stage.rooms.up

        def up(room, pcm):
            if chance.random() >= 0.1:
                stage.loop.call_later(chance.uniform(0, 0.06), good, room, pcm)

        stage.rooms.up = up
        board.say(said.astype("<i2").tobytes())

    stage.run(bad)
    _, heard = tab.listen(len(said) / WIDE_HZ)
    assert level(heard) > 0.5 * level(said)
    report = stage.run(lambda: stage.gate.phone("oAnna").report)
    assert report["concealed"] > 10 and report["jitterMs"] > 5, report
    assert report["lost"] / report["made"] == pytest.approx(0.1, abs=0.05), report
    assert tab.text("grade-word") == "Poor"
    assert 5 <= float(tab.text("q-loss").split()[0]) <= 16


@pytest.mark.parametrize("rate_hz", [44100, 48000, pytest.param(96000, marks=pytest.mark.long)])
def test_any_rate_of_the_sound_card_will_do(browser, said, rate_hz):
    """The capture worklet in contexts of other rates, and the way back by the resampler of the other one."""
    with opened() as stage:
        tab = Tab(browser, stage.url).open()
        clip = wav.resample(said, WIDE_HZ, 48000)
        given = base64.b64encode(clip.astype("<i2").tobytes()).decode()
        answer = json.loads(tab.page.evaluate(THERE_AND_BACK, [rate_hz, given]))
        tab.close()
    captured = np.frombuffer(base64.b64decode(answer["captured"]), dtype="<i2")
    found = judge(said, captured)
    assert found.pesq is not None and found.pesq >= 4.2, found
    played = (
        (np.frombuffer(base64.b64decode(answer["played"]), dtype="<f4") * 32767).clip(-32768, 32767).astype(np.int16)
    )
    back = played if rate_hz == 48000 else _to_rate(played, rate_hz)
    found = judge(said, wav.resample(back, 48000, WIDE_HZ))
    assert found.pesq is not None and found.pesq >= 4.2, found


# an OfflineAudioContext runs faster than time, so all frames are given beforehand in an endless queue: no jitter buffer here
THERE_AND_BACK = """async ([rate, given]) => {
  const { Resampler } = await import("/phone/resampler.js");
  const { readFrame } = await import("/phone/pcm.js");
  const bytes = Uint8Array.from(atob(given), (one) => one.charCodeAt(0));
  const clip = new Int16Array(bytes.buffer);
  const seconds = clip.length / 48000;
  const context = new OfflineAudioContext(1, Math.ceil(seconds * rate), rate);
  await context.audioWorklet.addModule("/phone/capture.worklet.js");
  const buffer = new AudioBuffer({ length: clip.length, sampleRate: 48000 });
  buffer.getChannelData(0).set(Float32Array.from(clip, (one) => one / 32768));
  const source = new AudioBufferSourceNode(context, { buffer });
  const node = new AudioWorkletNode(context, "capture", { channelCount: 1, channelCountMode: "explicit" });
  const frames = [];
  node.port.onmessage = ({ data }) => frames.push(data.pcm);
  source.connect(node).connect(context.destination);
  source.start();
  await context.startRendering();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const up = new Resampler(16000, rate);
  const out = new Float32Array(Math.ceil((frames.length * 320 * rate) / 16000));
  const samples = new Float32Array(320);
  let at = 0;
  for (const frame of frames) {
    readFrame(frame, samples);
    up.feed(samples);
    at += up.read(out, at, out.length - at);
  }
  const text = (buffers) => {
    let all = "";
    for (const one of buffers) {
      const part = new Uint8Array(one);
      for (let i = 0; i < part.length; i += 32768) all += String.fromCharCode(...part.subarray(i, i + 32768));
    }
    return btoa(all);
  };
  return JSON.stringify({ captured: text(frames), played: text([out.slice(0, at).buffer]) });
}"""


def _to_rate(samples, rate_hz):
    """Bring samples to 48 kHz."""
    return wav.resample(samples, rate_hz, 48000)


def _from_first_whole(heard, said):
    """Cut a recording of a clip that is repeated to begin shortly before a whole one."""
    at = marker.find(heard[: len(said)], WIDE_HZ)
    if at is None or at > len(said) - len(marker.chirp(WIDE_HZ)):
        at = marker.find(heard[len(said) :], WIDE_HZ)
        assert at is not None, "the marker never came"
        at += len(said)
    begin = max(0, at - round(marker.LEAD_S * WIDE_HZ))
    return heard[begin : begin + len(said)]

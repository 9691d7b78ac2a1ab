"""The page's parts by themselves, inside the browser that runs them: rates, jitter buffer, quality, words, state."""

import json

import pytest
from browser import NO_TAP_NEEDED, Tab, launch
from page_stage import opened
from playwright.sync_api import sync_playwright


@pytest.fixture(scope="module")
def page():
    """Give a page that can import the parts."""
    with sync_playwright() as playwright, opened() as stage:
        browser = launch(playwright, None, NO_TAP_NEEDED)
        tab = Tab(browser, stage.url).open()
        yield tab.page
        tab.close()
        browser.close()


def run(page, names, body, given=None):
    """Run a function's body with a part's names imported; gives what it returns."""
    part, wanted = names.split(": ")
    code = f"async (given) => {{ const {{ {wanted} }} = await import('/phone/{part}.js'); {body} }}"
    return json.loads(page.evaluate(f"async (given) => JSON.stringify(await ({code})(given) ?? null)", given))


# rates


@pytest.mark.parametrize(
    ("source", "target"),
    [(48000, 16000), (44100, 16000), (16000, 48000), (16000, 44100), (96000, 16000), (8000, 16000)],
)
def test_a_tone_keeps_its_level_and_what_would_alias_goes(page, source, target):
    body = """
      const [source, target] = given;
      const level = (hz) => {
        const resampler = new Resampler(source, target);
        const out = new Float32Array(target);
        let done = 0;
        for (let at = 0; at < source; at += 128) {
          resampler.feed(Float32Array.from({ length: 128 }, (_, i) => Math.sin((2 * Math.PI * hz * (at + i)) / source)));
          done += resampler.read(out, done, out.length - done);
        }
        let sum = 0;
        for (let i = 500; i < done - 500; i++) sum += out[i] * out[i];
        return [done, Math.sqrt(sum / (done - 1000))];
      };
      const low = Math.min(source, target) / 2;
      return { kept: level(1000), edge: level(0.85 * low), gone: source > target ? level(1.2 * low) : null };
    """
    found = run(page, "resampler: Resampler", body, [source, target])
    assert found["kept"][0] == pytest.approx(target, abs=target * 0.01)
    assert found["kept"][1] == pytest.approx(0.7071, rel=0.002)
    assert found["edge"][1] == pytest.approx(0.7071, rel=0.02)
    if found["gone"]:
        assert found["gone"][1] < 0.0005


def test_what_is_available_can_be_read(page):
    body = """
      const bad = [];
      for (const [source, target] of [[48000, 16000], [44100, 16000], [16000, 44100], [16000, 48000]]) {
        const resampler = new Resampler(source, target);
        for (let n = 0; n < 400; n++) {
          resampler.feed(new Float32Array(1 + ((n * 37) % 320)));
          const said = resampler.available;
          const got = resampler.read(new Float32Array(4096), 0, 4096);
          if (said !== got) bad.push([source, target, n, said, got]);
        }
      }
      return bad;
    """
    assert run(page, "resampler: Resampler", body) == []


# jitter buffer: a script of "p" (a frame comes) and "t" (20 ms are played)

JITTER = """
  const buffer = new JitterBuffer();
  const out = new Float32Array(320);
  const kinds = [];
  const firsts = [];
  let number = 0;
  for (const step of given) {
    if (step === "p") buffer.put(new Float32Array(320).fill(++number / 1000));
    else { kinds.push(buffer.take(out)[0]); firsts.push(Math.round(out[319] * 1000)); }
  }
  const { received, played, concealed, dropped, underruns, depth } = buffer;
  return { kinds: kinds.join(""), firsts, received, played, concealed, dropped, underruns, depth };
"""


def jitter(page, script):
    return run(page, "jitter: JitterBuffer", JITTER, script)


def test_it_plays_from_the_third_frame_on_in_order(page):
    found = jitter(page, "ptptpt" + "pt" * 5)
    assert found["kinds"] == "ss" + "p" * 6
    assert found["firsts"] == [0, 0, 1, 2, 3, 4, 5, 6]


def test_a_missing_frame_fades_and_counts_one_underrun(page):
    found = jitter(page, "ppp" + "t" * 7 + "pt")
    assert found["kinds"] == "pppccccp"
    assert (found["concealed"], found["underruns"], found["played"]) == (4, 1, 4)
    assert found["firsts"] == [1, 2, 3, 2, 1, 0, 0, 4]


def test_a_late_frame_is_played_and_the_delay_adapts(page):
    found = jitter(page, "ppp" + "tttt" + "ppp" + "pt" * 10)
    assert found["dropped"] == 0 and found["depth"] == 3 and found["concealed"] == 1


def test_too_many_frames_push_out_the_oldest(page):
    found = jitter(page, "p" * 14 + "t" * 3)
    assert found["dropped"] == 4 and found["firsts"] == [5, 6, 7]


def test_a_buffer_that_stays_fuller_than_needed_slims_one_by_one(page):
    found = jitter(page, "p" * 9 + "pt" * 500)
    assert (found["dropped"], found["concealed"], found["depth"]) == (5, 0, 4)


def test_a_steady_stream_loses_nothing(page):
    found = jitter(page, "ppp" + "tp" * 1000)
    assert (found["played"], found["dropped"], found["concealed"], found["depth"]) == (1000, 0, 0, 3)


def test_after_a_pause_it_gathers_anew(page):
    found = jitter(page, "ppp" + "t" * 40 + "ptptpt")
    assert found["kinds"].endswith("ssp")


# quality


def test_figures_are_what_was_counted(page):
    body = """
      const quality = new Quality();
      for (let n = 0; n < 100; n++) quality.arrived(20 * n);
      quality.counted({ made: 100, sent: 97 });
      quality.counted({ made: 150, sent: 145 });
      quality.echoed(30);
      quality.latencyMs = 40;
      const report = { depth: 3, received: 145, underruns: 0, dropped: 0 };
      quality.reported({ ...report, played: 90, concealed: 0 });
      quality.reported({ ...report, played: 140, concealed: 0 });
      return { ...quality.figures(), grade: quality.grade() };
    """
    found = run(page, "quality: Quality", body)
    assert (found["lost"], found["made"], found["jitterMs"]) == (3, 150, 0)
    assert found["delayMs"] == 15 + 60 + 20 + 40
    assert found["grade"] == "fair"  # 2 in 100 are lost


@pytest.mark.parametrize(
    ("concealed", "rtt", "grade"),
    [(0, 20, "good"), (1, 20, "fair"), (0, 400, "fair"), (5, 20, "poor"), (0, 900, "poor")],
)
def test_one_word_for_the_quality(page, concealed, rtt, grade):
    body = """
      const [concealed, rtt] = given;
      const quality = new Quality();
      quality.echoed(rtt);
      quality.reported({ depth: 3, played: 0, concealed: 0 });
      quality.reported({ depth: 3, played: 50 - concealed, concealed });
      return quality.grade();
    """
    assert run(page, "quality: Quality", body, [concealed, rtt]) == grade


def test_jitter_follows_rfc_3550(page):
    body = """
      const quality = new Quality();
      let now = 0;
      for (let n = 0; n < 400; n++) { now += n % 2 ? 30 : 10; quality.arrived(now); }
      return quality.figures().jitterMs;
    """
    assert run(page, "quality: Quality", body) == pytest.approx(10, abs=0.1)


# words


def test_every_ending_has_its_words_for_both_directions(page):
    from tincall.simulator.room import ENDS

    body = "return given.map((why) => ['in', 'out'].map((way) => ending(why, 'Door', way)));"
    found = run(page, "words: ending", body, [*ENDS, "lost"])
    for whole in found:
        for title, sentence in whole:
            assert title and sentence.endswith(".") and "undefined" not in sentence
    assert found[2][0] != found[2][1]  # who declined depends on who called


def test_names_are_shown_as_one_plain_line(page):
    body = "return given.map((name) => plain(name));"
    names = ["Door", " a\n\tb ", "x\u202ey\u2066z", "", None, "\u200b\u200e", "e" * 100, "\U0001f6aa" * 100]
    found = run(page, "words: plain", body, names)
    assert found[:6] == ["Door", "a b", "x y z", "Unknown", "Unknown", "Unknown"]
    assert found[6] == "e" * 63 + "…" and found[7] == "\U0001f6aa" * 63 + "…"


def test_initials_are_letters(page):
    found = run(
        page, "words: initials", "return given.map(initials);", ["Front door", "<b>x</b>", "\u4e2d\u6587", "!!!", "a"]
    )
    assert found == ["FD", "BX", "\u4e2d", "?", "A"]


@pytest.mark.parametrize(
    ("ms", "shown"), [(0, "0:00"), (999, "0:00"), (61_000, "1:01"), (3_723_000, "1:02:03"), (-5, "0:00")]
)
def test_durations(page, ms, shown):
    assert run(page, "words: clock", "return clock(given);", ms) == shown


def test_every_number_of_a_refused_call_is_said_in_words(page):
    found = run(page, "words: refusal", "return given.map((number) => refusal(number, 'why\\u202e'));", [9, 12, 47001])
    assert "not allowed" in found[0] and "not approved" in found[1]
    assert found[2] == "The platform refused (47001): why"


# state

CALL = {
    "room": "r1",
    "sn": "sn-1",
    "name": "Door",
    "model": "T1",
    "kind": "voice",
    "direction": "out",
    "state": "ringing",
    "muted": False,
    "talk_ms": 0,
}
ME = {"t": "welcome", "openid": "o", "name": "Anna", "app": "app", "devices": [], "call": None}


def after(page, *events):
    """Give the screens after each event, and the last state."""
    body = """
      let state = start();
      const screens = [];
      for (const [n, event] of given.entries()) {
        state = reduce(state, { nowMs: 1000 * n, ...event });
        screens.push(screen(state));
      }
      return { screens, state };
    """
    return run(page, "state: reduce, screen, start", body, list(events))


def test_an_incoming_call_goes_its_way(page):
    found = after(
        page,
        ME,
        {"t": "ring", "call": CALL},
        {"t": "picked_up", "room": "r1"},
        {"t": "talk", "room": "r1"},
        {"t": "over", "room": "r1", "why": "hung_up_by_device"},
        {"t": "put_away"},
    )
    assert found["screens"] == ["home", "ringing", "answering", "talking", "over", "home"]
    (recent,) = found["state"]["recents"]
    assert (recent["title"], recent["talkMs"]) == ("Call ended", 1000)


@pytest.mark.parametrize(
    "event",
    [
        {"t": "talk", "room": "another"},
        {"t": "over", "room": "another", "why": "aborted"},
        {"t": "put_away"},
        {"t": "pressed", "room": "another", "ok": True, "text": ""},
        {"t": "ask", "device": {"sn": "sn-1"}},
        {"t": "nonsense"},
    ],
)
def test_what_is_not_for_this_call_changes_nothing(page, event):
    body = """
      let state = reduce(start(), { ...given[0], nowMs: 0 });
      state = reduce(state, { t: "ring", call: given[1], nowMs: 0 });
      return reduce(state, { ...given[2], nowMs: 0 }) === state;
    """
    assert run(page, "state: reduce, start", body, [ME, CALL, event])


def test_over_is_over(page):
    ended = {"t": "over", "room": "r1", "why": "rejected"}
    found = after(
        page, ME, {"t": "ring", "call": CALL}, ended, {"t": "talk", "room": "r1"}, {"t": "mute", "on": True}, ended
    )
    assert found["screens"][2:] == ["over"] * 4
    assert len(found["state"]["recents"]) == 1 and not found["state"]["call"]["isMuted"]


def test_a_welcome_tells_what_became_of_a_call(page):
    talking = {**ME, "call": {**CALL, "state": "talking", "talk_ms": 5000}}
    found = after(page, talking, ME)
    assert found["screens"] == ["talking", "over"] and found["state"]["call"]["why"] == "lost"
    assert found["state"]["recents"][0]["talkMs"] == 6000


def test_a_call_closes_questions_and_old_complaints(page):
    found = after(
        page,
        ME,
        {"t": "ask", "device": {"sn": "x"}},
        {"t": "refused", "number": 9, "text": ""},
        {"t": "ring", "call": CALL},
    )
    assert found["state"]["ask"] is None and found["state"]["notices"] == {}


def test_recent_calls_are_bounded(page):
    events = [ME]
    for n in range(20):
        events += [{"t": "ring", "call": {**CALL, "room": f"r{n}"}}, {"t": "over", "room": f"r{n}", "why": "cancelled"}]
    assert len(after(page, *events)["state"]["recents"]) == 12

"""The phone in a real browser: what a person sees, presses, hears and is told, from choosing a phone to the end of a call."""

import re
import time

import numpy as np
import pytest
from browser import NO_TAP_NEEDED, PHONE, YES, Tab, launch, level, peaks
from page_stage import Device, Person, opened
from playwright.sync_api import expect, sync_playwright
from support.checkout import CHECKOUT

from tincall import wav
from tincall.simulator.room import OVER, TALKING, Times

SPEECH = CHECKOUT / ".cache/speech/librivox-0870.wav"
RATE_HZ = 16000
LONG = pytest.mark.long
HOSTILE = [
    "<img src=x onerror=document.title='owned'>",
    "</span><script>document.title='owned'</script>",
    "Front \u202edoor\u202c\u0000\u2028",
    "W" * 500,
    "a\u0301" * 300,
    "   ",
    "\ud83d half a door",
    "\U0001f6aa Door \u4e2d\u6587 \u0645\u0631\u062d\u0628\u0627",
]
# `opened` is the stream of the page's microphone, once the page has taken it in hand. A promise and no `wait_for_function`:
# its polling evaluates text, which the page's policy forbids
CATCH_STREAM = """() => {
  const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.opened = new Promise((open) => {
    navigator.mediaDevices.getUserMedia = async (wish) => {
      const stream = await get(wish);
      setTimeout(open, 0, stream);
      return stream;
    };
  });
}"""


@pytest.fixture(scope="module")
def playwright():
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright, tmp_path_factory):
    """Give a Chromium whose microphone says something, and that may use it."""
    path = tmp_path_factory.mktemp("speech") / "microphone.wav"
    wav.save(path, wav.load(SPEECH, 48000), 48000)
    browser = launch(playwright, path, YES, NO_TAP_NEEDED)
    yield browser
    browser.close()


@pytest.fixture
def stage():
    with opened() as stage:
        yield stage


@pytest.fixture
def tabs(browser, stage):
    """Make tabs: `tabs(name, **context)`; each must end without an error."""
    made = []

    def make(name="Anna Berg", **context):
        made.append(Tab(browser, stage.url, **context))
        made[-1].open()
        return made[-1].choose(name) if name else made[-1]

    yield make
    for tab in made:
        tab.close()


@pytest.fixture
def anna(tabs):
    """Give Anna's phone, switched on."""
    return tabs()


def talk(stage, tab, **ring):
    """Let the board call and the page answer; gives the board."""
    board = stage.ring(**ring)
    tab.shows("ringing")
    tab.press("Answer")
    tab.shows("talking")
    return board


def tone(hz, seconds):
    t = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
    return (9000 * np.sin(2 * np.pi * hz * t)).astype("<i2").tobytes()


def pcm(frames):
    return np.frombuffer(b"".join(frames), dtype="<i2")


# who it is


def test_a_tab_becomes_somebody_s_phone(tabs):
    tab = tabs(None)
    expect(tab.page.get_by_role("heading", name="Whose phone is this?")).to_be_visible()
    expect(tab.page.locator("#people .name")).to_have_text(["Anna Berg", "Bo Lindqvist"])
    tab.choose("Bo Lindqvist")
    assert (tab.text("home-title"), tab.text("link-state")) == ("Bo Lindqvist", "Ready")
    assert "Front door\nDoorbell T1May call you" in tab.text("devices").replace("T1\n", "T1")


def test_the_address_can_say_who(tabs):
    tab = tabs(None, query="?echo=off&as=oBo")
    tab.ready()
    assert tab.text("home-title") == "Bo Lindqvist"


def test_a_reload_keeps_the_phone_and_switching_off_ends_it(anna, stage):
    anna.page.reload()
    anna.ready()
    assert anna.text("home-title") == "Anna Berg"
    anna.press("Switch off")
    anna.shows("choose")
    anna.page.reload()
    anna.shows("choose")


# incoming calls


def test_it_rings_with_sound_and_says_who_calls(anna, stage):
    stage.ring(kind="video")
    anna.shows("ringing")
    assert (anna.text("call-name"), anna.text("call-model")) == ("Front door", "Doorbell T1")
    assert anna.text("call-kind") == "Video call, sound only here"
    assert "Front door is calling" in anna.page.title()
    rate_hz, heard = anna.listen(2.7)
    loud = peaks(heard, rate_hz, 6)
    assert level(heard) > 300
    for note_hz in (659, 784, 988):
        assert min(abs(hz - note_hz) for hz in loud) < 15, loud


@pytest.mark.paced
def test_it_is_answered_and_sound_goes_both_ways(anna, stage):
    board = talk(stage, anna)
    assert stage.run(lambda: board.room.state) == TALKING
    stage.run(lambda: board.say(tone(1000, 4)))
    rate_hz, heard = anna.listen(1.5)
    assert peaks(heard[-rate_hz // 2 :], rate_hz)[0] == pytest.approx(1000, abs=3)
    assert level(heard[-rate_hz // 2 :]) == pytest.approx(9000 / np.sqrt(2), rel=0.05)
    stage.until(lambda: len(board.heard) > 150, "three seconds of the microphone")
    assert level(pcm(board.heard[50:150])) > 300
    anna.press("Hang up")
    anna.shows("over")
    assert (anna.text("call-why"), anna.text("call-state")) == ("Call ended", "You hung up.")
    assert stage.run(lambda: (board.room.why, board.statuses[-1])) == ("hung_up_by_phone", 6)


@pytest.mark.paced
def test_the_time_the_meters_and_the_figures_move(anna, stage):
    board = talk(stage, anna)
    stage.run(lambda: board.say(tone(440, 6)))
    expect(anna.page.locator("#grade-word")).to_have_text("Good", timeout=10_000)
    expect(anna.page.get_by_role("timer")).to_have_text(re.compile("0:0[2-9]"))
    # 9000 of 32768: 14 dB down, of a meter of 50 dB
    ear = anna.page.get_by_role("meter", name="What you hear")
    assert 60 < int(ear.get_attribute("aria-valuenow")) < 80
    shown = [anna.text(f"q-{name}") for name in ("loss", "jitter", "concealed", "delay")]
    assert shown[0] == "0.0 %" and all(re.fullmatch(r"\d+ ms", one) for one in shown[1:]), shown
    report = stage.until(lambda: stage.gate.phone("oAnna").report, "the page's report")
    assert report["played"] > 20 and report["sent"] > 20 and report["unsent"] == 0


def test_it_is_declined(anna, stage):
    board = stage.ring()
    anna.shows("ringing")
    anna.press("Decline")
    anna.shows("over")
    assert (anna.text("call-why"), anna.text("call-state")) == ("Declined", "You declined.")
    assert stage.run(lambda: board.room.why) == "rejected"
    anna.press("Close")
    anna.shows("home")
    assert "Front door\nDeclined" in anna.text("recents")


def test_a_caller_who_gives_up_leaves_a_missed_call(anna, stage):
    board = stage.ring()
    anna.shows("ringing")
    stage.run(board.hang_up)
    anna.shows("over")
    assert (anna.text("call-why"), anna.text("call-state")) == (
        "Missed call",
        "Front door gave up before you answered.",
    )
    assert any(level(anna.listen(1)[1]) < 5 for _ in range(8)), "it still rings"
    anna.press("Close")
    assert anna.page.locator("#recents [data-missed=true]").count() == 1


def test_the_other_side_hangs_up(anna, stage):
    board = talk(stage, anna)
    stage.run(board.hang_up)
    anna.shows("over")
    assert anna.text("call-state") == "Front door hung up."
    anna.press("Call again")
    anna.shows("calling")


def test_a_device_that_does_not_come_is_told(browser):
    with opened(times=Times(peer_wait_ms=300)) as stage:
        tab = Tab(browser, stage.url).open().choose()
        stage.ring(joins=False)
        tab.shows("ringing")
        tab.press("Answer")
        tab.shows("over")
        assert tab.text("call-state") == "You answered, but Front door did not come to the call in time."
        tab.close()


def test_an_unanswered_call_ends_by_itself(browser):
    with opened(times=Times(ring_ms=300)) as stage:
        tab = Tab(browser, stage.url).open().choose()
        stage.ring()
        tab.shows("over")
        assert tab.text("call-why") == "Missed call"
        tab.close()


def test_muted_means_silence_at_the_device(anna, stage):
    board = talk(stage, anna)
    anna.press("Mute")
    expect(anna.page.get_by_role("button", name="Muted")).to_have_attribute("aria-pressed", "true")
    at = stage.run(lambda: len(board.heard))
    stage.until(lambda: len(board.heard) > at + 75, "frames while muted")
    assert level(pcm(board.heard[at + 15 : at + 75])) == 0
    anna.press("Muted")
    at = stage.run(lambda: len(board.heard))
    stage.until(lambda: len(board.heard) > at + 150, "frames after that")
    assert level(pcm(board.heard[at + 25 :])) > 200


def test_the_door_button_says_what_became_of_it(anna, stage):
    talk(stage, anna)
    anna.press("Open the door")
    expect(anna.page.locator("#door")).to_have_text("Door opened")
    assert stage.run(lambda: stage.desk.pressed) == ["sn-1"]
    stage.run(lambda: setattr(stage.desk, "press_answer", (False, "the lock is jammed")))
    expect(anna.page.locator("#door")).to_have_text("Open the door")
    anna.press("Open the door")
    expect(anna.page.locator("#door")).to_have_text("Could not open")
    assert "the lock is jammed" in anna.notice()
    anna.press("OK")
    expect(anna.page.locator(".notice")).to_have_count(0)


# calling the device


def test_a_device_is_called_answers_and_talks(anna, stage):
    anna.press("Call Workshop")
    anna.shows("calling")
    assert (anna.text("call-name"), anna.text("call-state")) == ("Workshop", "Calling…")
    rate_hz, heard = anna.listen(0.6)
    assert peaks(heard[rate_hz // 4 :], rate_hz)[0] == pytest.approx(450, abs=5), "no ringback"
    board = stage.run(lambda: stage.desk.boards[-1])
    stage.run(board.join)
    anna.shows("talking")
    stage.until(lambda: len(board.heard) > 20, "the microphone's frames")
    stage.run(board.hang_up)
    anna.shows("over")


def test_a_call_is_cancelled_before_the_device_answers(anna, stage):
    anna.press("Call Workshop")
    anna.shows("calling")
    anna.press("Hang up")
    anna.shows("over")
    assert anna.text("call-why") == "Cancelled"
    assert stage.run(lambda: stage.desk.boards[-1].room.why) == "cancelled"


def test_a_refused_call_is_told_in_plain_words(anna, stage):
    stage.run(lambda: setattr(stage.desk, "refuses", 12))
    anna.press("Call Workshop")
    assert "its ability is not approved" in anna.notice()
    anna.press("OK")
    expect(anna.page.locator(".notice")).to_have_count(0)


# consent


@pytest.mark.parametrize(
    ("button", "allow", "note"), [("Allow", True, "May call you"), ("Don’t allow", False, "Calls are off")]
)
def test_consent_is_asked_and_kept(anna, stage, button, allow, note):
    stage.run(lambda: stage.gate.ask("oAnna", "sn-2"))
    dialog = anna.page.get_by_role("dialog", name="Workshop · Intercom T2")
    expect(dialog).to_be_visible()
    assert "Tincall at home" in dialog.inner_text()
    anna.press(button)
    expect(dialog).to_be_hidden()
    expect(anna.page.locator("#devices .consent").nth(1)).to_have_text(note)
    assert stage.run(lambda: stage.desk.decided) == [("oAnna", "sn-2", allow)]


def test_consent_can_be_changed_later(anna, stage):
    anna.page.get_by_role("button", name="Front door Doorbell T1").click()
    switch = anna.page.get_by_role("switch", name="May call this phone")
    expect(switch).to_be_checked()
    switch.click()
    expect(switch).not_to_be_checked()
    switch.click()
    expect(switch).to_be_checked()
    assert stage.run(lambda: stage.desk.decided) == [("oAnna", "sn-1", False), ("oAnna", "sn-1", True)]


def test_a_call_comes_before_a_question(anna, stage):
    stage.run(lambda: stage.gate.ask("oAnna", "sn-2"))
    expect(anna.page.locator("#consent")).to_be_visible()
    stage.ring()
    anna.shows("ringing")
    expect(anna.page.locator("#consent")).to_be_hidden()
    assert stage.run(lambda: stage.desk.decided) == []


# several phones


def test_two_phones_talk_at_once_and_apart(tabs, stage):
    anna, bo = tabs("Anna Berg"), tabs("Bo Lindqvist")
    door = talk(stage, anna, openid="oAnna", sn="sn-1")
    shop = talk(stage, bo, openid="oBo", sn="sn-2")
    stage.run(lambda: door.say(tone(700, 5)))
    stage.run(lambda: shop.say(tone(1300, 5)))
    for tab, hz in ((anna, 700), (bo, 1300)):
        rate_hz, heard = tab.listen(1.2)
        assert peaks(heard[-rate_hz // 2 :], rate_hz)[0] == pytest.approx(hz, abs=3)
    bo.press("Mute")
    stage.run(door.hang_up)
    anna.shows("over")
    at = stage.run(lambda: len(shop.heard))
    stage.until(lambda: len(shop.heard) > at + 10, "the other call going on")
    assert bo.text("mute-word") == "Muted" and bo.page.locator("#phone").get_attribute("data-screen") == "talking"


def test_a_second_tab_of_the_same_person_takes_over_and_gives_back(tabs, stage):
    first = tabs()
    board = talk(stage, first)
    second = tabs()
    second.shows("talking")
    first.shows("moved")
    assert stage.run(lambda: board.room.state) == TALKING
    first.press("Use it here")
    first.shows("talking")
    second.shows("moved")


# what goes wrong


def test_a_lost_connection_is_told_and_mended_in_the_middle_of_a_call(anna, stage):
    board = talk(stage, anna)
    stage.run(stage.stop_server())
    assert "The connection is lost" in anna.notice()
    stage.run(stage.start_server())
    expect(anna.page.locator(".notice")).to_have_count(0)
    at = stage.run(lambda: len(board.heard))
    stage.until(lambda: len(board.heard) > at + 25, "the microphone's frames again")
    assert anna.page.locator("#phone").get_attribute("data-screen") == "talking"
    assert stage.run(lambda: board.room.state) == TALKING


def test_a_call_that_ended_meanwhile_is_told(anna, stage):
    board = talk(stage, anna)
    stage.run(stage.stop_server())
    anna.notice()
    stage.run(board.hang_up)
    stage.run(stage.start_server())
    anna.shows("over")
    assert anna.text("call-state") == "It ended while this phone was away."


def test_a_simulator_that_was_started_anew_asks_who_it_is(anna, stage):
    stage.run(stage.stop_server())
    anna.notice()
    stage.run(stage.renew)
    stage.run(stage.start_server())
    anna.shows("choose")
    expect(anna.page.get_by_role("button", name="Anna Berg")).to_be_visible()


def test_a_reload_in_a_call_goes_on_with_it(anna, stage):
    board = talk(stage, anna)
    anna.page.reload()
    anna.shows("talking")
    at = stage.run(lambda: len(board.heard))
    stage.until(lambda: len(board.heard) > at + 25, "the microphone's frames again")


def test_a_refused_microphone_is_told_and_the_call_goes_on(playwright, stage):
    browser = launch(playwright, None, NO_TAP_NEEDED)  # nobody says yes
    tab = Tab(browser, stage.url).open().choose()
    board = talk(stage, tab)
    assert "The microphone is blocked, so nobody will hear you." in tab.notice()
    stage.run(lambda: board.say(tone(1000, 3)))
    rate_hz, heard = tab.listen(1)
    assert peaks(heard[-rate_hz // 2 :], rate_hz)[0] == pytest.approx(1000, abs=3)
    # a side that says nothing is thrown out of the room: silence is sent
    at = stage.run(lambda: len(board.heard))
    stage.until(lambda: len(board.heard) > at + 25, "frames of silence")
    assert level(pcm(board.heard)) == 0
    tab.close()
    browser.close()


def test_without_a_tap_sound_is_off_and_says_so(playwright, stage):
    browser = launch(playwright, None, YES)  # with the browser's own rule
    tab = Tab(browser, stage.url, query="?as=oAnna").open()
    # looking into the page would count as a tap: it is on when the gate has it
    stage.until(lambda: stage.gate.phone("oAnna"), "the phone")
    assert "Sound is off until you tap" in tab.notice()
    tab.press("Turn on")
    expect(tab.page.locator(".notice")).to_have_count(0)
    stage.ring()
    tab.shows("ringing")
    assert level(tab.listen(1)[1]) > 200
    tab.close()
    browser.close()


def test_sound_that_the_device_takes_away_is_told(anna, stage):
    talk(stage, anna)
    anna.page.evaluate("() => { ears.contexts[0].suspend(); }")
    assert "Sound is off until you tap" in anna.notice()
    anna.press("Turn on")
    expect(anna.page.locator(".notice")).to_have_count(0)


def test_a_page_that_slept_in_a_call_says_so(browser):
    with opened(times=Times(silence_ms=60_000)) as stage:
        tab = Tab(browser, stage.url).open().choose()
        talk(stage, tab)
        tab.page.evaluate("() => { const end = performance.now() + 5500; while (performance.now() < end); }")
        assert "This page was asleep" in tab.notice()
        tab.close()


def test_a_lost_microphone_is_told(anna, stage):
    anna.page.evaluate(CATCH_STREAM)
    talk(stage, anna)
    anna.page.evaluate("async () => (await opened).getAudioTracks()[0].dispatchEvent(new Event('ended'))")
    assert "The microphone is gone" in anna.notice()
    anna.press("Try again")
    expect(anna.page.locator(".notice")).to_have_count(0)


def test_the_microphone_is_open_during_calls_only(anna, stage):
    anna.page.evaluate(CATCH_STREAM)
    board = talk(stage, anna)
    assert anna.page.evaluate("async () => (await opened).getTracks()[0].readyState") == "live"
    stage.run(board.hang_up)
    anna.shows("over")
    assert anna.page.evaluate("async () => (await opened).getTracks()[0].readyState") == "ended"


def test_echo_cancellation_is_on_unless_a_test_says_otherwise(tabs, stage):
    asked = """() => {
      navigator.mediaDevices.getUserMedia = async (wish) => {
        window.wish = wish;
        throw new DOMException("", "NotFoundError");
      };
    }"""
    for query, is_on in (("", True), ("?echo=off", False)):
        tab = tabs(query=query)
        tab.page.evaluate(asked)
        board = talk(stage, tab)
        assert "No microphone was found" in tab.notice()
        assert tab.page.evaluate("wish.audio.echoCancellation") is is_on
        stage.run(board.hang_up)
        tab.shows("over")
        tab.press("Close")
        tab.press("Switch off")


# for everybody


def test_everything_is_done_by_keyboard(tabs, stage):
    tab = tabs(None)
    keys = tab.page.keyboard
    expect(tab.page.get_by_role("button", name="Anna Berg")).to_be_visible()
    keys.press("Tab")
    keys.press("Enter")
    tab.ready()
    board = stage.ring()
    tab.shows("ringing")
    assert tab.focus() == "answer"
    keys.press("Shift+Tab")
    assert tab.focus() == "reject"
    keys.press("Tab")
    keys.press("Enter")
    tab.shows("talking")
    assert tab.focus() == "mute"
    keys.press("Space")
    expect(tab.page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    order = []
    for _ in range(3):
        keys.press("Shift+Tab")
        order.append(tab.focus())
    assert order[:2] == ["hang-up", "door"]
    keys.press("Escape")
    tab.shows("over")
    assert stage.run(lambda: board.room.why) == "hung_up_by_phone"
    assert tab.focus() == "done"
    keys.press("Enter")
    tab.shows("home")
    board = stage.ring()
    tab.shows("ringing")
    keys.press("Escape")
    tab.shows("over")
    assert stage.run(lambda: board.room.why) == "rejected"
    keys.press("Escape")
    tab.shows("home")
    for _ in range(4):
        keys.press("Tab")
    assert "Workshop" in tab.focus()
    keys.press("Enter")
    expect(tab.page.locator("#device")).to_be_visible()
    keys.press("Escape")
    expect(tab.page.locator("#device")).to_be_hidden()
    keys.press("Tab")
    keys.press("Space")
    tab.shows("calling")


def test_escape_answers_a_question_with_no(anna, stage):
    stage.run(lambda: stage.gate.ask("oAnna", "sn-2"))
    expect(anna.page.locator("#consent")).to_be_visible()
    anna.page.keyboard.press("Escape")
    stage.until(lambda: stage.desk.decided == [("oAnna", "sn-2", False)], "the refusal")


def test_focus_can_be_seen(anna):
    anna.page.keyboard.press("Tab")
    style = anna.page.evaluate("getComputedStyle(document.activeElement).outline")
    assert "solid" in style and "0px" not in style


def test_a_screen_reader_is_told(anna, stage):
    board = stage.ring()
    anna.shows("ringing")
    assert anna.page.get_by_role("alert").text_content() == "Voice call from Front door, Doorbell T1"
    anna.press("Answer")
    anna.shows("talking")
    assert anna.announced() == "Connected with Front door, Doorbell T1"
    for role, name in (
        ("meter", "Your microphone"),
        ("meter", "What you hear"),
        ("timer", "Call time"),
        ("group", "Quality"),
    ):
        expect(anna.page.get_by_role(role, name=name)).to_be_visible()
    stage.run(board.hang_up)
    anna.shows("over")
    assert anna.announced() == "Call ended. Front door hung up."


def test_every_button_has_a_name_and_is_big_enough_for_a_thumb(anna, stage):
    def small():
        return anna.page.evaluate(
            """() => [...document.querySelectorAll("button")].filter((one) => one.checkVisibility()).filter((one) => {
              const { width, height } = one.getBoundingClientRect();
              const name = one.innerText.trim() || one.ariaLabel || one.getAttribute("aria-labelledby");
              return width < 40 || height < 32 || !name;
            }).map((one) => one.outerHTML)"""
        )

    assert small() == []
    anna.page.get_by_role("button", name="Front door Doorbell T1").click()
    assert small() == []
    anna.page.keyboard.press("Escape")
    talk(stage, anna)
    assert small() == []


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_nothing_moves_for_those_who_want_that(tabs, stage, motion):
    tab = tabs(reduced_motion=motion)
    stage.ring()
    tab.shows("ringing")
    running = tab.page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length")
    assert (running > 0) == (motion == "no-preference")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read(tabs, stage, scheme):
    """WCAG 2.2, 1.4.3: 4.5 to 1, for every text on a plain ground."""
    tab = tabs(color_scheme=scheme)
    assert tab.page.evaluate(CONTRASTS) == []
    tab.page.get_by_role("button", name="Front door Doorbell T1").click()
    assert tab.page.evaluate(CONTRASTS) == []
    tab.page.keyboard.press("Escape")
    talk(stage, tab)
    assert tab.page.evaluate(CONTRASTS) == []


CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color, under) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.globalCompositeOperation = "source-over";
    for (const one of [...under, color]) { canvas.fillStyle = one; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const bad = [];
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const element = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest(".unseen, .avatar, :disabled")) continue;
    if (document.querySelector("dialog[open]") && !element.closest("dialog")) continue;
    const grounds = [];
    for (let one = element; one; one = one.parentElement) grounds.unshift(getComputedStyle(one).backgroundColor);
    const ground = rgba("transparent", ["white", ...grounds]);
    const text = rgba(getComputedStyle(element).color, ["white", ...grounds]);
    const [a, b] = [light(ground), light(text)].sort();
    const ratio = (b + 0.05) / (a + 0.05);
    if (ratio < 4.5) bad.push(`${words.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
  }
  return bad;
}"""


@pytest.mark.parametrize(
    "size", [(320, 568), (1280, 800), *(pytest.param(one, marks=LONG) for one in [(360, 640), (360, 740), (430, 932)])]
)
def test_everything_fits(tabs, stage, size):
    tab = tabs(viewport={"width": size[0], "height": size[1]})
    board = stage.ring()
    for screen, button in (("ringing", "Answer"), ("talking", "Open the door")):
        tab.shows(screen)
        box = tab.page.evaluate("[document.documentElement.scrollWidth, document.getElementById('phone').scrollWidth]")
        assert box[0] <= size[0] and box[1] <= min(size[0], 430), (screen, box)
        for name in ("reject", "answer") if screen == "ringing" else ("hang-up", "mute", "door"):
            place = tab.page.locator(f"#{name}").bounding_box()
            assert place["y"] + place["height"] <= size[1], (screen, name, place)
        tab.press(button)
    stage.run(board.hang_up)


# what others could do


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_a_name(browser, name):
    with opened() as stage:
        stage.run(lambda: setattr(stage.desk, "listed", [Person("oAnna", name)]))
        stage.run(lambda: setattr(stage.desk, "known", [Device("sn-1", name, name)]))
        tab = Tab(browser, stage.url).open()
        tab.page.locator("#people button").click()
        tab.ready()
        board = talk(stage, tab)
        shown = tab.text("call-name")
        assert tab.page.locator("img, #call-name *, .name script").count() == 0
        assert "owned" not in tab.page.title() or tab.page.title().startswith("<")
        assert not re.search("[\u0000-\u001f\u200b-\u200f\u202a-\u202e\u2028\u2066-\u2069]", shown)
        assert 1 <= len(shown) <= 64
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        place = tab.page.locator("#hang-up").bounding_box()
        assert place["y"] + place["height"] <= PHONE["height"]
        stage.run(lambda: stage.gate.ask("oAnna", "sn-1"))
        stage.run(board.hang_up)
        tab.shows("over")
        tab.press("Close")
        assert tab.page.locator("#devices *:not(svg, use, button, li, span)").count() == 0
        tab.close()


def test_the_policy_stops_what_is_put_in(browser, stage):
    tab = Tab(browser, stage.url).open().choose()
    tab.page.evaluate(
        """() => {
          const script = document.createElement("script");
          try { script.text = "window.owned = 1"; } catch { window.refused = true; }
          document.body.append(script);
          document.body.setAttribute("style", "color: red");
        }"""
    )
    assert tab.page.evaluate("[window.owned, window.refused]") == [None, True]
    found = tab.page.evaluate("ears.violations")
    assert any("trusted-types" in one or "script" in one for one in found) and any("style-src" in one for one in found)
    tab.context.close()


def test_nothing_is_fetched_from_elsewhere(browser, stage):
    tab = Tab(browser, stage.url)
    asked = []
    tab.page.on("request", lambda request: asked.append(request.url))
    tab.open().choose()
    board = talk(stage, tab)
    stage.run(board.hang_up)
    tab.shows("over")
    assert len(asked) > 10 and all(url.startswith(stage.url) for url in asked)
    tab.close()


def test_calls_leave_nothing_behind(anna, stage):
    for _ in range(5):
        board = talk(stage, anna)
        time.sleep(0.2)
        stage.run(board.hang_up)
        anna.shows("over")
        anna.press("Close")
    assert anna.page.evaluate("ears.contexts.length") == 1
    assert stage.run(lambda: (stage.rooms.live(), board.room.state)) == ([], OVER)

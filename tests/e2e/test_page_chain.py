"""The phone in the browser at the end of the whole chain: board, relay, platform, mini program and page."""

from contextlib import closing

import numpy as np
import pytest
from browser import NO_TAP_NEEDED, YES, Tab, launch
from chain import EVENT_S, FREE_PORTS, START_S, left_running, tincall
from playwright.sync_api import expect, sync_playwright
from support.checkout import CHECKOUT

from tincall import wav
from tincall.cli.client import Client
from tincall.measure import marker, rehearsal, speech
from tincall.measure.platform import Person, Platform
from tincall.measure.stage import Stage, wait_until

pytestmark = pytest.mark.alone

RATE_HZ = 8000
SN = "PAGE-0001"
BY_BOARD = CHECKOUT / ".cache/speech/librivox-0870.wav"
BY_PHONE = CHECKOUT / ".cache/speech/librivox-0920.wav"
# A-law once costs speech about 0.3; the rest is for a frame that a busy machine lets wait
LEAST_PESQ = 3.3


def said(clip, rate_hz):
    """Give a clip with its marker at a rate."""
    return wav.resample(marker.mark(wav.load(clip, 16000), 16000), 16000, rate_hz)


class House:
    """A home: a board that is online, its relay, the platform, and Alice, who has agreed to be called.

    Calls come one after another: `begin` before each, and what is waited for has happened since.
    """

    def __init__(self, stage, folder, browser):
        self.stage = stage
        self.data, self.board_folder, self._heard = folder / "data", folder / "board", folder / "heard.wav"
        assert tincall("init", "--data", self.data).status == 0
        self.platform = Platform(stage, folder / "platform", self.data / "ca.pem")
        settings = {**FREE_PORTS, **self.platform.set_up(self.data)}
        ready = stage.start("relay", "relay", "--data", self.data, "--json", **settings).document(START_S)
        self.platform.push_to(ready["web_port"])
        self._enrol(ready["web_port"])
        told = ["--folder", self.board_folder, "--board", rehearsal.interpreter("unix")[0], "--json"]
        told += ["--mic", folder / "said.wav", "--speaker", self._heard]
        wav.save(folder / "said.wav", said(BY_BOARD, RATE_HZ), RATE_HZ)
        stage.start("board", "emulate", *told)
        self.browser = browser
        self._heard_before, self._events_before = 0, []
        with closing(self.open_tab()) as tab:
            expect(tab.page.get_by_role("dialog", name="Front door")).to_be_visible()
            tab.press("Allow")
            expect(tab.page.locator("#devices .consent")).to_have_text("May call you")

    def _enrol(self, web_port):
        told = ["--sn", SN, "--name", "Front door", "--board", self.board_folder, "--data", self.data]
        assert tincall("enrol", *told).status == 0
        self.operator = Client(self.data)
        invite = self.operator.post(f"/v1/devices/{SN}/invites", {})["invite"]
        with closing(Person(self.platform, "alice", self.data, web_port)) as person:
            person.bind(invite, "Alice")

    def open_tab(self):
        """Open Alice's phone."""
        tab = Tab(self.browser, self.platform.ready["phone_page"], query="?echo=off&as=alice").open()
        tab.ready()
        return tab

    def begin(self, watch):
        """Forget the calls so far."""
        watch.wait(self.stage, "online", START_S)
        self.watch = watch
        self._heard_before = len(self._all_heard())
        self._events_before = watch.events()

    def wait_call(self, state):
        """Wait until the call is in a state; gives the board's event."""

        def look():
            new = [event for event in self.watch.events() if event not in self._events_before]
            return next((event for event in new if event["ev"] == "call" and event["state"] == state), None)

        return wait_until(self.stage, f"a call that is {state}", EVENT_S, look)

    def heard(self):
        """Give what the board has heard in this call."""
        return self._all_heard()[self._heard_before :]

    def _all_heard(self):
        is_begun = self._heard.exists() and self._heard.stat().st_size  # it is empty before the first call
        return wav.load(self._heard, RATE_HZ) if is_begun else np.zeros(0, np.int16)

    def record(self):
        """Wait for the record of the call, whole."""
        call_id = self.wait_call("ENDED")["call"]

        def look():
            calls = self.operator.get("/v1/calls")["calls"]
            return next((rehearsal.complete(call) for call in calls if call["call_id"] == call_id), None)

        return wait_until(self.stage, "the call's record", EVENT_S, look)

    def close(self):
        self.operator.close()
        self.platform.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Give a Chromium that says the phone's marked clip, again and again."""
    path = tmp_path_factory.mktemp("speech") / "microphone.wav"
    wav.save(path, said(BY_PHONE, 48000), 48000)
    with sync_playwright() as playwright:
        browser = launch(playwright, path, YES, NO_TAP_NEEDED)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory, browser):
    """Give one home for all calls; they come one after another."""
    folder = tmp_path_factory.mktemp("house")
    with Stage(folder) as stage, closing(House(stage, folder, browser)) as house:
        yield house
    assert left_running(folder) == []


@pytest.fixture
def called(house):
    """Give the home before a call, what its board tells, and Alice's phone."""
    with closing(house.open_tab()) as tab, rehearsal.Watch(house.board_folder, START_S) as watch:
        house.begin(watch)
        yield house, watch, tab


def judge(clip, heard):
    """Judge a recording at 8 kHz that holds a whole clip; of a clip that was repeated, the first whole one."""
    spoken = said(clip, RATE_HZ)
    at = marker.find(heard[: -len(spoken)], RATE_HZ) if len(heard) > 2 * len(spoken) else marker.find(heard, RATE_HZ)
    assert at is not None, "the marker never came"
    return speech.judge(spoken, 0, heard[max(0, at - RATE_HZ // 5) :][: len(spoken)], 0, RATE_HZ, speech.NARROW)


def test_a_board_calls_the_page_and_both_hear_each_other(called):
    house, watch, tab = called
    watch.press("call")
    tab.shows("ringing")
    assert tab.text("call-name") == "Front door"
    tab.record()
    tab.press("Answer")
    tab.shows("talking")
    tab.page.wait_for_timeout(1000 * (2 * len(said(BY_PHONE, RATE_HZ)) / RATE_HZ + 2))
    rate_hz, heard = tab.recorded()
    grade = tab.text("grade-word")
    tab.press("Hang up")
    tab.shows("over")
    record = house.record()
    assert (record["cause"], record["released_by"], record["direction"]) == (16, "phone", "out")
    at_page = judge(BY_BOARD, wav.resample(heard.astype(np.int16), rate_hz, RATE_HZ))
    at_board = judge(BY_PHONE, house.heard())
    assert at_page.pesq is not None and at_page.pesq >= LEAST_PESQ, (at_page, at_board, grade)
    assert at_board.pesq is not None and at_board.pesq >= LEAST_PESQ, (at_page, at_board, grade)
    assert abs(at_page.level_db) < 1 and abs(at_board.level_db) < 1, (at_page, at_board)


def test_the_page_calls_the_board_and_the_board_hangs_up(called):
    house, watch, tab = called
    tab.press("Call Front door")
    tab.shows("calling")
    house.wait_call("RINGING")
    watch.press("call")
    tab.shows("talking")
    tab.page.wait_for_timeout(2000)
    watch.press("end")
    tab.shows("over")
    assert tab.text("call-state") == "Front door hung up."
    record = house.record()
    assert (record["cause"], record["released_by"], record["direction"]) == (16, "device", "in")
    assert record["up"]["in"] > 75 and record["down"]["in"] > 75


def test_a_page_that_declines_ends_the_board_s_call(called):
    house, watch, tab = called
    watch.press("call")
    tab.shows("ringing")
    tab.press("Decline")
    tab.shows("over")
    assert house.wait_call("ENDED")["cause"] == 21


def test_a_page_that_gives_up_stops_the_board_s_ringing(called):
    """The platform tells no server of it: the mini program does."""
    house, _, tab = called
    tab.press("Call Front door")
    house.wait_call("RINGING")
    tab.press("Hang up")
    tab.shows("over")
    assert tab.text("call-why") == "Cancelled"
    house.wait_call("ENDED")

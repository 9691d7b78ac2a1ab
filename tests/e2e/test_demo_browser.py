"""`tincall demo --browser`: a person opens the page that it names, calls the board, and hangs up."""

import json
import re
import subprocess
import sys

import pytest
from browser import NO_TAP_NEEDED, YES, Tab, launch
from chain import MARK, left_running
from playwright.sync_api import expect, sync_playwright
from support.checkout import CHECKOUT

from tincall import wav
from tincall.measure import rehearsal

pytestmark = pytest.mark.alone

CLIP = CHECKOUT / ".cache/speech/librivox-0920.wav"


@pytest.fixture
def browser(tmp_path_factory):
    path = tmp_path_factory.mktemp("speech") / "microphone.wav"
    wav.save(path, wav.load(CLIP, 48000), 48000)
    with sync_playwright() as playwright:
        browser = launch(playwright, path, YES, NO_TAP_NEEDED)
        yield browser
        browser.close()


def page_of(demo):
    """Read on until the demo names the page."""
    for line in demo.stderr:
        found = re.search(r"(http://\S+)\?as=(\w+)", line)
        if found:
            return found[1]
    raise AssertionError("no page was named")


def test_a_person_talks_with_the_board(tmp_path, browser, monkeypatch):
    monkeypatch.setenv(MARK, str(tmp_path))
    command = [
        sys.executable,
        "-m",
        "tincall",
        "demo",
        "--browser",
        "--json",
        "--board",
        rehearsal.interpreter("unix")[0],
    ]
    demo = subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert demo.stderr is not None
    try:
        tab = Tab(browser, page_of(demo), query="?echo=off&as=alice").open()
        tab.ready()
        expect(tab.page.get_by_role("dialog", name="Front door")).to_be_visible()
        tab.press("Allow")
        tab.press("Call Front door")
        tab.shows("talking")
        tab.page.wait_for_timeout(3000)
        tab.press("Hang up")
        tab.shows("over")
        out, err = demo.communicate(timeout=30)
        tab.close()
    finally:
        demo.kill()
        demo.wait()
    assert demo.returncode == 0, err
    report = json.loads(out)
    assert (report["call"]["cause"], report["call"]["released_by"], report["call"]["direction"]) == (16, "phone", "in")
    assert report["call"]["talk_s"] > 2.5
    assert report["uplink"]["received"] > 100 and report["downlink"]["received"] > 100
    heard = wav.load(tmp_path / report["files"]["downlink_wav"], 8000)
    assert abs(heard).max() > 1000, "the person was heard"
    assert left_running(tmp_path) == []

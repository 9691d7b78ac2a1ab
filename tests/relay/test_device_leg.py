"""What a device leg does beyond the contract of all legs: the last word it holds back, figures, codecs, time."""

from dataclasses import replace

import pytest
from support.board_end import HELLO, BoardEnd, media, text
from support.exchange import NO_FIGURES

from callcore import causes
from callcore.errors import LocalError
from tincall.clock import ManualClock
from tincall.leg import CallOffer, Media
from tincall.relay.device_leg import REPORT_MS, DeviceLeg
from tincall.relay.limits import Limits
from tincall.relay.session import Session

MEDIA = Media("PCMA", 20, 0x11, 0x22)
OFFER = CallOffer("c1", "in", "mum", "", MEDIA, 5000)


class Scene:
    """A board's end, its session and the owner of that, one leg and its observer."""

    def __init__(self):
        self.board = BoardEnd()
        self.last, self.messages = self.board.last, self.board.heard
        self.clock = ManualClock(1000)
        self.session = Session(self.board.take, lambda: None, Limits(), 1000)
        self.session.owner = self
        self.events = []
        self.got = []
        self.forgotten = []
        self.leg = DeviceLeg(self.session, "c1", self.clock.now_ms, 60_000, self.forgotten.append, self)
        self.leg.sink = self.got.append
        self.say({**HELLO})

    def say(self, message):
        self.session.receive(text(message), self.clock.now_ms())

    def tick(self, after_ms):
        self.clock.advance(after_ms)
        self.leg.tick(self.clock.now_ms())

    def stats(self, final, sent=1):
        self.say({"t": "stats", "call": "c1", "final": final, "up": {"sent": sent, "dropped": 0}, "down": NO_FIGURES})

    # owner of the session

    def hello(self, message):
        settings = {"ring_ms": 60_000}
        return {
            "t": "welcome", "v": 1, "now": 0, "heartbeat_ms": 10_000, "contacts": [], "settings": settings, "features": [],
        }  # fmt: skip

    def heard(self, message, now_ms):
        self.leg.heard(message, now_ms)

    def gone(self, now_ms):
        self.leg.lost(now_ms)

    # observer of the leg

    def leg_ringing(self, leg):
        self.events.append("ringing")

    def leg_answered(self, leg, media):
        self.events.append(media)

    def leg_released(self, leg, cause):
        self.events.append(("released", cause))

    def leg_reported(self, leg, report):
        self.events.append(("reported", report))


@pytest.fixture
def scene():
    return Scene()


def talk(scene):
    scene.leg.invite(OFFER)
    scene.say({"t": "answer", "call": "c1", "media": {"codec": "PCMA", "ptime": 40}})
    assert scene.events == [Media("PCMA", 40, 0x11, 0x22)]
    scene.events.clear()


def test_comfort_noise_that_was_agreed_outlives_the_boards_choice_of_ptime(scene):
    scene.leg.invite(replace(OFFER, media=replace(MEDIA, cn=True)))
    assert scene.messages("invite")[0]["media"]["cn"] is True
    scene.say({"t": "answer", "call": "c1", "media": {"codec": "PCMA", "ptime": 40}})
    assert scene.events == [Media("PCMA", 40, 0x11, 0x22, cn=True)]
    for payload_type in (13, 8, 0):
        scene.session.receive(media(1, 0x11, payload_type), scene.clock.now_ms())
    assert [packet[1] & 0x7F for packet in scene.got] == [13, 8]


def test_the_last_word_is_held_back_until_release_and_has_its_words(scene):
    talk(scene)
    scene.say({"t": "bye", "call": "c1", "cause": 16})
    assert scene.events == [("released", 16)] and scene.messages("ended") == []
    scene.leg.release(16, "device", 777)
    scene.leg.release(16, "device", 888)
    assert scene.messages("ended") == [
        {"t": "ended", "call": "c1", "cause": 16, "released_by": "device", "duration_ms": 777}
    ]


def test_a_board_without_a_name_to_show_shows_the_id(scene):
    scene.leg.invite(OFFER)
    assert scene.last("invite")["from"] == {"id": "mum", "name": "mum"}


def test_the_boards_invite_brings_its_offer_and_ring_time(scene):
    offer = {"codecs": ["PCMU"], "ptimes": [40]}
    scene.say({"t": "invite", "call": "c1", "to": "mum", "media": offer, "ring_ms": 1234})
    assert scene.leg.offer == offer and scene.leg.ring_ms == 1234 and scene.events == []


def test_ringing_out_is_the_relays_doing(scene):
    scene.leg.invite(OFFER)
    scene.tick(61_000)
    assert scene.events[0] == ("released", causes.NO_ANSWER)
    assert scene.leg.released_by == "relay"


def test_another_codec_than_the_offered_one_ends_the_call(scene):
    scene.leg.invite(OFFER)
    scene.say({"t": "answer", "call": "c1", "media": {"codec": "PCMU", "ptime": 20}})
    assert scene.events == [("released", causes.INCOMPATIBLE)]


def test_another_codec_that_comes_late_changes_nothing(scene):
    talk(scene)
    scene.say({"t": "answer", "call": "c1", "media": {"codec": "PCMU", "ptime": 20}})
    assert scene.events == [] and not scene.leg.is_over


def test_what_the_board_may_not_say_now_is_an_error_and_changes_nothing(scene):
    talk(scene)
    scene.say({"t": "cancel", "call": "c1"})
    assert scene.last("error")["about"] == "cancel"
    assert scene.events == [] and not scene.leg.is_over


def test_figures_during_the_call_are_kept_but_no_report(scene):
    talk(scene)
    scene.stats(final=False, sent=5)
    assert scene.leg.stats["sent"] == 5 and scene.leg.report == {} and scene.events == []
    scene.stats(final=True, sent=6)
    assert scene.events == [], "the call is not over"


def test_the_signal_of_the_boards_radio_is_kept_with_its_figures(scene):
    talk(scene)
    up, down = {"sent": 1, "dropped": 0}, NO_FIGURES
    scene.say({"t": "stats", "call": "c1", "final": False, "up": up, "down": down, "rssi": -67})
    assert scene.leg.stats["rssi"] == -67
    scene.stats(final=False)
    assert "rssi" not in scene.leg.stats


def test_the_last_figures_are_the_report_and_end_the_media(scene):
    scene.session.traffic = lambda: (1000, 2000)  # what verification and signalling took
    talk(scene)
    scene.session.receive(media(1, 0x11), scene.clock.now_ms())
    scene.session.traffic = lambda: (1300, 2500)
    scene.leg.release(16, "phone", 0)
    scene.session.receive(media(2, 0x11), scene.clock.now_ms())
    scene.stats(final=True, sent=2)
    scene.session.receive(media(3, 0x11), scene.clock.now_ms())
    assert len(scene.got) == 2 and scene.leg.counters.received == 2
    carried = {"link_bytes_up": 300, "link_bytes_down": 500}
    assert scene.events == [("reported", {"sent": 2, "dropped": 0, **NO_FIGURES, **carried})]
    assert scene.forgotten == [scene.leg] and scene.session.media_bad == 1


def test_figures_that_do_not_come_are_not_waited_for(scene):
    talk(scene)
    scene.leg.release(16, "phone", 0)
    assert scene.leg.next_wake_ms() == scene.clock.now_ms() + REPORT_MS
    scene.tick(REPORT_MS - 1)
    assert scene.events == []
    scene.tick(1)
    assert scene.events == [("reported", {})] and scene.leg.next_wake_ms() is None
    scene.stats(final=True)
    assert scene.events == [("reported", {})]


def test_a_call_without_talk_has_nothing_to_wait_for(scene):
    scene.leg.invite(OFFER)
    scene.leg.release(487, "phone", 0)
    assert scene.leg.next_wake_ms() == scene.clock.now_ms() and scene.events == []
    scene.tick(0)
    assert scene.events == [("reported", {})]


def test_a_lost_link_gets_no_last_word(scene):
    talk(scene)
    scene.session.gone(scene.clock.now_ms())
    assert scene.events == [("released", causes.LINK_LOST), ("reported", {})]
    assert scene.leg.released_by == "device"
    scene.leg.release(causes.LINK_LOST, "device", 5)
    assert scene.messages("ended") == []


def test_a_leg_released_before_its_first_verb_is_just_forgotten(scene):
    scene.leg.release(16, "relay", 0)
    assert scene.events == [] and scene.forgotten == [scene.leg] and scene.messages("ended") == []
    with pytest.raises(LocalError):
        scene.leg.invite(OFFER)


def test_no_media_before_the_answer_and_after_the_end(scene):
    scene.leg.invite(OFFER)
    assert not scene.leg.send_media(b"x" * 20)
    scene.say({"t": "answer", "call": "c1", "media": {"codec": "PCMA", "ptime": 20}})
    assert scene.leg.send_media(b"x" * 20)
    scene.leg.release(16, "relay", 0)
    assert not scene.leg.send_media(b"x" * 20)
    assert (scene.leg.counters.sent, scene.leg.counters.dropped) == (1, 2)


def test_it_says_what_it_is(scene):
    assert repr(scene.leg) == "<device leg c1 IDLE>"

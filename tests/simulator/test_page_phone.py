"""A phone with a page: what it tells the page, what it lets the page do, and how much of either."""

import asyncio
import json

import pytest
from page_stage import Board, Desk
from sim import FRAME, rooms

from callcore.errors import MessageError
from tincall.leg import OUT
from tincall.simulator.page_phone import (
    BURST_FRAMES,
    BURST_MESSAGES,
    DEVICES_MAX,
    FRAMES_MAX,
    TEXTS_MAX,
    Allowance,
    Device,
    PagePhone,
    Person,
)
from tincall.simulator.room import OVER, TALKING, Order


class Shown:
    """A phone, its page's eyes, and the room that may ring it."""

    def __init__(self, opened=True):
        self.rooms, self.clock = rooms()
        self.desk = Desk(self.rooms)
        self.phone = PagePhone(self.rooms, self.desk, Person("oAnna", "Anna"), self.clock)
        self.woken = 0
        if opened:
            self.open()

    def open(self):
        self.phone.filled = self._wake
        self.phone.open()

    def _wake(self):
        self.woken += 1

    def ring(self, sn="sn-1", **order):
        self.room = self.rooms.make(Order(OUT, "wx1", "oAnna", sn, "model", "p", **order))
        self.board = Quiet(self.rooms, self.room)
        self.board.join()
        self.rooms.ring(self.room)
        return self.room

    def say(self, word, **fields):
        if word in ("answer", "reject", "hang_up", "mute", "press", "report") and "room" not in fields:
            fields["room"] = self.room.keys.room_id
        asyncio.run(self.phone.hear({"t": word, **fields}))

    def told(self):
        found = []
        while (text := self.phone.next_text()) is not None:
            found.append(json.loads(text))
        return found

    def words(self):
        return [message["t"] for message in self.told()]


class Quiet(Board):
    """A board that hears and says nothing by itself."""

    def status(self, number):
        self.statuses.append(number)


def test_a_page_is_told_everything_when_it_opens():
    shown = Shown()
    (welcome,) = shown.told()
    assert (welcome["t"], welcome["name"], welcome["app"], welcome["call"]) == (
        "welcome",
        "Anna",
        "Tincall at home",
        None,
    )
    assert [(one["name"], one["model"], one["consent"]) for one in welcome["devices"]] == [
        ("Front door", "Doorbell T1", "allowed"),
        ("Workshop", "Intercom T2", "unasked"),
    ]


def test_an_incoming_call_is_told_from_ring_to_end():
    shown = Shown()
    shown.told()
    shown.ring()
    (ring,) = shown.told()
    assert ring["call"] == {
        "room": shown.room.keys.room_id,
        "sn": "sn-1",
        "name": "Front door",
        "model": "Doorbell T1",
        "kind": "voice",
        "direction": "out",
        "state": "ringing",
        "muted": False,
        "talk_ms": 0,
    }
    shown.say("answer")
    assert shown.words() == ["talk"]
    shown.board.hang_up()
    (over,) = shown.told()
    assert (over["t"], over["why"]) == ("over", "hung_up_by_device")


def test_a_device_that_is_not_listed_is_shown_by_what_the_call_says():
    shown = Shown()
    shown.told()
    shown.ring(sn="sn-9", name="Cellar")
    (ring,) = shown.told()
    assert (ring["call"]["name"], ring["call"]["model"]) == ("Cellar", "model")


@pytest.mark.parametrize(("verb", "why"), [("reject", "rejected"), ("hang_up", "hung_up_by_phone")])
def test_the_page_ends_what_rings(verb, why):
    shown = Shown()
    shown.ring()
    shown.told()
    shown.say(verb)
    assert [message["why"] for message in shown.told()] == [why]
    assert shown.room.state == OVER


def test_a_verb_for_another_call_does_nothing():
    shown = Shown()
    shown.ring()
    shown.say("answer", room="another")
    assert shown.room.state == "ringing"


def test_sound_goes_both_ways_and_is_counted():
    shown = Shown()
    shown.ring()
    shown.say("answer")
    shown.told()
    shown.rooms.hear(shown.room, FRAME)
    assert shown.phone.next_frame() == FRAME and shown.phone.next_frame() is None
    shown.phone.hear_frame(FRAME)
    assert shown.board.heard == [FRAME]
    shown.phone.tell_figures()
    (figures,) = shown.told()
    assert (figures["made"], figures["sent"], figures["dropped"]) == (1, 1, 0)


def test_a_muted_phone_sends_silence():
    shown = Shown()
    shown.ring()
    shown.say("answer")
    shown.say("mute", on=True)
    shown.phone.hear_frame(FRAME)
    shown.say("mute", on=False)
    shown.phone.hear_frame(FRAME)
    assert shown.board.heard == [bytes(640), FRAME]


def test_sound_that_the_page_does_not_take_is_dropped_oldest_first():
    shown = Shown()
    shown.ring()
    shown.say("answer")
    frames = [bytes([n]) * 640 for n in range(FRAMES_MAX + 3)]
    for pcm in frames:
        shown.rooms.hear(shown.room, pcm)
    taken = []
    while (pcm := shown.phone.next_frame()) is not None:
        taken.append(pcm)
    assert taken == frames[3:]
    shown.told()
    shown.phone.tell_figures()
    assert shown.told()[0]["dropped"] == 3


def test_sound_that_comes_faster_than_real_time_is_dropped():
    shown = Shown()
    shown.ring()
    shown.say("answer")
    for _ in range(BURST_FRAMES + 5):
        shown.phone.hear_frame(FRAME)
    assert (len(shown.board.heard), shown.phone.too_many) == (BURST_FRAMES, 5)
    shown.clock.advance(200)
    for _ in range(12):
        shown.phone.hear_frame(FRAME)
    assert (len(shown.board.heard), shown.phone.too_many) == (BURST_FRAMES + 11, 6)


def test_what_is_no_frame_is_an_error():
    with pytest.raises(MessageError):
        Shown().phone.hear_frame(b"x")


def test_too_many_messages_are_an_error():
    shown = Shown()
    for n in range(BURST_MESSAGES):
        shown.say("ping", n=n)
    with pytest.raises(MessageError):
        shown.say("ping", n=0)


def test_hello_again_is_an_error():
    with pytest.raises(MessageError):
        Shown().say("hello", v=1, token="x")


def test_a_page_that_reads_nothing_does_not_fill_the_memory():
    shown = Shown()
    for _ in range(TEXTS_MAX * 2):
        shown.phone.tell_devices()
    assert len(shown.told()) == TEXTS_MAX


def test_a_page_that_comes_back_finds_its_call():
    shown = Shown()
    shown.ring()
    shown.say("answer")
    shown.clock.advance(4000)
    shown.phone.shut()
    assert shown.room.state == TALKING
    shown.open()
    (welcome,) = shown.told()
    assert (welcome["call"]["state"], welcome["call"]["talk_ms"]) == ("talking", 4000)


def test_a_call_that_rings_while_the_page_is_away_rings_when_it_is_back():
    shown = Shown(opened=False)
    shown.ring()
    shown.open()
    (welcome,) = shown.told()
    assert welcome["call"]["state"] == "ringing"


def test_a_newer_phone_of_the_same_person_takes_its_place():
    shown = Shown()
    assert shown.phone.is_on()
    other = PagePhone(shown.rooms, shown.desk, Person("oAnna", "Anna"), shown.clock)
    assert not shown.phone.is_on()
    shown.phone.open()
    assert shown.phone.is_on() and not other.is_on()


def test_calling_a_device_is_told_and_can_be_cancelled():
    shown = Shown()
    shown.told()
    shown.say("call", sn="sn-2", kind="voice")
    (calling,) = shown.told()
    assert (calling["call"]["name"], calling["call"]["direction"], calling["call"]["state"]) == (
        "Workshop",
        "in",
        "calling",
    )
    shown.say("hang_up", room=calling["call"]["room"])
    assert shown.told()[0]["why"] == "cancelled"


def test_a_call_that_is_refused_is_told_with_its_number():
    shown = Shown()
    shown.told()
    shown.desk.refuses = 9
    shown.say("call", sn="sn-2", kind="voice")
    assert shown.told() == [{"t": "refused", "number": 9, "text": "device not authorized by user"}]


def test_a_second_call_is_refused():
    shown = Shown()
    shown.ring()
    shown.told()
    shown.say("call", sn="sn-2", kind="voice")
    assert shown.told()[0]["number"] == 5


def test_consent_is_asked_once_and_kept():
    shown = Shown()
    shown.told()
    for device in shown.desk.known:
        shown.phone.ask(device)
    (ask,) = shown.told()
    assert ask["device"]["sn"] == "sn-2"
    shown.say("consent", sn="sn-2", allow=False)
    assert shown.desk.decided == [("oAnna", "sn-2", False)]
    assert [one["consent"] for one in shown.told()[0]["devices"]] == ["allowed", "refused"]


def test_consent_for_an_unknown_device_is_not_kept():
    shown = Shown()
    shown.say("consent", sn="sn-9", allow=True)
    assert shown.desk.decided == []


def test_the_button_works_during_a_talk_only():
    shown = Shown()
    shown.ring()
    shown.say("press")
    assert shown.desk.pressed == []
    shown.say("answer")
    shown.told()
    shown.desk.press_answer = (False, "the lock is jammed")
    shown.say("press")
    assert shown.desk.pressed == ["sn-1"]
    (pressed,) = shown.told()
    assert (pressed["ok"], pressed["text"]) == (False, "the lock is jammed")


def test_the_worst_names_fit_and_can_be_sent():
    shown = Shown(opened=False)
    shown.desk.known = [Device(f"sn-{n}", "\0" * 500, "\ud800" * 500) for n in range(DEVICES_MAX * 2)]
    shown.open()
    (welcome,) = shown.told()
    assert len(welcome["devices"]) == DEVICES_MAX
    assert len(welcome["devices"][0]["name"]) == 128


def test_what_the_page_measured_is_kept():
    shown = Shown()
    shown.ring()
    shown.say("report", figures={"played": 5})
    assert shown.phone.report == {"played": 5}


def test_leaving_switches_the_phone_off():
    shown = Shown()
    shown.ring()
    shown.phone.leave()
    assert shown.rooms.phones() == [] and shown.room.state == "ringing"


def test_an_allowance_fills_with_time_up_to_its_burst():
    allowance = Allowance(2, 100, 0)
    assert [allowance.take(0) for _ in range(3)] == [True, True, False]
    assert allowance.take(100) and not allowance.take(100)
    assert [allowance.take(10_000) for _ in range(3)] == [True, True, False]

"""Runs on a board: the telephone against a relay that the test plays, with counted sound and invented time."""

from board_world import World

from callcore import call, causes, messages
from callcore.errors import LocalError
from handset import diag, phone
from handset.phone import Phone

CONTACTS = [{"id": "anna", "name": "Anna"}, {"id": "ben", "name": "Ben"}]
AGREED = {"codec": "PCMA", "ptime": 20, "ssrc": 1, "remote_ssrc": 2}


class Line:
    """A link that takes what a relay would take."""

    def __init__(self):
        self.sent = []
        self.heartbeat_ms = 10000

    def send(self, message):
        self.sent.append(messages.decode(messages.encode(message, messages.FROM_BOARD), messages.FROM_BOARD))


class Sound:
    """The sound of a call, in numbers."""

    def __init__(self, line, media):
        self.line = line
        self.media = media
        self.log = []
        self.taken = 0

    def start(self):
        self.log.append("start")

    def stop(self):
        self.log.append("stop")

    def mute(self, muted):
        self.log.append("mute" if muted else "unmute")

    def take(self, buf, off, n, now_ms):
        self.taken += 1
        return True

    def figures(self):
        down = {"lost": 1, "late": 2, "concealed": 3, "jitter_ms": 4, "buffer_ms": 5, "underruns": 6}
        down["received"] = self.taken
        return {"sent": 70, "dropped": 7}, down


class Desk:
    """A phone on a desk, its line, and all that happened."""

    def __init__(self, welcome=True, fail=None, takes_turns=False):
        self.world = World()
        self.said = []
        diag.print = self._print
        self.line = Line()
        self.sounds = []
        self.states = []
        self.fail = fail
        self.cut = []
        self.phone = Phone(("PCMA", "PCMU"), self._sound, self._random, self.states.append, takes_turns, self._cut)
        self.task = self.world.create_task(self.phone.run())
        self._drawn = 0
        if welcome:
            self.phone.attach(self.line)
            self.hear(
                {
                    "t": "welcome",
                    "v": 1,
                    "now": 1,
                    "heartbeat_ms": 9000,
                    "contacts": CONTACTS,
                    "settings": {"ring_ms": 20000},
                    "features": [],
                }
            )

    def _cut(self, kind, fields):
        self.cut.append((kind, fields))

    def _print(self, text):
        self.said.append(text)

    def _random(self, n):
        self._drawn += 1
        return bytes([self._drawn]) * n

    def _sound(self, line, media):
        if self.fail:
            raise self.fail
        self.sounds.append(Sound(line, media))
        return self.sounds[-1]

    def hear(self, message):
        """Let the relay say something; gives what the board answers."""
        before = len(self.line.sent)
        self.phone.message(messages.decode(messages.encode(message, messages.FROM_RELAY), messages.FROM_RELAY))
        self.world.run(1)
        assert not self.task.done(), self.task.error
        return self.line.sent[before:]

    def do(self, act):
        """Do something at the phone; gives what the board says."""
        before = len(self.line.sent)
        act()
        self.world.run(1)
        assert not self.task.done(), self.task.error
        return self.line.sent[before:]

    def wait(self, for_ms):
        return self.do(lambda: self.world.run(for_ms))

    def dial(self):
        """Press the button: gives the name of the call."""
        said = self.do(self.phone.press_call)
        assert [message["t"] for message in said] == ["invite"]
        return said[0]["call"]

    def talk(self):
        """An outgoing call that is answered: gives its name."""
        name = self.dial()
        assert self.hear({"t": "answer", "call": name, "media": AGREED}) == []
        return name

    def ring(self, name="in-1", media=AGREED):
        """A call comes in: gives what the board says."""
        return self.hear({"t": "invite", "call": name, "from": CONTACTS[1], "media": media, "ring_ms": 5000})

    def end(self, name, cause=causes.NORMAL, by="phone", duration_ms=1234):
        """The relay's last word: gives what the board says."""
        return self.hear({"t": "ended", "call": name, "cause": cause, "released_by": by, "duration_ms": duration_ms})


def kinds(said):
    return [message["t"] for message in said]


def packet(desk, count=1):
    for _ in range(count):
        desk.phone.media(bytearray(20), 0, 20)


# --- before and between calls


def test_welcome_brings_contacts_and_settings():
    desk = Desk()
    assert desk.phone.contacts == CONTACTS and desk.line.heartbeat_ms == 9000
    assert desk.hear({"t": "contacts", "contacts": CONTACTS[:1]}) == []
    assert desk.phone.contacts == CONTACTS[:1]


def test_the_button_without_contact_or_link_does_nothing_but_say_so():
    desk = Desk()
    desk.phone.contacts = []
    assert desk.do(desk.phone.press_call) == []
    assert "no_contact" in desk.said[-1]
    desk = Desk(welcome=False)
    desk.phone.contacts = CONTACTS
    desk.do(desk.phone.press_call)
    assert "no_link" in desk.said[-1] and not desk.phone.dial("anna")
    assert desk.do(desk.phone.press_end) == [] and desk.states == []


def test_packets_without_a_call_are_nobodys():
    desk = Desk()
    packet(desk)
    assert desk.sounds == []


def test_an_error_of_the_relay_is_shown_and_not_answered():
    desk = Desk()
    assert desk.hear({"t": "error", "about": "invite", "reason": "it was odd"}) == []
    assert "it was odd" in desk.said[-1]


# --- outgoing


def test_an_invitation_names_contact_codecs_and_ring_time():
    desk = Desk()
    said = desk.do(desk.phone.press_call)
    assert said == [
        {
            "t": "invite",
            "call": "01" * 8,
            "to": "anna",
            "media": {"codecs": ["PCMA", "PCMU", "CN"], "ptimes": [20, 40]},
            "ring_ms": 20000,
        }
    ]
    assert desk.states == [call.DIALLING]
    assert desk.do(desk.phone.press_call) == [] and not desk.phone.dial("ben")


def test_an_outgoing_call_that_is_answered_and_hung_up_here():
    desk = Desk()
    name = desk.dial()
    assert desk.hear({"t": "ringing", "call": name}) == []
    assert desk.hear({"t": "answer", "call": name, "media": AGREED}) == []
    sound = desk.sounds[0]
    assert sound.line is desk.line and sound.media == AGREED and sound.log == ["start"]
    packet(desk, 5)
    assert desk.do(desk.phone.press_end) == [{"t": "bye", "call": name, "cause": causes.NORMAL}]
    assert sound.log == ["start", "stop"]
    packet(desk, 2)  # they were on their way
    said = desk.end(name, by="device")
    assert kinds(said) == ["stats"] and said[0]["final"] and said[0]["down"]["received"] == 7
    assert desk.states == [call.DIALLING, call.RINGBACK, call.ANSWERED, call.CLOSING, call.ENDED]
    assert '"duration_ms": 1234' in desk.said[-1] and '"released_by": "device"' in desk.said[-1]


def test_an_outgoing_call_that_the_far_end_hangs_up():
    desk = Desk()
    name = desk.talk()
    packet(desk, 3)
    said = desk.end(name)
    assert kinds(said) == ["stats"]
    assert desk.sounds[0].log == ["start", "stop"] and desk.states[-2:] == [call.ANSWERED, call.ENDED]
    packet(desk)
    assert desk.sounds[0].taken == 3


def test_an_outgoing_call_that_is_rejected_or_not_answered_there():
    for cause in (causes.REJECTED, causes.BUSY, causes.NO_ANSWER, causes.NOT_REGISTERED):
        desk = Desk()
        name = desk.dial()
        assert desk.end(name, cause) == []
        assert desk.states == [call.DIALLING, call.ENDED] and desk.sounds == []
        assert causes.name(cause) in desk.said[-1]


def test_an_outgoing_call_that_is_cancelled():
    desk = Desk()
    name = desk.dial()
    desk.hear({"t": "ringing", "call": name})
    said = desk.do(desk.phone.press_end)
    assert said == [{"t": "cancel", "call": name, "cause": causes.ORIGINATOR_CANCEL}]
    # the answer crosses the cancel and starts nothing
    assert desk.hear({"t": "answer", "call": name, "media": AGREED}) == [] and desk.sounds == []
    assert desk.do(desk.phone.press_end) == []
    assert desk.end(name, causes.ORIGINATOR_CANCEL, "device") == []
    assert desk.states[-1] == call.ENDED


def test_an_outgoing_call_that_nobody_answers_rings_out():
    desk = Desk()
    name = desk.dial()
    assert desk.wait(19700) == []
    assert desk.wait(600) == [{"t": "cancel", "call": name, "cause": causes.NO_ANSWER}]
    desk.end(name, causes.NO_ANSWER, "device")
    assert desk.states == [call.DIALLING, call.CLOSING, call.ENDED]


def test_a_relay_that_never_says_the_last_word():
    desk = Desk()
    desk.talk()
    desk.do(desk.phone.press_end)
    said = desk.wait(call.CLOSING_MS + 200)
    assert kinds(said) == ["stats"] and said[0]["final"] and desk.states[-1] == call.ENDED
    assert desk.dial() == "02" * 8


def test_every_call_has_a_name_of_its_own():
    desk = Desk()
    names = []
    for _ in range(3):
        names.append(desk.dial())
        desk.end(names[-1])
    assert len(set(names)) == 3


# --- incoming


def test_an_incoming_call_rings_and_is_answered_by_the_button():
    desk = Desk()
    assert desk.ring() == [{"t": "ringing", "call": "in-1"}]
    assert desk.states == [call.RINGING] and desk.sounds == []
    assert any('"caller"' in line and "Ben" in line for line in desk.said)
    said = desk.do(desk.phone.press_call)
    assert said == [{"t": "answer", "call": "in-1", "media": {"codec": "PCMA", "ptime": 20}}]
    assert desk.sounds[0].media == AGREED and desk.sounds[0].log == ["start"]
    assert kinds(desk.end("in-1")) == ["stats"]
    assert desk.states == [call.RINGING, call.ANSWERED, call.ENDED]


def test_in_a_talk_the_call_button_mutes():
    desk = Desk()
    for name in ("in-1", "in-2"):
        desk.ring(name)
        for _ in range(4):
            assert kinds(desk.do(desk.phone.press_call)) in (["answer"], [])
        assert desk.sounds[-1].log == ["start", "mute", "unmute", "mute"]  # the next call begins unmuted again
        assert '"muted": true' in desk.said[-1] or '"muted":true' in desk.said[-1]
        desk.end(name)


def test_where_the_call_button_is_held_to_talk_it_neither_mutes_nor_dials_as_the_call_ends():
    desk = Desk(takes_turns=True)
    desk.ring()
    desk.do(desk.phone.press_call)
    desk.do(desk.phone.press_call)
    assert desk.sounds[0].log == ["start"]
    desk.end("in-1")
    assert desk.do(desk.phone.press_call) == []
    desk.world.run(1100)
    assert kinds(desk.do(desk.phone.press_call)) == ["invite"]


def test_a_button_that_is_held_to_talk_dials_also_a_week_after_the_last_call():
    desk = Desk(takes_turns=True)
    desk.ring()
    desk.do(desk.phone.press_call)
    desk.end("in-1")
    desk.world.run(2000)
    desk.world.now += 2**29
    assert kinds(desk.do(desk.phone.press_call)) == ["invite"]


def test_an_incoming_call_is_rejected_by_the_end_button():
    desk = Desk()
    desk.ring()
    assert desk.do(desk.phone.press_end) == [{"t": "reject", "call": "in-1", "cause": causes.REJECTED}]
    assert desk.do(desk.phone.press_call) == []
    assert desk.end("in-1", causes.REJECTED, "device") == [] and desk.sounds == []


def test_an_incoming_call_that_the_caller_gives_up():
    desk = Desk()
    desk.ring()
    assert desk.end("in-1", causes.ORIGINATOR_CANCEL) == []
    assert desk.states == [call.RINGING, call.ENDED]
    assert kinds(desk.ring("in-2")) == ["ringing"]


def test_an_incoming_call_that_nobody_takes_ends_after_the_callers_time():
    desk = Desk()
    desk.ring()
    assert desk.wait(7800) == []
    assert desk.wait(500) == [{"t": "reject", "call": "in-1", "cause": causes.NO_ANSWER}]


def test_a_second_invitation_is_busy_and_the_first_call_goes_on():
    for busy in ("dial", "ring", "talk", "close"):
        desk = Desk()
        if busy == "ring":
            desk.ring()
        elif busy == "dial":
            desk.dial()
        else:
            desk.talk()
            if busy == "close":
                desk.do(desk.phone.press_end)
        states = list(desk.states)
        assert desk.ring("in-2") == [{"t": "reject", "call": "in-2", "cause": causes.BUSY}]
        # the relay has the last word on that one too, and there is nothing to say to it
        assert desk.end("in-2", causes.BUSY, "device") == [], busy
        assert desk.states == states


def test_media_that_we_cannot_play_is_rejected_without_ringing():
    for odd in (("opus", 20), ("G722", 20), ("CN", 20)):
        desk = Desk()
        media = {"codec": odd[0], "ptime": odd[1], "ssrc": 1, "remote_ssrc": 2}
        assert desk.ring(media=media) == [{"t": "reject", "call": "in-1", "cause": causes.INCOMPATIBLE}]
        assert call.RINGING not in desk.states
        desk.end("in-1", causes.INCOMPATIBLE, "device")
        assert kinds(desk.ring("in-2")) == ["ringing"]


def test_an_answer_with_media_that_we_did_not_offer_ends_the_call():
    for odd in (("opus", 20), ("CN", 20)):
        desk = Desk()
        name = desk.dial()
        said = desk.hear(
            {"t": "answer", "call": name, "media": {"codec": odd[0], "ptime": odd[1], "ssrc": 1, "remote_ssrc": 2}}
        )
        assert kinds(said) == ["bye"] and said[0]["cause"] == causes.INCOMPATIBLE, odd
        assert desk.sounds == []


# --- the link


def test_a_link_lost_ends_a_call_in_any_state():
    for state in ("dial", "ring", "talk", "close"):
        desk = Desk()
        if state == "ring":
            desk.ring()
        elif state == "dial":
            desk.dial()
        else:
            desk.talk()
            if state == "close":
                desk.do(desk.phone.press_end)
        desk.do(desk.phone.detach)
        assert desk.states[-1] == call.ENDED, state
        if state in ("talk", "close"):
            assert desk.sounds[0].log == ["start", "stop"]
        assert any("LINK_LOST" in line for line in desk.said) == (state != "close")
        assert desk.do(desk.phone.press_call) == []
        desk.phone.attach(Line())
        desk.line = desk.phone._link
        assert desk.dial()


def test_a_call_that_ends_with_its_link_is_kept_for_the_relay():
    desk = Desk()
    desk.ring()
    desk.do(desk.phone.detach)
    assert desk.cut == [("missed", {"call": "in-1", "cause": causes.LINK_LOST, "duration_ms": 0})]
    for begin, hangs_up, cause in (
        (desk.dial, False, causes.LINK_LOST),
        (desk.talk, False, causes.LINK_LOST),
        (desk.talk, True, causes.NORMAL),
    ):
        desk.phone.attach(desk.line)
        name = begin()
        desk.wait(1500)
        if hangs_up:
            desk.do(desk.phone.press_end)
        desk.do(desk.phone.detach)
        kind, fields = desk.cut.pop()
        assert (kind, fields["call"], fields["cause"]) == ("call", name, cause), (kind, fields)
        assert (fields["duration_ms"] >= 1500) == (begin == desk.talk), fields


def test_a_call_that_was_rejected_as_the_link_went_was_not_missed():
    desk = Desk()
    desk.ring()
    desk.do(desk.phone.press_end)
    desk.do(desk.phone.detach)
    assert desk.cut == [("call", {"call": "in-1", "cause": causes.REJECTED, "duration_ms": 0})]


def test_a_call_that_the_relay_ended_is_not_kept():
    desk = Desk()
    desk.end(desk.talk())
    desk.do(desk.phone.detach)
    assert desk.cut == []


def test_detaching_without_a_call():
    desk = Desk()
    desk.phone.detach()
    desk.phone.detach()
    assert desk.states == []


# --- figures


def test_figures_go_out_each_five_seconds_and_once_at_the_end():
    desk = Desk()
    name = desk.talk()
    times = []
    for _ in range(170):
        packet(desk)
        for message in desk.wait(99):
            assert message["t"] == "stats" and not message["final"] and message["call"] == name
            assert message["up"] == {"sent": 70, "dropped": 7}
            times.append(desk.world.now)
    assert len(times) == 3
    assert all(4800 <= two - one <= 5200 for one, two in zip(times, times[1:]))  # noqa: B905 - MicroPython has no strict
    packet(desk, 3)
    said = desk.end(name)
    assert len(said) == 1 and said[0]["final"]
    assert said[0]["down"] == {
        "received": 173,
        "lost": 1,
        "late": 2,
        "concealed": 3,
        "jitter_ms": 4,
        "buffer_ms": 5,
        "underruns": 6,
    }
    assert desk.wait(20000) == []


def test_no_figures_without_talk():
    desk = Desk()
    name = desk.dial()
    assert desk.wait(6000) == []
    assert desk.end(name) == []


def test_no_figures_while_waiting_for_the_last_word():
    desk = Desk()
    desk.talk()
    desk.wait(4900)
    desk.do(desk.phone.press_end)
    assert desk.wait(1000) == []


# --- what goes wrong


def test_sound_that_does_not_start_ends_the_call_with_a_failure():
    for error in (OSError(19), MemoryError(), LocalError("no such thing")):
        desk = Desk(fail=error)
        name = desk.dial()
        said = desk.hear({"t": "answer", "call": name, "media": AGREED})
        assert said == [{"t": "bye", "call": name, "cause": causes.TEMPORARY_FAILURE}]
        assert desk.states[-1] == call.CLOSING
        packet(desk)
        assert desk.end(name, causes.TEMPORARY_FAILURE, "device") == []
        assert desk.states[-1] == call.ENDED
        desk.fail = None
        desk.talk()
        assert desk.sounds[0].log == ["start"]


def test_sound_that_does_not_start_for_a_call_that_came_in():
    desk = Desk(fail=OSError(19))
    desk.ring()
    said = desk.do(desk.phone.press_call)
    assert kinds(said) == ["answer", "bye"] and said[1]["cause"] == causes.TEMPORARY_FAILURE


def test_messages_out_of_place_are_answered_and_change_nothing():
    desk = Desk()
    desk.ring()
    for message in (
        {"t": "answer", "call": "in-1", "media": AGREED},
        {"t": "bye", "call": "in-1", "cause": 16},
        {"t": "ringing", "call": "nobody"},
        {"t": "cancel", "call": "nobody"},
    ):
        said = desk.hear(message)
        assert kinds(said) == ["error"] and said[0]["about"] == message["t"], message
    assert desk.states == [call.RINGING]
    assert kinds(desk.do(desk.phone.press_call)) == ["answer"]


def test_a_last_word_that_comes_late_or_twice_is_not_answered():
    desk = Desk()
    assert desk.end("some-call-before-the-restart") == []
    name = desk.talk()
    desk.end(name)
    assert desk.end(name) == []
    other = desk.dial()
    assert desk.end(name) == []
    assert desk.hear({"t": "ringing", "call": other}) == []


def test_time_of_the_ring_is_the_relays_even_for_the_next_call():
    desk = Desk()
    desk.hear(
        {
            "t": "welcome",
            "v": 1,
            "now": 1,
            "heartbeat_ms": 9000,
            "contacts": CONTACTS,
            "settings": {"ring_ms": 1000},
            "features": [],
        }
    )
    desk.dial()
    assert kinds(desk.wait(1200)) == ["cancel"]
    assert phone.STATS_MS == 5000

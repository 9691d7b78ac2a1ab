"""Runs on a board: the log of what the relay has to hear, on a flash of the test, delivered to a relay of the test."""

import json

from callcore import messages
from callcore.errors import StoreError
from handset import diag, outbox
from handset.outbox import Outbox, last_words

diag.print = lambda text: None
# what the log keeps at most
ENTRIES = 8
BYTES = 2400


class Flash:
    """A store that counts its writes and refuses them when told to."""

    def __init__(self):
        self.bodies = {}
        self.saves = 0
        self.fault = None

    def load(self, fact):
        if fact not in self.bodies:
            raise StoreError("record_missing", "nothing here")
        return self.bodies[fact]

    def save(self, fact, body):
        if self.fault:
            raise StoreError("storage", self.fault)
        self.saves += 1
        self.bodies[fact] = body


class Relay:
    """A relay that stores each entry once by log and number, and acknowledges as far as it is told to."""

    def __init__(self, acknowledges=True):
        self.acknowledges = acknowledges
        self.stored = {}
        self.sent = []
        self.waiting = []

    def send(self, message):
        message = messages.decode(messages.encode(message, messages.FROM_BOARD), messages.FROM_BOARD)
        self.sent.append(message)
        self.stored.setdefault((message["log"], message["n"]), message)
        self.waiting.append(message["n"])

    def link(self, box):
        """Open a link and let all be delivered."""
        self.waiting = []
        box.deliver(self)
        while self.acknowledges and self.waiting:
            box.delivered(self.waiting.pop(0))

    def kinds(self):
        return [message["kind"] for message in self.sent]


def call(n):
    return {"call": "c%d" % n, "cause": 690, "duration_ms": n}


def test_nothing_is_written_and_nothing_is_sent_when_nothing_happened():
    flash, relay = Flash(), Relay()
    relay.link(Outbox(flash, lambda: 0))
    assert flash.saves == 0 and relay.sent == []


def test_what_was_kept_is_delivered_in_order_after_a_reset_and_then_forgotten():
    flash, relay = Flash(), Relay()
    box = Outbox(flash, lambda: 1790000000)
    box.put("missed", call(1))
    box.put("call", call(2))
    assert flash.saves == 2
    relay.link(Outbox(flash, lambda: 0))
    assert relay.kinds() == ["missed", "call"] and [one["n"] for one in relay.sent] == [1, 2]
    assert relay.sent[0]["call"] == "c1" and relay.sent[0]["at"] == 1790000000 and relay.sent[0]["lost"] == 0
    assert flash.saves == 3  # one for both
    relay.link(Outbox(flash, lambda: 0))
    assert len(relay.sent) == 2


def test_without_an_acknowledgement_it_comes_again_under_the_same_name_and_number():
    flash, relay = Flash(), Relay(acknowledges=False)
    box = Outbox(flash, lambda: 0)
    box.put("missed", call(1))
    relay.link(box)
    relay.link(box)
    relay.link(Outbox(flash, lambda: 0))
    assert len(relay.sent) == 3 and len(relay.stored) == 1
    relay.acknowledges = True
    relay.link(Outbox(flash, lambda: 0))
    relay.link(Outbox(flash, lambda: 0))
    assert len(relay.sent) == 4 and len(relay.stored) == 1


def test_a_number_never_comes_again_though_all_was_delivered_and_the_board_was_reset():
    flash, relay = Flash(), Relay()
    for n in range(5):
        box = Outbox(flash, lambda: 0)
        box.put("call", call(n))
        relay.link(box)
    assert [one["n"] for one in relay.sent] == [1, 2, 3, 4, 5] and len(relay.stored) == 5
    assert len({one["log"] for one in relay.sent}) == 1


def test_a_log_that_was_erased_gets_another_name():
    relay = Relay()
    for _ in range(2):
        box = Outbox(Flash(), lambda: 0)
        box.put("call", call(1))
        relay.link(box)
    assert len(relay.stored) == 2


def test_a_damaged_log_is_begun_anew():
    flash = Flash()
    flash.bodies[outbox.OUTBOX] = b"nonsense"
    box = Outbox(flash, lambda: 0)
    box.put("call", call(1))
    relay = Relay()
    relay.link(box)
    assert relay.sent[0]["n"] == 1


def test_the_oldest_goes_when_there_are_too_many_and_it_is_told_how_many():
    flash, relay = Flash(), Relay()
    box = Outbox(flash, lambda: 0)
    for n in range(ENTRIES + 3):
        box.put("call", call(n))
    relay.link(Outbox(flash, lambda: 0))
    assert [one["n"] for one in relay.sent] == list(range(4, ENTRIES + 4))
    assert all(one["lost"] == 3 for one in relay.sent)


def test_the_oldest_goes_when_it_is_too_much_and_the_record_keeps_its_bound():
    flash, relay = Flash(), Relay()
    box = Outbox(flash, lambda: 0)
    for n in range(ENTRIES):
        box.put("crash", {"text": '"' * 398 + str(n)})
        assert len(flash.bodies[outbox.OUTBOX]) < BYTES + 200
    relay.link(Outbox(flash, lambda: 0))
    assert 1 <= len(relay.sent) < ENTRIES
    assert relay.sent[-1]["n"] == ENTRIES and relay.sent[-1]["lost"] == ENTRIES - len(relay.sent)


def test_an_acknowledgement_of_what_has_gone_meanwhile_changes_nothing():
    flash, relay = Flash(), Relay(acknowledges=False)
    box = Outbox(flash, lambda: 0)
    box.put("call", call(0))
    relay.link(box)
    for n in range(ENTRIES):
        box.put("call", call(1 + n))
    saves = flash.saves
    box.delivered(1)
    assert flash.saves == saves and len(json.loads(flash.bodies[outbox.OUTBOX].decode())["kept"]) == ENTRIES
    assert [one["n"] for one in relay.sent] == [1, 2]  # and the delivery goes on


def test_a_crash_that_repeats_itself_is_kept_once_and_not_written_again():
    flash, relay = Flash(), Relay()
    for _ in range(5):
        Outbox(flash, lambda: 0).put("crash", {"text": "the same"})
    assert flash.saves == 1
    Outbox(flash, lambda: 0).put("crash", {"text": "another"})
    relay.link(Outbox(flash, lambda: 0))
    assert [one["text"] for one in relay.sent] == ["the same", "another"]


def test_what_is_not_on_flash_is_not_sent_until_it_is():
    flash, relay = Flash(), Relay()
    box = Outbox(flash, lambda: 0)
    flash.fault = "no room"
    box.put("call", call(1))
    relay.link(box)
    assert relay.sent == []
    flash.fault = None
    relay.link(box)
    assert len(relay.sent) == 1
    assert json.loads(flash.bodies[outbox.OUTBOX].decode())["kept"] == []


def test_last_words_are_one_line_of_plain_letters_and_the_end_of_the_traceback():
    try:
        raise ValueError("x" * 500 + "\u00e9\u4e2d\x07 the end")
    except ValueError as error:
        text = last_words(error)
    assert len(text) == 400 and text.endswith("??? the end")
    try:
        {}["k"]
    except KeyError as error:
        text = last_words(error)
    assert "outbox_cases.py" in text and "KeyError" in text and "|" in text and "\n" not in text

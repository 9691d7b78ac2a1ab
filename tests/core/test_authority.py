"""The relay's call machine has the last word; table by table, in pairs and in all interleavings it is in test_call.py."""

from callcore import causes
from callcore.authority import AUTHORITY, Authority, choose
from callcore.call import ANSWERED, BOARD, IDLE, PHONE, RELAY, SHARED, CallMachine

AGREED = {"codec": "PCMA", "ptime": 20, "ssrc": 0xDEADBEEF, "remote_ssrc": 1}


def machine_in(state):
    """Give a relay's machine that has said nothing, or one of a call that talks since 0 ms; its actions are drained."""
    machine = Authority("c1", 0, 30000)
    if state == ANSWERED:
        machine.dial({"from": {"id": "c2", "name": "Grandma"}, "media": AGREED}, 0)
        machine.received({"t": "answer", "call": "c1", "media": {"codec": "PCMA", "ptime": 20}}, 0)
    assert machine.state == state
    machine.actions()
    return machine


def test_finish_says_the_last_word_once():
    machine = machine_in(ANSWERED)
    machine.finish(causes.MEDIA_TIMEOUT, RELAY, 1234)
    ended = {"t": "ended", "call": "c1", "cause": 604, "released_by": RELAY, "duration_ms": 1234}
    assert machine.actions() == [("media", False), ("send", ended), ("ended", 604, RELAY, 1234)]
    machine.finish(causes.NORMAL, PHONE, 2000)
    assert (machine.actions(), machine.cause) == ([], 604)


def test_finish_before_anything_was_said_says_nothing():
    machine = machine_in(IDLE)
    machine.finish(causes.BARRED, RELAY, 0)
    assert machine.actions() == [("ended", causes.BARRED, RELAY, 0)]


def test_both_ends_share_a_table_and_each_has_one_of_its_own():
    assert Authority.rows == SHARED + AUTHORITY and CallMachine.rows == SHARED + BOARD
    assert Authority.authority and not CallMachine.authority
    assert not hasattr(CallMachine, "finish")


def test_a_machine_says_whose_it_is():
    assert repr(machine_in(IDLE)) == "<call c1 relay IDLE>"
    assert repr(CallMachine("c1", 0, 30000)) == "<call c1 board IDLE>"


def test_the_boards_preference_decides():
    assert choose(["PCMA", "PCMU"], ("PCMU", "PCMA")) == "PCMA"
    assert choose(["PCMU", "PCMA"], ["PCMU", "PCMA"]) == "PCMU"
    assert choose(["PCMA", "PCMU"], ("PCMU",)) == "PCMU"


def test_nothing_in_common_is_none():
    assert choose(["PCMA"], ("PCMU",)) is None
    assert choose([], ("PCMU",)) is None
    assert choose(["PCMA"], ()) is None


def test_names_that_nobody_knows_are_passed_over():
    assert choose(["MP3", "PCMA"], ("PCMA",)) == "PCMA"
    assert choose(["MP3"], ("MP3",)) is None


def test_comfort_noise_is_never_the_codec():
    assert choose(["CN", "PCMA"], ("CN", "PCMA")) == "PCMA"
    assert choose(["CN"], ("CN",)) is None

"""A board gets new keys between its calls, from a relay that dies on the way: real firmware, real commands (T-ID-13)."""

import time

import pytest
from chain import on_one_interpreter

ANSWERING = [{"id": "alice", "answer_after_ms": 100}]
BACK_S = 60.0  # the board waits a second or two, then longer, before it knocks again


def talk(board, number):
    board.press("call")
    board.wait_number(number, "call", state="ANSWERED")
    time.sleep(0.5)  # a press lasts 250 ms, and two at one time are one


def call(board, number):
    """Let the board make its call `number`, from 1, whole."""
    talk(board, number)
    board.press("end")
    board.wait_number(number, "call", state="ENDED")


def standing(relay, sn):
    found = relay.run("devices", "show", sn, "--json").document()["standing"]
    return found["kv"], found["next_key_s"] > 0


@pytest.mark.paced
@on_one_interpreter
def test_keys_change_between_calls_and_while_the_relay_dies(own_relay, interpreter):
    relay = own_relay(ANSWERING)
    with relay.board(interpreter) as board:
        call(board, 1)
        talk(board, 2)
        asked = relay.run("devices", "rotate", board.sn, "--json").document()
        assert (asked["kv"], asked["linked"], asked["changed"]) == (1, True, True)
        assert standing(relay, board.sn) == (1, True)
        board.press("end")
        board.wait_number(2, "call", state="ENDED")
        board.wait("verified", BACK_S, kv=2)
        board.wait_number(2, "online", BACK_S)
        assert standing(relay, board.sn) == (2, False)
        call(board, 3)
        assert [one["cause"] for one in relay.records(board.sn)] == [16, 16, 16], "no call was cut off"
        assert len(relay.run("devices", "rotate", "--all", "--json").document()["rotations"]) == 1
        relay.kill()
        relay.restart()
        board.wait("verified", BACK_S, kv=3)
        board.wait_number(3, "online", BACK_S)
        assert standing(relay, board.sn) == (3, False)
        call(board, 4)
        board.kill()
        with relay.running(board.sn, board.folder, interpreter) as again:
            assert again.wait("verified")["kv"] == 3, "as it is in its flash"
            call(again, 1)
    assert "error" not in {event["ev"] for event in again.events()}
    assert relay.stop() == 0

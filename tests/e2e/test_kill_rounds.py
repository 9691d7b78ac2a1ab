"""The relay is killed at random moments of live calls, round after round: no acknowledged record is lost, none is doubled.

A board's last word comes after the record is on disk: a call that a board knew to be over before the kill is on record as the
board has it. Any other that it knew to be answered is on record once, as ended by the relay or as the board has it.
"""

import random
import statistics
import time

import pytest

from callcore import causes

ANSWERING = [{"id": "alice", "answer_after_ms": 100}]
BACK_S = 30.0
READY_S = 3.0
SWEPT = (causes.TEMPORARY_FAILURE, "relay")


@pytest.mark.paced
@pytest.mark.parametrize("rounds", [3, pytest.param(50, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_kills_at_random_moments_of_calls(own_relay, rounds):
    dice = random.Random(rounds)
    relay = own_relay(ANSWERING)
    ready_s, cut = [], set()  # cut: calls in which the relay died
    with relay.board("cpython") as board:
        for round_ in range(1, rounds + 1):
            board.wait_number(round_, "online", BACK_S)
            board.press("call")
            time.sleep(dice.uniform(0, 2.5))  # the moment is what is tried: before the call, ringing, talking
            if dice.random() < 0.4:
                board.press("end")
                time.sleep(dice.uniform(0, 0.2))
            over = {call_id: end for call_id, end in last_words(board).items() if call_id not in cut}
            relay.kill()
            began = time.monotonic()
            relay.restart()
            ready_s.append(time.monotonic() - began)
            check(relay, board, over)
            cut |= {event["call"] for event in board.events() if event["ev"] == "call"} - over.keys()
        assert relay.stop() == 0
    assert statistics.median(ready_s) <= READY_S, ready_s


def last_words(board):
    """Give the calls that the board knows to be over: their ends, by call."""
    ends = [event for event in board.events() if event["ev"] == "call" and event["state"] == "ENDED"]
    return {event["call"]: (event["cause"], event["released_by"]) for event in ends}


def check(relay, board, over):
    """Hold the records against what the board has heard; a relay may have died before it heard of the board's call."""
    records = relay.records(board.sn)
    found = {record["call_id"]: (record["cause"], record["released_by"]) for record in records}
    assert len(found) == len(records), "none is doubled"
    assert {record["state"] for record in records} <= {"ended"}, records
    answered = {event["call"] for event in board.events() if event.get("state") == "ANSWERED"}
    assert answered <= found.keys() and over.keys() <= found.keys(), (
        answered - found.keys(),
        over.keys() - found.keys(),
    )
    for call_id, end in found.items():
        if call_id in over:
            assert end == over[call_id], call_id
        else:
            assert end in (SWEPT, last_words(board).get(call_id)), (call_id, end)

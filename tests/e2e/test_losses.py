"""What a call becomes when a part of the chain goes away in the middle of it, and how the chain comes together again."""

import os
import signal

import pytest
from chain import EVENT_S, assert_accounted, is_ended, on_one_interpreter, with_phones

from callcore import causes
from tincall.emulator.control import BoardControl

ANSWERING = [{"id": "alice", "answer_after_ms": 100}]
BACK_S = 15.0  # the board waits a second or two, then longer, before it knocks again


def talk(board):
    """Let the board call and talk for half a second; gives the call's id."""
    board.press("call")
    board.wait("mic_played")
    return board.wait_call("ANSWERED")["call"]


def is_gone(pid):
    """Tell whether a process has ended, be it buried or not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@with_phones("answers")
def test_a_board_that_dies_ends_its_call(relay, interpreter, tone):
    with relay.board(interpreter, "--mic", tone) as board:
        with BoardControl(board.folder) as control:
            pid = control.status()["pid"]
        talk(board)
        board.kill()
        record = relay.settled(board.sn, is_ended)
        assert (record["cause"], record["released_by"]) == (causes.LINK_LOST, "device")
        assert record["duration_ms"] > 0
        assert record["up"]["in"] == record["up"]["out"] == record["worker_report"]["received"]
        assert record["down"]["in"] == record["worker_report"]["sent"]
        assert is_gone(pid)
    devices = {one["sn"]: one for one in relay.run("devices", "--json").document()["devices"]}
    assert devices[board.sn]["link"] is None


@on_one_interpreter
@with_phones("answers")
def test_a_board_that_died_comes_back_and_calls(relay, interpreter, tone):
    with relay.board(interpreter) as board:
        board.press("call")
        board.wait_call("ANSWERED")
        board.kill()
        with relay.running(board.sn, board.folder, interpreter, "--mic", tone) as again:
            talk(again)
            again.press("end")
            again.wait("figures")
    ends = [(record["cause"], record["released_by"]) for record in relay.records(board.sn)]
    assert ends == [(causes.NORMAL, "device"), (causes.LINK_LOST, "device")]


@on_one_interpreter
def test_a_relay_that_is_stopped_ends_its_calls_and_says_so(own_relay, interpreter, tone):
    relay = own_relay(ANSWERING)
    with relay.board(interpreter, "--mic", tone) as board:
        call_id = talk(board)
        assert relay.stop() == 0
        ended = board.wait_call("ENDED")
        assert (ended["cause"], ended["released_by"]) == (causes.TEMPORARY_FAILURE, "relay")
        assert "Traceback" not in relay.log()
        relay.restart()
        board.wait_number(2, "online", BACK_S)
        record = relay.settled(board.sn)
        assert record["call_id"] == call_id
        assert (record["cause"], record["released_by"]) == (causes.TEMPORARY_FAILURE, "relay")
        assert record["duration_ms"] == ended["duration_ms"]
        assert_accounted(board, record)
        assert relay.stop() == 0


@on_one_interpreter
def test_a_relay_that_is_killed_finds_its_calls_closed_and_its_boards_back(own_relay, interpreter, tone):
    relay = own_relay(ANSWERING)
    with relay.board(interpreter, "--mic", tone) as board:
        call_id = talk(board)
        relay.kill()
        ended = board.wait_call("ENDED")
        assert (ended["cause"], ended["released_by"]) == (causes.LINK_LOST, "relay")
        relay.restart()
        record = relay.settled(board.sn, lambda record: record["state"] == "ended")
        assert record["call_id"] == call_id
        assert (record["cause"], record["released_by"]) == (causes.TEMPORARY_FAILURE, "relay")
        board.wait_number(2, "online", BACK_S)
        talk_again(board)
        causes_now = [one["cause"] for one in relay.records(board.sn)]
        assert causes_now == [causes.NORMAL, causes.TEMPORARY_FAILURE]
        assert relay.stop() == 0


def talk_again(board):
    """Make a second call and hang up."""
    board.press("call")
    board.wait_number(2, "mic_played")
    board.press("end")
    assert board.wait_number(2, "call", state="ENDED")["cause"] == causes.NORMAL
    board.wait_number(2, "figures")


@pytest.mark.long
@with_phones("answers")
def test_a_board_that_falls_silent_is_given_up_and_comes_back(relay, interpreter, tone):
    with relay.board(interpreter, "--mic", tone) as board:
        with BoardControl(board.folder) as control:
            pid = control.status()["pid"]
        call_id = talk(board)
        os.kill(pid, signal.SIGSTOP)
        try:
            record = relay.settled(board.sn, is_ended, 40.0)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert record["call_id"] == call_id
        assert (record["cause"], record["released_by"]) == (causes.LINK_LOST, "device")
        assert 20_000 < record["duration_ms"] < 40_000
        assert board.wait_call("ENDED")["call"] == call_id
        board.wait_number(2, "online", BACK_S + EVENT_S)

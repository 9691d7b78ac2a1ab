"""Every way a call can go: what the board tells, what stands in the one record, and each frame's fate."""

from chain import assert_accounted, is_ended, on_one_interpreter, with_phones

from callcore import causes


def assert_end(board, record, cause, released_by):
    """Hold board and record to one cause and one that ended the call."""
    ended = board.wait_call("ENDED")
    assert (ended["call"], ended["cause"], ended["released_by"]) == (record["call_id"], cause, released_by)
    assert (record["state"], record["cause"], record["released_by"]) == ("ended", cause, released_by)
    assert ended["duration_ms"] == record["duration_ms"]
    assert board.states().count("ENDED") == 1


def assert_never_answered(board, record):
    """Hold a call without an answer to having carried nothing."""
    assert "ANSWERED" not in board.states()
    assert (record["answered_ms"], record["duration_ms"], record["codec"]) == (None, 0, "")
    assert record["up"] == record["down"] == {"in": 0, "out": 0, "dropped": 0}


def phone_calls(relay, board):
    """Let the phone call the board, by the command; gives the call's id when it rings."""
    done = relay.run("call", board.sn, "--phone", "alice", "--json")
    assert board.wait_call("RINGING")["call"] == done.document()["call"]
    return done.document()["call"]


@with_phones("answers")
def test_the_board_calls_and_hangs_up(relay, interpreter, tone):
    with relay.board(interpreter, "--mic", tone) as board:
        board.press("call")
        board.wait("mic_played")
        board.press("end")
        record = relay.settled(board.sn)
        assert_end(board, record, causes.NORMAL, "device")
        assert board.states() == ["DIALLING", "RINGBACK", "ANSWERED", "CLOSING", "ENDED"]
        codec = "PCMA" if interpreter == "cpython" else "G722"
        assert (record["direction"], record["phone"], record["codec"]) == ("out", "alice", codec)
        assert_accounted(board, record)


@on_one_interpreter
@with_phones("talks")
def test_the_board_calls_and_the_phone_hangs_up(relay, interpreter):
    with relay.board(interpreter) as board:
        board.press("call")
        board.wait_call("ANSWERED")
        record = relay.settled(board.sn)
        assert_end(board, record, causes.NORMAL, "phone")
        assert board.states() == ["DIALLING", "RINGBACK", "ANSWERED", "ENDED"]
        assert_accounted(board, record)


@on_one_interpreter
@with_phones("rejects")
def test_the_phone_declines(relay, interpreter):
    with relay.board(interpreter) as board:
        board.press("call")
        record = relay.settled(board.sn, is_ended)
        assert_end(board, record, causes.REJECTED, "phone")
        assert_never_answered(board, record)
        assert record["ringing_ms"] is not None


@on_one_interpreter
@with_phones("busy")
def test_the_phone_is_busy(relay, interpreter):
    with relay.board(interpreter) as board:
        board.press("call")
        record = relay.settled(board.sn, is_ended)
        assert_end(board, record, causes.BUSY, "phone")
        assert_never_answered(board, record)
        assert (record["ringing_ms"], board.states()) == (None, ["DIALLING", "ENDED"])


@on_one_interpreter
@with_phones("rings")
def test_nobody_answers_the_board(relay, interpreter):
    with relay.board(interpreter) as board:
        board.press("call")
        record = relay.settled(board.sn, is_ended)
        assert_end(board, record, causes.NO_ANSWER, record["released_by"])
        assert record["released_by"] in ("device", "relay")  # both watch the ring time; whose clock is first
        assert_never_answered(board, record)
        rang_ms = record["ended_ms"] - record["ringing_ms"]
        assert 1200 <= rang_ms <= 4000


@on_one_interpreter
@with_phones("rings")
def test_the_board_gives_up(relay, interpreter):
    with relay.board(interpreter) as board:
        board.press("call")
        board.wait_call("RINGBACK")
        board.press("end")
        record = relay.settled(board.sn, is_ended)
        assert_end(board, record, causes.ORIGINATOR_CANCEL, "device")
        assert_never_answered(board, record)


@with_phones("talks")
def test_the_phone_calls_and_the_board_answers(relay, interpreter):
    with relay.board(interpreter) as board:
        call_id = phone_calls(relay, board)
        board.press("call")
        board.wait_call("ANSWERED")
        record = relay.settled(board.sn)
        assert record["call_id"] == call_id
        assert_end(board, record, causes.NORMAL, "phone")
        assert board.states() == ["RINGING", "ANSWERED", "ENDED"]
        assert record["direction"] == "in"
        assert_accounted(board, record)


@on_one_interpreter
@with_phones("answers")
def test_the_phone_calls_and_the_board_hangs_up(relay, interpreter, tone):
    with relay.board(interpreter, "--mic", tone) as board:
        phone_calls(relay, board)
        board.press("call")
        board.wait("mic_played")
        board.press("end")
        record = relay.settled(board.sn)
        assert_end(board, record, causes.NORMAL, "device")
        assert_accounted(board, record)


@on_one_interpreter
@with_phones("answers")
def test_the_board_declines(relay, interpreter):
    with relay.board(interpreter) as board:
        phone_calls(relay, board)
        board.press("end")
        record = relay.settled(board.sn, is_ended)
        assert_end(board, record, causes.REJECTED, "device")
        assert_never_answered(board, record)


@on_one_interpreter
@with_phones("rings")
def test_the_phone_gives_up(relay, interpreter):
    with relay.board(interpreter) as board:
        phone_calls(relay, board)
        record = relay.settled(board.sn, is_ended)
        assert_end(board, record, causes.ORIGINATOR_CANCEL, "phone")
        assert_never_answered(board, record)
        assert board.states() == ["RINGING", "ENDED"]


@on_one_interpreter
@with_phones("answers")
def test_a_board_in_a_call_is_busy_for_others(relay, interpreter, tone):
    with relay.board(interpreter, "--mic", tone) as board:
        board.press("call")
        board.wait_call("ANSWERED")
        said = relay.run("call", board.sn, "--phone", "alice").complaint()
        assert "busy" in said
        board.wait("mic_played")
        board.press("end")
        record = relay.settled(board.sn)
        assert_end(board, record, causes.NORMAL, "device")
        assert_accounted(board, record)


@on_one_interpreter
@with_phones("answers")
def test_the_operator_ends_a_call(relay, interpreter, tone):
    with relay.board(interpreter, "--mic", tone) as board:
        board.press("call")
        board.wait("mic_played")
        assert relay.run("hangup", board.wait_call("ANSWERED")["call"]).status == 0
        record = relay.settled(board.sn)
        assert_end(board, record, causes.NORMAL, "relay")
        assert_accounted(board, record)


@on_one_interpreter
@with_phones("talks")
def test_one_board_makes_one_call_after_another(relay, interpreter):
    with relay.board(interpreter) as board:
        for number in range(1, 4):
            board.press("call")
            board.wait("figures")
            ended = board.wait_number(number, "call", state="ENDED")
            assert (ended["cause"], ended["released_by"]) == (causes.NORMAL, "phone")
        records = relay.records(board.sn)
        assert [record["cause"] for record in records] == [causes.NORMAL] * 3
        assert len({record["call_id"] for record in records}) == 3

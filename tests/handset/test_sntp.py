"""Asking a time server, on each interpreter, over real datagrams."""

import pytest
from support.time_server import TimeServer, reply

NOW_S = 1_795_196_566


def test_cases(check, board):
    check(board, "sntp_cases.py")


def test_no_answer_is_no_time(run, board):
    with TimeServer(lambda question: []) as silent:
        assert run(board, "sntp_try.py", f"127.0.0.1:{silent.port}").stdout == "0\n"
        assert len(silent.asked) == 1


@pytest.mark.parametrize("where", ["127.0.0.1:9", ":x", "no such name.invalid", "127.0.0.1"])
def test_where_no_time_server_is_there_is_no_time(run, board, where):
    assert run(board, "sntp_try.py", where).stdout == "0\n"


def test_the_question_is_what_a_server_expects_and_tells_nothing(run, board):
    with TimeServer(lambda question: [reply(question, NOW_S)]) as server:
        assert [run(board, "sntp_try.py", f"127.0.0.1:{server.port}").stdout for _ in "ab"] == [f"{NOW_S}\n"] * 2
    one, other = server.asked
    assert len(one) == 48 and one[:40] == bytes([0x23]) + bytes(39) == other[:40]
    assert one[40:] != other[40:]


def test_a_bad_answer_before_the_good_one_is_passed_over(run, board):
    def answer(question):
        forged = reply(question[:40] + bytes(8), 2**31)
        return [b"", b"x", forged, reply(question, NOW_S, stratum=0), reply(question, NOW_S)]

    with TimeServer(answer) as server:
        assert run(board, "sntp_try.py", f"127.0.0.1:{server.port}").stdout == f"{NOW_S}\n"

"""One connection to a board: what goes over it, and what becomes of each error."""

import os
import struct

import pytest
from fake_transport import FakePort, FakeTransport
from mpremote.transport import TransportError

from tincall.errors import OperatorError
from tincall.workbench import on_board
from tincall.workbench.faults import OnBoardError
from tincall.workbench.serial_board import PIECE_BYTES, SerialBoard, require


def refused(transport: FakeTransport) -> OperatorError:
    with pytest.raises(OperatorError) as problem:
        SerialBoard(transport, "P").run("pass")
    return problem.value


def test_tools_come_once_and_before_the_first_program() -> None:
    transport = FakeTransport()
    board = SerialBoard(transport, "P")
    board.run("one")
    board.run("two", data=b"\x00\xff")
    assert transport.ran == [on_board.TOOLS, "one", "data=a2b_base64(b'AP8=')\ntwo"]


def test_a_board_that_can_inflate_gets_less_to_read() -> None:
    transport = FakeTransport([(b"1\r\n", b"")])
    board = SerialBoard(transport, "P")
    board.run("pass", data=b"a" * 1000)
    board.run("pass", data=b"\x00\xff")
    assert "_inflate(" in transport.ran[1] and len(transport.ran[1]) < 100
    assert transport.ran[2] == "data=a2b_base64(b'AP8=')\npass"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (OSError(5, "I/O"), "connection to P was lost"),
        (TransportError("timeout"), "stopped answering"),
        (struct.error("unpack"), "stopped answering"),
        ((b"", b"Traceback\r\nOSError: [Errno 28] ENOSPC\r\n"), "is full"),
    ],
)
def test_errors_in_the_middle(answer: object, said: str) -> None:
    assert said in refused(FakeTransport([answer])).message


def test_a_board_that_fails_says_what() -> None:
    problem = refused(FakeTransport([(b"", b"Traceback\r\nOSError: 2\r\n")]))
    assert isinstance(problem, OnBoardError) and problem.errno == 2


def test_the_prompt_is_asked_for_more_than_once(capsys: pytest.CaptureFixture[str]) -> None:
    transport = FakeTransport(entering=[TransportError("could not enter raw repl"), None])
    SerialBoard(transport, "P").run("pass")
    assert transport.in_raw_repl and capsys.readouterr().out == ""


def test_a_board_without_a_prompt_is_told_by_what_it_says() -> None:
    problem = refused(FakeTransport(entering=[TransportError("no")] * 5))
    assert "starts over and over" in problem.message


def test_a_file_goes_in_pieces_and_the_boards_own_hash_comes_back() -> None:
    transport = FakeTransport([(b"", b"")] * 4 + [(b"abc\r\n", b"")])
    pieces: list[int] = []
    assert SerialBoard(transport, "P").put("/a", b"x" * (2 * PIECE_BYTES + 1), pieces.append) == "abc"
    assert pieces == [PIECE_BYTES, PIECE_BYTES, 1]
    assert [code.count("open('/a','wb')") for code in transport.ran] == [0, 1, 0, 0, 0]


def test_an_answer_that_is_none_is_told() -> None:
    with pytest.raises(OperatorError, match="does not answer as MicroPython"):
        SerialBoard(FakeTransport([(b"", b""), (b"hello", b"")]), "P").facts()


def test_closing_a_port_that_is_gone_is_no_error() -> None:
    transport = FakeTransport()
    with SerialBoard(transport, "P"):
        pass
    assert transport.port.closed


def test_a_board_that_was_asked_nothing_is_not_reset() -> None:
    transport = FakeTransport()
    board = SerialBoard(transport, "P")
    board.restart()
    assert transport.ran == []
    board.run("pass")
    board.restart()
    assert transport.ran[-1] == on_board.RESET


def test_a_board_that_was_left_in_the_middle_is_asked_anew_and_one_that_is_silent_is_left() -> None:
    transport = FakeTransport([(b"", b""), KeyboardInterrupt()], entering=[None, None])
    board = SerialBoard(transport, "P")
    with pytest.raises(KeyboardInterrupt):
        board.run("pass")
    board.restart()
    assert transport.entering == [] and transport.ran[-1] == on_board.RESET
    silent = FakeTransport([TransportError("no")])
    refused(silent)
    SerialBoard(silent, "P").restart()
    assert on_board.RESET not in silent.ran


def test_lines_come_whole_however_they_arrive_and_the_end_is_told() -> None:
    transport = FakeTransport()
    transport.serial = FakePort(b"one\r\ntw\xffo\nrest", OSError(5, "gone"))
    lines: list[bytes] = []
    with pytest.raises(OperatorError, match="was lost"):
        for line in SerialBoard(transport, "P").follow():
            lines.append(line)
    assert lines == [b"one", b"tw\xffo"]


def test_ports_that_cannot_be_opened(tmp_path: object) -> None:
    for path, said in (
        (f"{tmp_path}/none", "no port"),
        (os.devnull, "no serial port"),
        (str(tmp_path), "no serial port"),
    ):
        with pytest.raises(OperatorError, match=said):
            SerialBoard.open(path)


def test_a_port_that_another_program_has() -> None:
    ours, theirs = os.openpty()
    path = os.ttyname(theirs)
    try:
        with SerialBoard.open(path), pytest.raises(OperatorError, match="in use by another program"):
            SerialBoard.open(path)
    finally:
        os.close(ours)
        os.close(theirs)


def test_what_is_not_installed_is_named() -> None:
    with pytest.raises(OperatorError, match="nothing_of_the_kind is not installed"):
        require("nothing_of_the_kind")

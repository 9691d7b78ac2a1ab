"""Events out of whatever a board says, over a port that comes and goes."""

from collections.abc import Iterator
from itertools import islice

import pytest

from tincall.errors import OperatorError
from tincall.workbench import monitor


@pytest.mark.parametrize(
    ("line", "name", "level", "field"),
    [
        (b'{"ev": "call", "state": "ringing", "ms": 5}', "call", "info", ("state", "ringing")),
        (b'{"ev": "error", "step": "link"}', "error", "error", ("step", "link")),
        (b'{"ev": "waiting", "source": "x", "t_ns": 1}', "waiting", "warning", ("source", "firmware")),
        (b"rst:0x1 \xff", "text", "info", ("line", "rst:0x1 \ufffd")),
        (b"Traceback (most recent call last):", "text", "error", ("t_ns", 7)),
        (b"[1]", "text", "info", ("line", "[1]")),
        (b'{"ev": 5}', "text", "info", ("line", '{"ev": 5}')),
    ],
)
def test_an_event_of_a_line(line: bytes, name: str, level: str, field: tuple[str, object]) -> None:
    found = monitor.event(line, 7)
    assert (found["ev"], found["level"], found["t_ns"]) == (name, level, 7)
    assert found[field[0]] == field[1]


class Board:
    """A board whose cable is pulled after some lines."""

    def __init__(self, *lines: bytes) -> None:
        self.lines = lines

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def follow(self) -> Iterator[bytes]:
        yield from self.lines
        raise OperatorError("lost", "")


def test_a_port_that_comes_and_goes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = OperatorError("in use", "")
    coming = [Board(b'{"ev": "boot"}', b"", b"hello"), busy, busy, OperatorError("none", ""), Board(b"back")]
    slept: list[float] = []

    def opened(path: str, baud: int) -> Board:
        one = coming.pop(0)
        if isinstance(one, OperatorError):
            raise one
        return one

    monkeypatch.setattr(monitor.SerialBoard, "open", opened)
    events = islice(monitor.listen("P", sleep=slept.append), 8)
    assert [(one["source"], one["ev"], one.get("why", one.get("line", ""))) for one in events] == [
        ("port", "open", ""),
        ("firmware", "boot", ""),
        ("firmware", "text", "hello"),
        ("port", "lost", "lost"),
        ("port", "waiting", "in use"),
        ("port", "waiting", "none"),
        ("port", "open", ""),
        ("firmware", "text", "back"),
    ]
    assert slept == [monitor.RETRY_S] * 4


def test_a_port_that_is_not_there_at_first_is_an_error(tmp_path: object) -> None:
    with pytest.raises(OperatorError, match="no port"):
        next(monitor.listen(f"{tmp_path}/none"))

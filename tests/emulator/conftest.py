"""Runs small programs on the emulated board, on each interpreter, and hands over what they said."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tincall.emulator.child import Program
from tincall.emulator.interpreters import BOARDS, find
from tincall.emulator.runner import Options, Outcome, emulate
from tincall.errors import OperatorError

Said = dict[str, Any]


class Bench:
    """An emulated board and what happened on it.

    Args:
        folder: a folder of its own.
        board: `unix`, `unix32` or `cpython`.

    Attributes:
        events: everything that happened, in order.
        outcome: how the last run ended.
    """

    def __init__(self, folder: Path, board: str) -> None:
        self.folder = folder
        self.board = board
        self.events: list[Said] = []
        self.outcome = Outcome()

    def options(self, source: str, **more: Any) -> Options:
        """Give options that run a program."""
        main = self.folder / "source" / "main.py"
        main.parent.mkdir(exist_ok=True)
        main.write_text(PREFACE + source)
        return Options(self.folder / "board", Program(self.board, main), handle_signals=False, **more)

    def run(self, source: str, **more: Any) -> list[Said]:
        """Run a program to its end; gives what it said by `say(name, value)`, and fails when it crashed."""
        self.events.clear()
        self.outcome = emulate(self.options(source, **more), self.events.append)
        assert self.outcome.status == 0, "\n".join(self.outcome.text)
        return self.said()

    def said(self) -> list[Said]:
        """Give what the firmware said."""
        return [event for event in self.events if event["source"] == "firmware" and event["ev"] != "text"]

    def results(self, source: str, **more: Any) -> dict[str, Any]:
        """Run a program; gives the last value said under each name."""
        return {event["ev"]: event["value"] for event in self.run(source, **more)}


PREFACE = """\
import json, time
def say(name, value=None):
    print(json.dumps({"ev": name, "value": value}))
def kind_of(call, *args):
    try:
        call(*args)
    except Exception as error:
        return type(error).__name__
"""


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest) -> str:
    """Name a board, each in turn; those whose interpreter is not here are skipped."""
    try:
        find(request.param)
    except OperatorError as error:
        pytest.skip(error.message)
    return str(request.param)


@pytest.fixture
def bench(tmp_path: Path, board: str) -> Bench:
    """Give a board on each interpreter in turn."""
    return Bench(tmp_path, board)


@pytest.fixture
def quick(tmp_path: Path) -> Bench:
    """Give a board on CPython, for what no interpreter has a say in."""
    return Bench(tmp_path, "cpython")


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[], list[Said]]:
    """Read the log of the board."""
    return lambda: [json.loads(line) for line in (tmp_path / "board" / "board.log").read_text().splitlines()]

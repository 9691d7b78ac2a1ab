"""A journey in steps: what each of them was found to be and what became of it, for a person who looks on and for a program.

A step is done when it was found to be so, or was made so; nothing of this is kept, so the next journey finds out for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from tincall.errors import OperatorError

# it was so; it was made so; it is not so; it was tried and failed
DONE = "done"
MADE = "made"
OPEN = "open"
FAILED = "failed"
MARKS = {DONE: "✓", MADE: "✓", OPEN: "·", FAILED: "✗"}
_WAS_SO = "was so"


@dataclass(frozen=True)
class Step:
    """One step.

    Args:
        name: what it is called.
        state: DONE, MADE, OPEN or FAILED.
        said: in particular.
    """

    name: str
    state: str
    said: str

    @property
    def line(self) -> str:
        """Write it for a person."""
        was = f" ({_WAS_SO})" if self.state == DONE else ""
        return f"{MARKS[self.state]} {self.name:11} {self.said}{was}"


class Journey:
    """The steps so far.

    Args:
        show: is called with each step when it is known.
    """

    def __init__(self, show: Callable[[Step], object] = lambda step: None) -> None:
        self.steps: list[Step] = []
        self._show = show

    def add(self, name: str, state: str, said: str) -> None:
        """Note a step; one of the same name is not what it was any more."""
        step = Step(name, state, said)
        self.steps = [one for one in self.steps if one.name != name] + [step]
        self._show(step)

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        """Note that a step failed if the block does."""
        try:
            yield
        except OperatorError as problem:
            self.add(name, FAILED, problem.message)
            raise

    @property
    def is_done(self) -> bool:
        """Tell whether every step is."""
        return all(step.state in (DONE, MADE) for step in self.steps)

    @property
    def has_changed(self) -> bool:
        """Tell whether a step was made so."""
        return any(step.state == MADE for step in self.steps)

    def document(self) -> list[dict[str, Any]]:
        """Give the steps for `--json`."""
        return [asdict(step) for step in self.steps]

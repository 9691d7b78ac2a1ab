"""What a check found, and walking checks in their order: one that needs what an earlier one found wrong is not tried.

The order is such that the first wrong one is the cause, as far as it can be told; what is judged is in the checks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from tincall.errors import OperatorError

OK = "ok"
NOTE = "note"
WRONG = "wrong"
NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Args:
        state: `OK`, `NOTE`, `WRONG` or `NOT_TRIED`.
        said: what is, in one sentence, without secrets.
        todo: what to do; empty where nothing needs to be done.
        figures: what was measured, for programs.
    """

    state: str
    said: str
    todo: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One thing to look at.

    Args:
        name: what is looked at, in a word or two.
        look: looks; an `OperatorError` is what is wrong and what to do.
        needs: names of earlier checks of the same group, without which there is nothing to look at.
    """

    name: str
    look: Callable[[], Finding]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """A finding with the check it came from."""

    group: str
    name: str
    finding: Finding

    def document(self) -> dict[str, Any]:
        """Give it for `--json`."""
        return {"group": self.group, "name": self.name, **asdict(self.finding)}


class Round:
    """Takes checks one after the other, and keeps what they found.

    Args:
        began: called with group and name of a check before it looks.
        done: called with each result at once.

    Attributes:
        results: what was found, in order.
    """

    def __init__(self, began: Callable[[str, str], object], done: Callable[[Result], object]) -> None:
        self.results: list[Result] = []
        self._began = began
        self._done = done

    def walk(self, group: str, checks: list[Check]) -> None:
        """Take the checks of a group, in their order."""
        blocked: set[str] = set()
        for check in checks:
            missing = [name for name in check.needs if name in blocked]
            if missing:
                finding = Finding(NOT_TRIED, f"It takes what `{missing[0]}` looks at.")
            else:
                self._began(group, check.name)
                finding = _looked(check)
            if finding.state in (WRONG, NOT_TRIED):
                blocked.add(check.name)
            self.add(Result(group, check.name, finding))

    def add(self, result: Result) -> None:
        """Take a result that was found elsewhere."""
        self.results.append(result)
        self._done(result)

    @property
    def wrong(self) -> list[Result]:
        """Give what is wrong, the cause first."""
        return [one for one in self.results if one.finding.state == WRONG]


def _looked(check: Check) -> Finding:
    try:
        return check.look()
    except OperatorError as problem:
        return Finding(WRONG, sentence(problem.message), problem.hint)


def sentence(text: str) -> str:
    """Begin with a capital letter, unless it begins with a path, and end with a full stop."""
    text = text.strip().rstrip(".")
    return text[:1].upper() + text[1:] + "." if text else ""

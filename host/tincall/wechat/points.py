"""Named points in the handling of a push: where a test pulls the plug. In a running relay nothing happens at any of them.

The order is that of the names. Whoever passes a point says so by `reached`; what that does is one function, which tests
replace before the relay is built.
"""

from collections.abc import Callable

BEFORE_COMMIT = "before commit"
AFTER_COMMIT = "after commit"
BEFORE_ANSWER = "before answer"
AFTER_ANSWER = "after answer"
BEFORE_WORKER = "before worker start"
POINTS = (BEFORE_COMMIT, AFTER_COMMIT, BEFORE_ANSWER, AFTER_ANSWER, BEFORE_WORKER)


def _nothing(point: str) -> None:
    """Go on."""


hook: Callable[[str], None] = _nothing


def reached(point: str) -> None:
    """Pass a point."""
    hook(point)

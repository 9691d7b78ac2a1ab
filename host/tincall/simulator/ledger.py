"""What happened at the simulated platform, in order: calls, pushes, rooms, and remarks about what a relay did wrong.

Facts hold no secrets. The list is bounded: the oldest facts go first, remarks are kept apart so that they stay.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from tincall.clock import Clock

# a run of all scenarios leaves some hundreds
FACTS_MAX = 4096
REMARKS_MAX = 256


class Ledger:
    """The simulated platform's memory.

    Args:
        clock: gives each fact its time.

    Attributes:
        facts: each a dictionary with `at_ms` (unix time), `kind` and what belongs to the kind.
        remarks: rules of the platform that the relay broke, which it might have forgiven.
    """

    def __init__(self, clock: Clock) -> None:
        self.facts: deque[dict[str, Any]] = deque(maxlen=FACTS_MAX)
        self.remarks: deque[dict[str, Any]] = deque(maxlen=REMARKS_MAX)
        self._clock = clock

    def note(self, kind: str, **what: Any) -> None:
        """Write a fact down."""
        self.facts.append({"at_ms": self._clock.unix_ms(), "kind": kind, **what})

    def remark(self, rule: str, **what: Any) -> None:
        """Write down that a rule was broken.

        Args:
            rule: one word for the rule; docs/simulator.md lists them.
            what: details.
        """
        self.remarks.append({"at_ms": self._clock.unix_ms(), "rule": rule, **what})
        self.note("remark", rule=rule, **what)

    def of(self, kind: str, **like: Any) -> list[dict[str, Any]]:
        """Give the facts of a kind whose fields equal those of `like`."""
        return [
            fact
            for fact in self.facts
            if fact["kind"] == kind and all(fact.get(key) == value for key, value in like.items())
        ]

"""Which program is the room end, and what it is told before any call: one JSON object, from a file or an argument.

    {"command": ["/path/to/tincall-room-end"], "appid": "wx...", "flavor": 0}
    {"command": "simulator", "appid": "wx...", "url": "http://127.0.0.1:8000"}

Nothing in it is secret: it may stand in the arguments of a process. What is, comes with each call through pipes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tincall.errors import OperatorError
from tincall.worker.room_process import RoomLimits

# room ends that come with tincall, by name
NAMED = {"simulator": [sys.executable, "-m", "tincall.simulator.room_end"]}
# what a program of one's own may take, the longest of `host/native` and a little more: its library speaks to the platform over
# the internet while it opens (INIT_MS), joins (JOIN_MS), and hangs up what it has just joined (LATE_JOIN_MS, HANGUP_MS), and
# an alarm of its own ends it (LEAVE_S)
NATIVE = RoomLimits(ready_s=21.0, join_s=16.0, closed_s=5.0, grace_s=4.0)


class RoomPlan(BaseModel):
    """A room end to be started.

    Attributes:
        command: program and arguments, or a name of `NAMED`.
        appid: of the mini program; may be empty if every call brings it.
        model_id: of the boards; may be empty if every call brings it.
        flavor: version of the mini program: 0 release, 1 develop, 2 trial.
        url: where the simulator is; only for its own room end.
        ready_s: see `RoomLimits`, as for the next three; None: as long as that kind of room end needs.
        join_s: from the join to the first status.
        closed_s: from the wish to end to the end, hanging up included. The relay waits a little longer for the report.
        grace_s: what the process may take beyond that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: list[str] | str = Field(min_length=1)
    appid: str = Field(default="", max_length=128)
    model_id: str = Field(default="", max_length=128)
    flavor: int = Field(default=0, ge=0, le=2)
    url: str = Field(default="", max_length=1024)
    ready_s: float | None = Field(default=None, gt=0, le=60)
    join_s: float | None = Field(default=None, gt=0, le=60)
    closed_s: float | None = Field(default=None, gt=0, le=60)
    grace_s: float | None = Field(default=None, gt=0, le=60)

    @classmethod
    def read(cls, text: str) -> RoomPlan:
        """Read a plan.

        Args:
            text: the JSON itself, the name of a file with it, or a name of `NAMED` for that one with nothing else set.

        Raises:
            OperatorError: there is no such file, or it does not hold a plan.
        """
        place = "the room end's settings"
        if text in NAMED:
            return cls(command=text)
        try:
            if not text.lstrip().startswith("{"):
                place = text
                text = Path(text).read_text("utf-8")
            plan = cls.model_validate(json.loads(text))
        except OSError as error:
            raise OperatorError(f"{place} cannot be read: {error.strerror}", hint=_HINT) from None
        except ValidationError as error:
            first = error.errors()[0]
            raise OperatorError(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg']}", hint=_HINT) from None
        except ValueError:
            raise OperatorError(f"{place}: that is not JSON", hint=_HINT) from None
        if isinstance(plan.command, str) and plan.command not in NAMED:
            raise OperatorError(f"{place}: no room end is called {plan.command!r}", hint=_HINT)
        return plan

    @property
    def arguments(self) -> list[str]:
        """The program and its arguments."""
        return NAMED[self.command] if isinstance(self.command, str) else self.command

    @property
    def opening(self) -> dict[str, Any]:
        """What the room end is told at first; see `tincall.worker.room`."""
        fields: dict[str, Any] = {"appid": self.appid, "model_id": self.model_id, "sn": "", "flavor": self.flavor}
        return {**fields, "url": self.url} if self.url else fields

    @property
    def limits(self) -> RoomLimits:
        """How long it may take, by its kind where the plan does not say."""
        own = {name: getattr(self, name) for name in ("ready_s", "join_s", "closed_s", "grace_s")}
        named = {name: seconds for name, seconds in own.items() if seconds is not None}
        return replace(RoomLimits() if isinstance(self.command, str) else NATIVE, **named)

    def worker_command(self) -> list[str]:
        """Give the command of a worker with this room end, for a `Supervisor`."""
        text = self.model_dump_json(exclude_defaults=True)
        return [sys.executable, "-m", "tincall.wechat.worker", "--room-end", text]


_HINT = (
    f'Give a JSON file such as {{"command": ["/path/to/tincall-room-end"], "appid": "wx..."}}, or {", ".join(NAMED)}.'
)

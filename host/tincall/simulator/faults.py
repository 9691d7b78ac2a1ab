"""The fault plan: what the next answers of an API are instead of the true ones; no I/O."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# as a person writes a scenario; more is a mistake
FAULTS_MAX = 256


class Fault(BaseModel):
    """One entry of the plan.

    Attributes:
        api: path of the API, such as `/wxa/business/iot/voip/call`.
        number: the `errcode` that is answered; 0: the true answer, for a fault that only delays. 40001, 40014 and 42001
            on an API that takes an access token also kill that token.
        times: how many answers.
        after: how many true answers come before.
        delay_ms: how long the answer takes.
        kind: `number` answers in form; `http` answers with status `http_status` and a page that is not JSON; `drop` closes
            the connection without an answer; `lost_answer` does what was asked and then closes it; `garbage` answers 200
            with half a JSON document.
        http_status: for `http`.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    api: Annotated[str, Field(pattern=r"^/[A-Za-z0-9_/.-]{1,127}$")]
    number: int = 0
    times: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    after: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    delay_ms: Annotated[int, Field(ge=0, le=600_000)] = 0
    kind: Literal["number", "http", "drop", "lost_answer", "garbage"] = "number"
    http_status: Annotated[int, Field(ge=300, le=599)] = 502


class FaultPlan:
    """Faults that are still to happen, per API in the order they were planned."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Plan a fault.

        Raises:
            ValueError: there are `FAULTS_MAX`.
        """
        if len(self._faults) >= FAULTS_MAX:
            raise ValueError(f"there are {FAULTS_MAX} faults in the plan")
        self._faults.append(fault.model_copy())

    def clear(self) -> None:
        """Forget the plan."""
        self._faults.clear()

    def take(self, api: str) -> Fault | None:
        """Take what happens to the answer that is due now."""
        fault = next((one for one in self._faults if one.api == api), None)
        if fault is None:
            return None
        if fault.after:
            fault.after -= 1
            return None
        fault.times -= 1
        if not fault.times:
            self._faults.remove(fault)
        return fault

    def left(self) -> list[Fault]:
        """Give what is still to happen."""
        return list(self._faults)

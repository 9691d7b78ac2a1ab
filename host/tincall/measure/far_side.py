"""The phone's side of a rehearsed call: through the platform's whole contract, or scripted beside the relay.

Both play the same phone from the same script, so a call differs only in the way it takes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Protocol

from tincall.measure.platform import Person, Platform
from tincall.measure.stage import Stage, wait_until

PHONE_S = 15.0


class Operator(Protocol):
    """The relay's API for operators."""

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for something; gives the answer."""
        ...


class FarSide(ABC):
    """The side of the phone.

    Args:
        stage: holds its processes.
        phones: file of the phone's script.
        phone: the script's id.
    """

    words = ""  # what is started, for people

    def __init__(self, stage: Stage, phones: Path, phone: str) -> None:
        self.stage = stage
        self.phones = phones
        self.phone = phone

    @abstractmethod
    def set_up(self, data: Path) -> tuple[list[str | Path], dict[str, str]]:
        """Prepare what a relay with this data folder needs; gives arguments and environment of its start."""

    @abstractmethod
    def meet(self, operator: Operator, ready: dict[str, Any], sn: str) -> None:
        """Let the phone and an enrolled board know each other.

        Args:
            operator: of the relay.
            ready: what the relay said.
            sn: serial number.
        """

    @abstractmethod
    def call(self, operator: Operator, sn: str) -> None:
        """Let the phone call the board."""

    @abstractmethod
    def told(self, record: dict[str, Any]) -> dict[str, Any]:
        """Give the record of a call that is over, with what the phone heard and when it spoke: `heard`, `clip_t0_ns`."""

    @abstractmethod
    def close(self) -> None:
        """End connections; the stage ends the processes."""


class Scripted(FarSide):
    """A phone in the relay's own worker."""

    words = "the relay, with a phone in a process of its own"

    def set_up(self, data: Path) -> tuple[list[str | Path], dict[str, str]]:
        """See `FarSide.set_up`."""
        return ["--phones", self.phones], {}

    def meet(self, operator: Operator, ready: dict[str, Any], sn: str) -> None:
        """Do nothing: every board may call scripted phones."""

    def call(self, operator: Operator, sn: str) -> None:
        """See `FarSide.call`."""
        operator.post("/v1/calls", {"sn": sn, "phone": self.phone})

    def told(self, record: dict[str, Any]) -> dict[str, Any]:
        """Give the record as it is: the worker is the phone."""
        return record

    def close(self) -> None:
        """Do nothing: there are no connections."""


class ThroughPlatform(FarSide):
    """A phone beyond the simulated platform, and a person at it with the mini program."""

    words = "the relay, and the simulated platform with the phone"

    def __init__(self, stage: Stage, phones: Path, phone: str) -> None:
        super().__init__(stage, phones, phone)
        self._platform: Platform | None = None
        self._person: Person | None = None
        self._data = phones.parent

    @property
    def platform(self) -> Platform:
        """The simulator, once `set_up` has been called."""
        assert self._platform is not None
        return self._platform

    def set_up(self, data: Path) -> tuple[list[str | Path], dict[str, str]]:
        """See `FarSide.set_up`."""
        self._data = data
        place = self.phones.with_name("platform")
        self._platform = Platform(self.stage, place, data / "ca.pem", ["--phones", self.phones])
        # what room ends need for a while goes where all the rest of the rehearsal is
        temporary = self.phones.with_name("tmp")
        temporary.mkdir()
        return [], {**self._platform.set_up(data), "TMPDIR": str(temporary)}

    def meet(self, operator: Operator, ready: dict[str, Any], sn: str) -> None:
        """Enter the push URL into the console, invite the person, and let them come and agree to be called."""
        self.platform.push_to(ready["web_port"])
        invite = operator.post(f"/v1/devices/{sn}/invites", {})["invite"]
        self._person = Person(self.platform, self.phone, self._data, ready["web_port"])
        self._person.bind(invite, self.phone.title())
        self._person.consent(sn)

    def call(self, operator: Operator, sn: str) -> None:
        """See `FarSide.call`."""
        assert self._person is not None
        self._person.call(sn)

    def told(self, record: dict[str, Any]) -> dict[str, Any]:
        """See `FarSide.told`; the phone finishes its recording when it hears of the end."""
        figures = wait_until(self.stage, "what the phone heard", PHONE_S, lambda: self.platform.phone_figures() or None)
        heard = {name: figures[-1][name] for name in ("heard", "clip_t0_ns") if name in figures[-1]}
        return {**record, "worker_report": {**record["worker_report"], **heard}}

    def close(self) -> None:
        """See `FarSide.close`."""
        if self._person is not None:
            self._person.close()
        if self._platform is not None:
            self._platform.close()

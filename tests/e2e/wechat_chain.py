"""The chain through the platform for tests: simulator, relay and board as processes, and a person with the mini program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from chain import EVENT_S, FREE_PORTS, MARK, START_S, Board, tincall

from tincall.cli.client import Client
from tincall.measure.platform import Person, Platform
from tincall.measure.rehearsal import Watch
from tincall.measure.stage import Actor, Stage, wait_until

SN = "WX-0001"


class Chain:
    """All of it.

    Args:
        stage: holds the processes.
        folder: for everything.
        phones: TOML of the scripted phones; the first is the person's.
        arguments: further ones of `tincall simulate`.
        settings: of the relay, such as TINCALL__CALL__RING_MS.

    Attributes:
        platform: the simulator.
        relay: the relay's process.
        ready: what the relay said.
        person: who has the mini program; after `enrol`.
    """

    def __init__(self, stage: Stage, folder: Path, phones: str, *arguments: str, **settings: str) -> None:
        self.stage = stage
        self.folder = folder
        self.data = folder / "data"
        self.board_folder = folder / "board"
        script = folder / "phones.toml"
        script.write_text(phones)
        assert tincall("init", "--data", self.data).status == 0
        self.platform = Platform(stage, folder / "platform", self.data / "ca.pem", ["--phones", script, *arguments])
        self._settings = {**FREE_PORTS, MARK: str(folder), **self.platform.set_up(self.data), **settings}
        self.relay: Actor
        self.ready: dict[str, Any] = {}
        self.person: Person | None = None
        self.start()
        self.platform.push_to(self.ready["web_port"])

    def start(self, **settings: str) -> None:
        """Start the relay, on the ports it had if it had any."""
        ports = {}
        if self.ready:
            ports = {f"TINCALL__{name.upper()}__PORT": str(self.ready[f"{name}_port"]) for name in ("device", "web")}
        self.relay = self.stage.start(
            "relay", "relay", "--data", self.data, "--json", **{**self._settings, **ports, **settings}
        )
        self.ready = self.relay.document(START_S)

    def enrol(self, openid: str = "alice") -> None:
        """Enrol the board, and let the person come to it and agree to be called."""
        done = tincall("enrol", "--sn", SN, "--board", self.board_folder, "--json", "--data", self.data)
        assert done.document()["sn"] == SN
        with closing(Client(self.data)) as operator:
            invite = operator.post(f"/v1/devices/{SN}/invites", {})["invite"]
        self.person = Person(self.platform, openid, self.data, self.ready["web_port"])
        self.person.bind(invite, "Alice")
        self.person.consent(SN)

    @contextmanager
    def board(self, interpreter: str) -> Iterator[Board]:
        """Run the board inside the `with` block."""
        arguments = ["--folder", str(self.board_folder), "--board", interpreter, "--json"]
        actor = self.stage.start("board", "emulate", *arguments)
        try:
            with Watch(self.board_folder, START_S) as watch:
                board = Board(self, SN, self.board_folder, actor, watch)  # type: ignore[arg-type]
                board.wait("online", START_S)
                yield board
        finally:
            self.stage.stop(actor)

    def records(self) -> list[dict[str, Any]]:
        """Give the relay's call records, newest first."""
        with closing(Client(self.data)) as operator:
            return list(operator.get("/v1/calls")["calls"])

    def ended(self, count: int = 1, seconds: float = EVENT_S) -> list[dict[str, Any]]:
        """Wait until so many calls are over and none goes on; gives their records."""

        def look() -> tuple[list[dict[str, Any]]] | None:
            found = self.records()
            return (found,) if len(found) >= count and all(one["state"] == "ended" for one in found) else None

        return list(wait_until(self.stage, f"the end of {count} calls", seconds, look)[0])

    def silent(self, seconds: float = EVENT_S) -> dict[str, Any]:
        """Wait until nothing goes on at the platform: no phone rings and no push is under way; gives the ledger."""

        def look() -> dict[str, Any] | None:
            ledger = self.platform.ledger()
            return ledger if ledger["live"] == 0 else None

        return dict(wait_until(self.stage, "silence at the platform", seconds, look))

    def log(self) -> str:
        """Give what the relay has logged since it was started last."""
        return (self.folder / "relay.log").read_text()

    def close(self) -> None:
        """End connections."""
        if self.person is not None:
            self.person.close()
        self.platform.close()

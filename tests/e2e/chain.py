"""The whole chain for tests: a relay with given phones, boards on it, and every command as a process of its own.

Rules of this file: nothing is called that a person could not type, except for reading what a board tells and the records.
What runs on is a process of its own; a command that asks a relay and ends, `asked`, runs in here, whose modules are loaded;
enrolling, with which nearly every test begins, is the command's own function. A relay's data folder is a copy of one that was
made by `tincall init`. Every process carries a mark in its environment or stands in the test's folder, so that `left_running`
finds what was forgotten.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import commands
import pytest

from tincall.cli import enrol
from tincall.cli.client import Client
from tincall.fates import fates
from tincall.measure.rehearsal import Watch, complete
from tincall.measure.stage import Actor, Stage, wait_until

# long enough for a machine that is busy with other tests; nothing waits that long when all is well
START_S = 60.0
EVENT_S = 30.0
COMMAND_S = 60.0
FREE_PORTS = {"TINCALL__DEVICE__PORT": "0", "TINCALL__WEB__PORT": "0"}
MARK = "TINCALL_TEST_CHAIN"  # two underscores would make it a setting

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Done:
    """What a command left.

    Args:
        status: exit status.
        out: standard output.
        err: standard error output.
    """

    status: int
    out: str
    err: str

    def document(self) -> dict[str, Any]:
        """Read the one JSON document of a command that went well."""
        assert self.status == 0, self.err
        assert self.out.count("\n") == 1, self.out
        found: dict[str, Any] = json.loads(self.out)
        return found

    def complaint(self) -> str:
        """Give the one sentence and the hint of a command that failed as it should."""
        assert self.status in (1, 2), (self.status, self.out, self.err)
        assert "Traceback" not in self.err + self.out, self.err
        said = re.findall(r"^tincall: .*(?:\n {9}.*)*", self.err, re.MULTILINE)
        assert len(said) == 1, self.err
        return str(said[0])


def tincall(*arguments: object, timeout_s: float = COMMAND_S, cwd: Path | None = None, **environment: str) -> Done:
    """Run a command to its end in a process of its own.

    Args:
        arguments: what a person types after `tincall`.
        timeout_s: when to lose patience, which fails the test.
        cwd: where; here if not given.
        environment: further variables.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tincall", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def asked(*arguments: object, cwd: Path | None = None, **environment: str) -> Done:
    """Run a command that soon ends within this process; arguments and result as of `tincall`."""
    with chdir(cwd or Path.cwd()), pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        done = commands.tincall(*arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception  # a person would see a traceback
    return Done(done.exit_code, done.stdout, done.stderr)


@cache
def _made() -> Path:
    """Make a data folder, once; pytest's own place for files is not known here."""
    place = tempfile.TemporaryDirectory(prefix="tincall-made-")
    _PLACES.append(place)  # it goes with this process
    data = Path(place.name) / "data"
    assert tincall("init", "--data", data).status == 0
    return data


_PLACES: list[tempfile.TemporaryDirectory[str]] = []


class Board:
    """A board that runs and is online.

    Args:
        relay: where it is enrolled.
        sn: its serial number.
        folder: its folder.
        actor: its runner.
        watch: what it tells.
    """

    def __init__(self, relay: Relay, sn: str, folder: Path, actor: Actor, watch: Watch) -> None:
        self.sn = sn
        self.folder = folder
        self.actor = actor
        self._relay = relay
        self._watch = watch
        self.press = watch.press
        self.events = watch.events

    def wait(self, name: str, seconds: float = EVENT_S, **fields: Any) -> dict[str, Any]:
        """Wait for an event of that name with these fields, seen already or not."""

        return self.wait_number(1, name, seconds, **fields)

    def wait_number(self, number: int, name: str, seconds: float = EVENT_S, **fields: Any) -> dict[str, Any]:
        """Wait for the event of that kind that is number `number`, from 1."""

        def look() -> dict[str, Any] | None:
            found = [
                event
                for event in self.events()
                if event["ev"] == name and all(event.get(key) == value for key, value in fields.items())
            ]
            return found[number - 1] if len(found) >= number else None

        return dict(wait_until(self._relay.stage, f"{name} {fields} of {self.sn}", seconds, look))

    def wait_call(self, state: str, seconds: float = EVENT_S) -> dict[str, Any]:
        """Wait until its call is in a state."""
        return self.wait("call", seconds, state=state)

    def states(self) -> list[str]:
        """Give the states its calls went through."""
        return [event["state"] for event in self.events() if event["ev"] == "call"]

    def kill(self) -> None:
        """Kill its runner, as a machine that fails does."""
        os.kill(self.actor.pid, signal.SIGKILL)
        self._relay.stage.stop(self.actor)


class Relay:
    """A relay with phones, on free ports.

    Args:
        stage: holds the processes.
        folder: for data folder, boards, logs.
        phones: the scripts, as TOML has them; the first is whom a board's button calls.
        settings: variables such as TINCALL__CALL__RING_MS.

    Attributes:
        data: the data folder.
        ready: what the relay said when it was ready.
    """

    def __init__(self, stage: Stage, folder: Path, phones: list[dict[str, Any]], **settings: str) -> None:
        self.stage = stage
        self.folder = folder
        self.data = folder / "data"
        self._phones = folder / "phones.toml"
        self._settings = {**FREE_PORTS, MARK: str(folder), **settings}
        self._phones.write_text("".join(_phone(phone) for phone in phones))
        shutil.copytree(_made(), self.data)
        self.actor: Actor
        self.ready: dict[str, Any] = {}
        self.start()

    def start(self, **settings: str) -> None:
        """Start it, or start it again."""
        self._settings.update(settings)
        self.actor = self.stage.start(
            "relay", "relay", "--data", self.data, "--phones", self._phones, "--json", **self._settings
        )
        self.ready = self.actor.document(START_S)

    def stop(self) -> int:
        """Stop it; gives its exit status."""
        return self.stage.stop(self.actor)

    def kill(self) -> None:
        """Kill it, as a machine that fails does."""
        os.kill(self.actor.pid, signal.SIGKILL)
        self.stage.stop(self.actor)

    def restart(self) -> None:
        """Start it again on the ports that it had."""
        self.start(TINCALL__DEVICE__PORT=str(self.ready["device_port"]), TINCALL__WEB__PORT=str(self.ready["web_port"]))

    def log(self) -> str:
        """Give what it has logged since it was started last."""
        return (self.folder / "relay.log").read_text()

    def run(self, *arguments: object) -> Done:
        """Run a command that asks this relay."""
        return asked(*arguments, "--data", self.data)

    def enrol(self, sn: str, folder: Path, profile: str = "hmac") -> None:
        """Enrol a board."""
        enrol.enrol(sn=sn, board=folder, data=self.data, profile=enrol.Profile(profile))

    @contextmanager
    def board(self, interpreter: str, *more: object, online: bool = True, profile: str = "hmac") -> Iterator[Board]:
        """Enrol a new board and run it inside the `with` block.

        Args:
            interpreter: `unix`, `unix32` or `cpython`.
            more: further arguments of `emulate`.
            online: wait until it is.
            profile: `hmac` or `mtls`.
        """
        sn = f"E2E-{interpreter}-{next(_numbers)}"
        folder = self.folder / sn
        self.enrol(sn, folder, profile)
        with self.running(sn, folder, interpreter, *more, online=online) as board:
            yield board
        shutil.rmtree(folder)

    @contextmanager
    def running(self, sn: str, folder: Path, interpreter: str, *more: object, online: bool = True) -> Iterator[Board]:
        """Run an enrolled board inside the `with` block; unless the test ended it, its runner must end well."""
        arguments = ["--folder", str(folder), "--board", interpreter, *map(str, more), "--json"]
        actor = self.stage.start(f"board-{sn}", "emulate", *arguments)
        try:
            with Watch(folder, START_S) as watch:
                board = Board(self, sn, folder, actor, watch)
                if online:
                    board.wait("online", START_S)
                yield board
                assert not actor.is_alive() or self.stage.stop(actor) == 0
        finally:
            self.stage.stop(actor)

    def record(self, call_id: str) -> dict[str, Any]:
        """Ask for a call's record, as `tincall calls ID --json` does."""
        with closing(Client(self.data)) as client:
            found = client.get(f"/v1/calls/{call_id}")
        return {**found, "frames": fates(found)}

    def records(self, sn: str) -> list[dict[str, Any]]:
        """List the records of a board, newest first."""
        with closing(Client(self.data)) as client:
            return [one for one in client.get("/v1/calls", limit=1000)["calls"] if one["sn"] == sn]

    def settled(self, sn: str, is_settled: Any = complete, seconds: float = EVENT_S) -> dict[str, Any]:
        """Wait for the one record of a board that made one call; gives it as `tincall calls ID --json` does.

        Args:
            sn: of the board.
            is_settled: takes a record, tells whether it is whole; by default ended, and reported by both ends.
            seconds: how long that may take.
        """

        def look() -> dict[str, Any] | None:
            found = self.records(sn)
            assert len(found) <= 1, found
            return found[0] if found and is_settled(found[0]) else None

        found = wait_until(self.stage, f"the record of {sn}", seconds, look)
        record = self.record(found["call_id"])
        assert record == {**found, "frames": fates(found)}, (record, found)
        return record


# what does not depend on the interpreter is tried on the one most like a chip, and on the others in the long run
on_one_interpreter = pytest.mark.parametrize(
    "interpreter",
    ["unix32", pytest.param("unix", marks=pytest.mark.long), pytest.param("cpython", marks=pytest.mark.long)],
    indirect=True,
)


def with_phones(kind: str) -> Any:
    """Mark a test as one that wants the shared relay with phones of a kind; see conftest.PHONES."""
    return pytest.mark.parametrize("relay", [kind], indirect=True)


def is_ended(record: dict[str, Any]) -> bool:
    """Tell whether a record is closed and written to the end; where nobody answered, a board has no figures."""
    return bool(record["state"] == "ended" and record["worker_report"] is not None)


def assert_accounted(board: Board, record: dict[str, Any]) -> None:
    """Hold every frame of a talk to account, station by station; see docs/architecture.md."""
    figures = board.wait("figures", call=record["call_id"])
    worker, up, down = record["worker_report"], record["up"], record["down"]
    assert up["in"] == up["out"] + up["dropped"], record
    assert down["in"] == down["out"] + down["dropped"], record
    assert (figures["up"]["sent"], worker["received"]) == (up["in"], up["out"]), record
    assert (worker["sent"], figures["down"]["received"]) == (down["in"], down["out"]), record
    assert {**figures["up"], **figures["down"]}.items() <= record["board_stats"].items(), (figures, record)
    # 20 ms a frame; the first and the last few are at the mercy of the set-up and of the end
    spoken = record["duration_ms"] // 20
    for sent in (up["in"], down["in"]):
        assert spoken - 12 <= sent <= spoken + 12, record
    assert (worker["lost"], worker["late"], figures["down"]["lost"], figures["down"]["late"]) == (0, 0, 0, 0), record


def left_running(folder: Path) -> list[str]:
    """List the processes that belong to a folder: by their arguments, their working directory or their environment."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            places = [(process / "cmdline").read_bytes(), (process / "environ").read_bytes()]
            places.append(os.fsencode(os.readlink(process / "cwd")))
        except OSError:  # it has ended
            continue
        if any(os.fsencode(folder) in place for place in places):
            found.append(f"{process.name}: {places[0].decode(errors='replace')}")
    return found


def _phone(script: dict[str, Any]) -> str:
    # JSON's strings and numbers are TOML's too
    return "[[phones]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in script.items())

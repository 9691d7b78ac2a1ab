"""Processes that live as long as a block of code: started, watched, and stopped whatever happens.

Each process leads a group of its own, so that Ctrl-C reaches this program alone, which then stops them in the order that
lets each say goodbye: last started, first stopped. Nothing is left running when the block ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, Queue
from types import FrameType, TracebackType
from typing import Any

from tincall.errors import OperatorError

_STOP_S = 8.0  # a relay ends calls and flushes records; a board says goodbye
_LAST_LINES = 6


class Actor:
    """One process of the stage.

    Args:
        name: what people call it.
        arguments: of `tincall`.
        log: file for its standard error output.
        settings: environment variables on top of this process's own.

    Attributes:
        name: as above.
    """

    def __init__(self, name: str, arguments: list[str], log: Path, settings: dict[str, str]) -> None:
        self.name = name
        self._log = log
        self._documents: Queue[dict[str, Any] | None] = Queue()
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **settings}
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tincall", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def document(self, timeout_s: float) -> dict[str, Any]:
        """Give the next JSON document that it prints.

        Raises:
            OperatorError: it printed none in time, or ended; with its own reason when it gave one.
        """
        try:
            found = self._documents.get(timeout=timeout_s)
        except Empty:
            raise OperatorError(f"the {self.name} was not ready after {timeout_s:g} s", f"See {self._log}.") from None
        if found is None:
            self._process.wait(_STOP_S)
            raise OperatorError(
                f"the {self.name} ended with status {self._process.returncode}: {self._last()}", f"See {self._log}."
            )
        if "error" in found and isinstance(found["error"], dict):
            raise OperatorError(
                f"the {self.name}: {found['error'].get('message')}", str(found["error"].get("hint", ""))
            )
        return found

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.poll() is None

    def stop(self) -> int:
        """Ask it to end, and end it when it does not; gives its exit status, negative for a signal."""
        if self.is_alive():
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                pass
        self._signal(signal.SIGKILL)  # the whole group: whatever it may have left behind
        status = self._process.wait()
        self._reader.join(1)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return status

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass  # it and all its children have ended

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                self._documents.put(found)
        self._documents.put(None)

    def _last(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:]
        return " / ".join(line.strip() for line in lines) or "it said nothing"


class Stage:
    """Holds the processes; use it in a `with` block.

    Args:
        logs: folder for their logs.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._actors: list[Actor] = []
        self._before: Any = None

    def __enter__(self) -> Stage:
        self._before = signal.signal(signal.SIGTERM, _interrupt)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # a second Ctrl-C must not leave half of them running
        handlers = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGTERM)]
        while self._actors:
            self._actors.pop().stop()
        signal.signal(signal.SIGINT, handlers[0][1])
        signal.signal(signal.SIGTERM, self._before)

    def start(self, name: str, *arguments: str | Path, **settings: str) -> Actor:
        """Start `tincall ARGUMENTS`, with further environment variables."""
        actor = Actor(name, [str(argument) for argument in arguments], self._logs / f"{name}.log", settings)
        self._actors.append(actor)
        return actor

    def run(self, name: str, *arguments: str | Path, timeout_s: float = 60.0) -> dict[str, Any]:
        """Run `tincall ARGUMENTS` to its end and give its JSON document."""
        actor = self.start(name, *arguments)
        document = actor.document(timeout_s)
        self._actors.remove(actor)
        actor.stop()
        return document

    def stop(self, actor: Actor) -> int:
        """Stop one before the others; gives its exit status."""
        self._actors.remove(actor)
        return actor.stop()

    def check(self) -> None:
        """Make sure that all still run.

        Raises:
            OperatorError: one has ended.
        """
        for actor in self._actors:
            if not actor.is_alive():
                while True:  # what it printed before it ended comes first; the end itself raises
                    actor.document(1.0)


def wait_until(stage: Stage, what: str, seconds: float, test: Any) -> Any:
    """Ask `test()` again and again until it gives something true, while all actors live.

    Raises:
        OperatorError: not in time, or an actor ended.
    """
    until_s = time.monotonic() + seconds
    while True:
        found = test()
        if found:
            return found
        stage.check()
        if time.monotonic() >= until_s:
            raise OperatorError(f"{what}: not after {seconds:g} s", "A very busy machine may need another try.")
        time.sleep(0.02)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

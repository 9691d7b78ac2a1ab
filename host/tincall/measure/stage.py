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
from collections.abc import Iterator
from contextlib import contextmanager
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
        pid: number of the process.
    """

    def __init__(self, name: str, arguments: list[str], log: Path, settings: dict[str, str]) -> None:
        self.name = name
        self._status: int | None = None
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
        self.pid = self._process.pid
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
        """Ask it to end, and end it when it does not; gives its exit status, negative for a signal.

        Harmless to repeat, and after an interrupt it is to be repeated.
        """
        if self._status is not None:
            return self._status
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
        self._status = status
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
    """Holds the processes; use it in a `with` block, in a program's main thread.

    SIGINT and SIGTERM end the block by KeyboardInterrupt, though never between a process's start and its being known here.

    Args:
        logs: folder for their logs.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._actors: list[Actor] = []
        self._before: dict[int, Any] = {}
        self._is_busy = False
        self._is_interrupted = False

    def __enter__(self) -> Stage:
        self._before = {number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_busy = True  # a second Ctrl-C must not leave half of them running
        while self._actors:
            self._actors[-1].stop()
            self._actors.pop()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._is_interrupted and kind is not KeyboardInterrupt:
            # somebody caught it, or made another exception of it, as `import` does
            raise KeyboardInterrupt from None

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._is_interrupted = True
        if not self._is_busy:
            raise KeyboardInterrupt

    def start(self, name: str, *arguments: str | Path, **settings: str) -> Actor:
        """Start `tincall ARGUMENTS`, with further environment variables."""
        self._is_busy = True
        try:
            actor = Actor(name, [str(argument) for argument in arguments], self._logs / f"{name}.log", settings)
            self._actors.append(actor)
        finally:
            self._is_busy = False
        if self._is_interrupted:
            raise KeyboardInterrupt
        return actor

    def run(self, name: str, *arguments: str | Path, timeout_s: float = 60.0) -> dict[str, Any]:
        """Run `tincall ARGUMENTS` to its end and give its JSON document."""
        actor = self.start(name, *arguments)
        document = actor.document(timeout_s)
        self.stop(actor)
        return document

    def stop(self, actor: Actor) -> int:
        """Stop one before the others, harmless to repeat; gives its exit status."""
        status = actor.stop()
        if actor in self._actors:
            self._actors.remove(actor)
        return status

    def check(self) -> None:
        """Make sure that all still run and nobody wants them to stop.

        Raises:
            OperatorError: one has ended.
            KeyboardInterrupt: a signal came, and its own exception was lost on its way here.
        """
        if self._is_interrupted:
            raise KeyboardInterrupt
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
        try:
            stage.check()
        except OperatorError:
            found = test()  # it may have come about between the question and the end
            if found:
                return found
            raise
        if time.monotonic() >= until_s:
            raise OperatorError(f"{what}: not after {seconds:g} s", "A very busy machine may need another try.")
        time.sleep(0.02)


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that files made for the time being are removed."""
    interrupt = signal.getsignal(signal.SIGINT)  # a shell's background job finds it ignored
    before = signal.signal(signal.SIGTERM, interrupt if callable(interrupt) else signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

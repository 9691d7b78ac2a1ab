"""Runs commands for tests: in this process for what is quick, as a process of its own for the relay."""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner, Result

from tincall.cli import output
from tincall.cli.main import app

PHONES = """
[[phones]]
id = "alice"
name = "Alice"
"""
START_S = 30.0
STOP_S = 20.0


def tincall(*arguments: object, typed: str | None = None) -> Result:
    """Run a command in this process; its outputs are kept apart, and `typed` is on its standard input."""
    output.reset()
    handlers = logging.getLogger().handlers[:]
    try:
        return CliRunner().invoke(app, [str(one) for one in arguments], typed, prog_name="tincall")
    finally:
        output.reset()
        logging.getLogger().handlers[:] = handlers
        structlog.reset_defaults()


def document(result: Result) -> dict[str, Any]:
    """Read the one JSON document that a command printed."""
    lines = result.stdout.splitlines()
    assert len(lines) == 1, result.stdout
    found: dict[str, Any] = json.loads(lines[0])
    return found


class RunningRelay:
    """A relay in a process of its own, on free ports; ready when made.

    Args:
        data: its data folder.
        arguments: further arguments.
        environment: further variables.
    """

    def __init__(self, data: Path, *arguments: object, **environment: str) -> None:
        ports = {"TINCALL__DEVICE__PORT": "0", "TINCALL__WEB__PORT": "0"}
        command = [sys.executable, "-m", "tincall", "relay", "--data", data, "--json", *arguments]
        self.process = subprocess.Popen(
            [str(one) for one in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **ports, **environment},
        )
        self.ready = json.loads(self._line())

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; gives exit status, the rest of the standard output, and what was logged."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=STOP_S)
        return self.process.returncode, out.decode(), err.decode()

    def kill(self) -> None:
        """End it at once if it runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def __enter__(self) -> RunningRelay:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _line(self) -> bytes:
        """Read the ready line; fails with what was logged when there is none in time."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            if waiting.select(START_S):
                line = self.process.stdout.readline()
                if line:
                    return line
        self.process.kill()
        raise AssertionError(self.process.communicate()[1].decode())


def children(pid: int) -> list[int]:
    """List the processes that a process started and that still run."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(one) for one in (task / "children").read_text().split()]
    return found


def is_gone(pid: int, within_s: float = 5.0) -> bool:
    """Tell whether a process ends within a time."""
    until_s = time.monotonic() + within_s
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.01)
    return True

"""Runs the unchanged firmware as an emulated board: its process, its hardware, its lives, its end.

The runner is the analogue world and the power supply. It starts the interpreter with four pipes (microphone, speaker,
pins, events), paces samples, follows the speaker, answers requests, starts the board again when the firmware resets it or its
watchdog runs out, and switches it off when told to. If the runner itself dies, the board finds its pins pipe at the end and
dies too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tincall import wav
from tincall.emulator.child import (
    BOARD,
    CAUSE_POWER_ON,
    CAUSE_RESET,
    CAUSE_WATCHDOG,
    STATUS_RESET,
    Buttons,
    Program,
    Wires,
)
from tincall.emulator.desk import Desk
from tincall.emulator.folder import BoardFolder
from tincall.emulator.journal import Event, Journal, Listener
from tincall.emulator.life import Life
from tincall.emulator.microphone import Microphone
from tincall.emulator.room import Room
from tincall.emulator.speaker import Recording, Speaker
from tincall.emulator.troubles import Troubles
from tincall.errors import STATUS_USAGE, OperatorError

TERMINATE_S = 2.0
# a board that resets itself this often in a row without living a second will not get better
HOPELESS_LIVES = 10
_SHORT_LIFE_S = 1.0
_BETWEEN_LIVES_S = 0.1
RATE_HZ = 16000


@dataclass(frozen=True)
class Options:
    """What to run.

    Args:
        folder: the board's folder.
        program: interpreter and firmware.
        microphone: WAV file that plays each time the microphone opens; None for silence.
        speaker: WAV file for all that the speaker plays; None for no file.
        factory_reset: switch it on with both buttons held, until it says that it has erased what it stored; it ends with that.
        pty: it is a board on a cable (`pty_runner`), with what is wrong with it; None: only the firmware runs.
        room_db: the microphone hears the speaker, by so many dB less loud, and a little noise; None: they are not in one room.
        handle_signals: whether SIGTERM and SIGINT switch the board off; only in a program's main thread.
    """

    folder: Path
    program: Program
    microphone: Path | None = None
    speaker: Path | None = None
    factory_reset: bool = False
    pty: Troubles | None = None
    room_db: float | None = None
    handle_signals: bool = True


@dataclass
class Outcome:
    """How it ended.

    Attributes:
        status: the firmware's last exit status; 0 when the board was switched off.
        lives: times the board was started.
        reason: `switched off`, `ended`, `reset`, `crashed` or `hopeless`.
        text: the last lines the firmware printed that were no events.
        last_error: the firmware's last event named `error`; empty when there was none.
        speaker: what the speaker's JSON file says; empty without one.
        plays: clips the microphone played.
        overruns: blocks that the board did not fetch in time.
        underruns: times the speaker ran empty in the middle.
    """

    status: int = 0
    lives: int = 0
    reason: str = "switched off"
    text: list[str] = field(default_factory=list)
    last_error: dict[str, object] = field(default_factory=dict)
    speaker: dict[str, object] = field(default_factory=dict)
    plays: list[dict[str, object]] = field(default_factory=list)
    overruns: int = 0
    underruns: int = 0


class Runner:
    """One emulated board; `run` it once.

    Args:
        options: what to run.
        listeners: called with every event.

    Raises:
        OperatorError: a file is missing or of the wrong kind, or there is no interpreter.
    """

    def __init__(self, options: Options, *listeners: Listener) -> None:
        self._options = options
        self._folder = BoardFolder(options.folder)
        self._command = options.program.command(on_cable=options.pty is not None)
        clip = wav.load(options.microphone, RATE_HZ) if options.microphone else None
        self._buttons = Buttons.load(BOARD / "board.json")
        room = None if options.room_db is None else Room(options.room_db)
        self.microphone = Microphone(self._tell, clip, str(options.microphone or ""), room)
        self.speaker = Speaker(self._tell, room.hear) if room else Speaker(self._tell)
        self._listeners = listeners
        self._journal: Journal | None = None
        self._life: Life | None = None
        self._lamp = False
        self._holds = options.factory_reset
        self._outcome = Outcome()
        self._stop = asyncio.Event()

    async def run(self) -> Outcome:
        """Run the board until it is switched off or its firmware ends.

        Raises:
            OperatorError: the folder is in use, or a file cannot be written.
        """
        async with contextlib.AsyncExitStack() as ends:
            self._folder.take()
            ends.callback(self._folder.release)
            journal = self._journal = Journal(self._folder.log, *self._listeners)
            ends.callback(journal.close)
            desk = Desk(self._folder, self)
            await desk.open()
            ends.push_async_callback(desk.close)
            if self._options.speaker:
                ends.callback(self._finish, self._start_recording(self._options.speaker))
            journal.listeners.append(lambda event: desk.publish(_line(event)))
            journal.listeners.append(self._let_go)
            self._catch_signals()
            ends.callback(self._settle)
            await self._live()
        return self._outcome

    def press(self, button: str, ms: int) -> None:
        """Hold a button of `board.json` down for `ms`."""
        if button not in self._buttons.pins:
            raise OperatorError(f"the board has no button {button!r}", "It has: " + ", ".join(self._buttons.pins) + ".")
        if not 1 <= ms <= 10000:
            raise OperatorError(f"a button cannot be held for {ms} ms", "1 to 10,000 ms are possible.")
        pin, active = self._buttons.pins[button], self._buttons.active
        life = self._living()
        life.drive(pin, active)
        asyncio.get_running_loop().call_later(ms / 1000, life.drive, pin, 1 - active)
        self._tell("press", {"button": button, "ms": ms})

    def play(self, file: str) -> dict[str, Any]:
        """Play a WAV file into the microphone, now or when it opens."""
        clip = wav.load(file, RATE_HZ)
        return {"started": self.microphone.play(file, clip), "seconds": len(clip) / RATE_HZ}

    def silence(self) -> None:
        """Stop what plays."""
        self.microphone.stop()

    def record(self, file: str) -> Recording:
        """Write what the speaker plays from now on."""
        return self._start_recording(Path(file))

    def stop_recording(self, recording: Recording) -> dict[str, Any]:
        """End a recording and say what is in it."""
        self.speaker.forget(recording)
        return recording.close(
            underruns=self.speaker.underruns,
            lost_samples=self.speaker.lost_samples,
            microphone=self.microphone.plays,
            overruns=self.microphone.overruns,
        )

    def status(self) -> dict[str, Any]:
        """Tell how the board is; see `BoardControl.status`."""
        assert self._journal is not None
        return {
            "board": self._options.program.board,
            "pid": self._life.pid if self._life else 0,
            "lives": self._outcome.lives,
            "lamp": self._lamp,
            "talking": self.microphone.is_open and self.speaker.is_open,
            "mic": {
                "open": self.microphone.is_open,
                "overruns": self.microphone.overruns,
                "plays": self.microphone.plays,
            },
            "speaker": {
                "open": self.speaker.is_open,
                "underruns": self.speaker.underruns,
                "lost_samples": self.speaker.lost_samples,
            },
            "last": self._journal.last,
        }

    def stop(self) -> None:
        """Switch the board off."""
        self._stop.set()

    def unplug(self, keeps_power: bool, after_bytes: int) -> None:
        """Pull the cable; see `PtyRunner`."""
        raise OperatorError("the board is not on a cable", "Start it with --pty.")

    def plug(self) -> None:
        """Put the cable in again; see `PtyRunner`."""
        raise OperatorError("the board is not on a cable", "Start it with --pty.")

    async def _live(self) -> None:
        """Give the board one life after another."""
        cause = CAUSE_POWER_ON
        short = 0
        while True:
            self._outcome.lives += 1
            life = self._life = await self._start(cause)
            status = await life.wait(self._stop, TERMINATE_S)
            self._settle()
            if self._stop.is_set():
                return
            if self._options.factory_reset and not self._holds:
                self._ended(0, "reset")
                return
            if not life.bitten and status != STATUS_RESET:
                self._ended(status)
                return
            cause = CAUSE_WATCHDOG if life.bitten else CAUSE_RESET
            short = short + 1 if life.seconds < _SHORT_LIFE_S else 0
            if short >= HOPELESS_LIVES:
                self._ended(status, "hopeless")
                return
            self._tell("reset", {"cause": "watchdog" if life.bitten else "firmware"})
            await asyncio.sleep(_BETWEEN_LIVES_S)

    def _ended(self, status: int, reason: str = "") -> None:
        assert self._journal is not None
        self._outcome.status = status
        self._outcome.reason = reason or ("crashed" if status else "ended")
        self._outcome.text = list(self._journal.text)
        self._outcome.last_error = self._journal.last.get("error", {})
        self._tell("end", {"status": status, "reason": self._outcome.reason})

    async def _start(self, cause: int) -> Life:
        mic_out, mic_in = os.pipe()
        spk_out, spk_in = os.pipe()
        pins_out, pins_in = os.pipe()
        events_out, events_in = os.pipe()
        if cause == CAUSE_POWER_ON and self._options.program.clock_s is not None:
            self._folder.set_clock(self._options.program.clock_s)
        wires = Wires(mic_out, spk_in, pins_out, events_in)
        ours = (mic_in, spk_out, pins_in, events_out)
        for fd in (*wires.all(), *ours):
            os.set_blocking(fd, False)
        for pin in self._buttons.pins.values():  # before it is switched on: a level is there at once
            os.write(pins_in, bytes((pin, self._buttons.active if self._holds else 1 - self._buttons.active)))
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder.flash,
                env={**self._options.program.environment(self._folder, wires, cause), **self._more_environment()},
                stdin=self._stdin(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=wires.all(),
                umask=0o077,
                # Ctrl-C is for the runner, which then switches the board off in order
                start_new_session=True,
            )
        except BaseException:
            for fd in ours:
                os.close(fd)
            raise
        finally:
            for fd in wires.all():
                os.close(fd)
        self.microphone.attach(mic_in)
        self.speaker.attach()
        life = Life(process, ours, self._printed, self.speaker.feed, self._hardware)
        self._tell("start", {"pid": process.pid, "life": self._outcome.lives, "board": self._options.program.board})
        return life

    def _stdin(self) -> int:
        """Give what the firmware reads as its standard input."""
        return subprocess.DEVNULL

    def _more_environment(self) -> dict[str, str]:
        """Give variables that the child gets beside those of `Program`."""
        return {}

    def _printed(self, data: bytes) -> None:
        """Take what the firmware printed."""
        assert self._journal is not None
        self._journal.feed(data)

    def _let_go(self, event: Event) -> None:
        """Let go of buttons that are held for a factory reset, once the firmware has done it."""
        if self._holds and event["ev"] == "factory_reset":
            self._holds = False
            for pin in self._buttons.pins.values():
                self._living().drive(pin, 1 - self._buttons.active)

    def _hardware(self, event: Event) -> None:
        """Take what the board's hardware told; see `fakes/common`."""
        name = event.pop("ev", "")
        if name == "mic_open":
            self.microphone.open(event["rate_hz"], event["ibuf_bytes"])
        elif name == "mic_close":
            self.microphone.close()
        elif name == "mic_overrun":
            self.microphone.overruns += 1
        elif name == "pin" and event["id"] == self._buttons.lamp:
            self._lamp = event["level"] == self._buttons.lamp_active
            self._tell("lamp", {"lit": self._lamp})
        elif name in ("pin", "wdt"):
            self._tell(name, event)

    def _settle(self) -> None:
        """Bring the outside to rest after a life."""
        assert self._journal is not None
        self._journal.flush()
        self.microphone.close()
        self.speaker.attach()
        if self._lamp:
            self._lamp = False
            self._tell("lamp", {"lit": False})
        self._life = None
        self._outcome.plays = self.microphone.plays
        self._outcome.overruns = self.microphone.overruns
        self._outcome.underruns = self.speaker.underruns

    def _start_recording(self, path: Path) -> Recording:
        recording = Recording(path)
        self.speaker.record(recording)
        return recording

    def _finish(self, recording: Recording) -> None:
        self._outcome.speaker = self.stop_recording(recording)

    def _living(self) -> Life:
        if self._life is None:
            raise OperatorError("the board is between two lives", "Try again in a moment.")
        return self._life

    def _tell(self, name: str, fields: Event) -> None:
        if self._journal is not None:
            source = "board" if name.startswith(("mic", "spk", "lamp", "pin", "wdt")) else "emulator"
            self._journal.add(source, name, fields)

    def _catch_signals(self) -> None:
        if self._options.handle_signals:
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, self._stop.set)


def emulate(options: Options, *listeners: Listener) -> Outcome:
    """Run an emulated board in the foreground until it is switched off or its firmware ends.

    Args:
        options: what to run.
        listeners: called with every event.

    Returns:
        How it ended.

    Raises:
        OperatorError: it cannot be run.
    """

    async def run() -> Outcome:
        if options.pty is not None:
            from tincall.emulator.pty_runner import PtyRunner

            return await PtyRunner(options, *listeners).run()
        return await Runner(options, *listeners).run()

    if not hasattr(os, "fork"):
        raise OperatorError("an emulated board needs a Unix system", "Use Linux or macOS.", STATUS_USAGE)
    return asyncio.run(run())


def _line(event: Event) -> bytes:
    return json.dumps(event, default=str).encode() + b"\n"

"""esptool, run as a program of its own: ask a chip what it is, write its flash, and make sentences of what goes wrong.

Its words are those of version 5; version 4 spells commands with underscores and says some things in other words, which are
understood as well. This is the border to it: nobody else knows its options or reads its output.
"""

import contextlib
import importlib.metadata
import os
import re
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tincall.errors import OperatorError

PROGRAM = (sys.executable, "-u", "-m", "esptool")
# the longest silence: erasing 16 MiB at once takes a slow flash some minutes
_SILENCE_S = 300
_STOP_S = 5
_LINE_END = re.compile(rb"[\r\n]+")
# more than any line of its is not kept
_LINE_BYTES = 4096
_CHIP = re.compile(r"(?:Connected to|Detecting chip type\.\.\.|Chip is) (ESP32(?:-[A-Z]\d+)?)\b")
_FLASH = re.compile(r"Detected flash size: (\d+)([KM])B")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")
_BOOT_HINT = (
    "Hold BOOT, tap RESET (or EN), let BOOT go, and try again at once. Is it a cable with data lines, is nothing else using the"
    " port, and is it the right port?"
)
# words of esptool or pyserial: what they mean, and what to do; the first that is found counts
_FAULTS = (
    (r"Errno 13\b|Permission denied", "you may not use {port}", "Join the group that owns it (dialout), then log in anew."),
    (r"Errno 16\b|[Rr]esource busy|temporarily unavailable|exclusively lock", "{port} is in use by another program",
     "Close it: a terminal, an IDE, or `tincall monitor`."),
    (r"Could not open", "there is no port {port}", "Is the cable plugged in? `tincall ports` lists what there is."),
    (r"This chip is|Wrong chip|Unexpected chip", "the chip on {port} is another one", "Name the board that it is."),
    (r"MD5 of file does not match|Verification failed", "what was written to {port} reads back differently",
     "Try again with --baud 115200; if that fails, too, the flash is worn out or badly powered."),
    (r"Secure Download|[Ff]lash encryption", "the chip on {port} is locked by its maker", "Take another board."),
    (r"Failed to connect|No serial data", "no chip answers on {port}", _BOOT_HINT),
    (r"stopped responding|disconnected|returned no data|Errno 5\b|Errno 6\b|Timed out|Packet content transfer|write timeout",
     "the connection on {port} was lost", "The chip may hold half of it. See to cable and power, and run the same again."),
)  # fmt: skip


@dataclass(frozen=True)
class Chip:
    """What a chip says of itself: its name as esptool's option has it, and the bytes of its flash; 0 when it does not know."""

    name: str
    flash_bytes: int


class Esptool:
    """The chip on a port.

    Args:
        port: the serial port.
        baud: bits a second for what is written.

    Raises:
        OperatorError: esptool is not installed.
    """

    def __init__(self, port: str, baud: int) -> None:
        self._port = port
        self._baud = baud
        try:
            self._dashes = int(importlib.metadata.version("esptool").split(".")[0]) >= 5
        except (importlib.metadata.PackageNotFoundError, ValueError):
            hint = "Install it: pip install 'tincall[boards]'"
            raise OperatorError("bare chips are written by esptool, which is not installed", hint) from None

    def ask(self) -> Chip:
        """Ask the chip what it is, and leave it in its loader.

        Raises:
            OperatorError: nothing answers, or not as a chip does.
        """
        said = "\n".join(self._run("auto", "no-reset", [self._word("flash-id")]))
        chip, flash = _CHIP.search(said), _FLASH.search(said)
        if chip is None:
            raise OperatorError(f"what is on {self._port} does not say which chip it is", _BOOT_HINT)
        size = int(flash[1]) << (20 if flash[2] == "M" else 10) if flash else 0
        return Chip(chip[1].lower().replace("-", ""), size)

    def write(
        self, chip: str, parts: list[tuple[int, Path]], erases: bool, progress: Callable[[str, float], None]
    ) -> None:
        """Write files to the flash, read them back, and start the chip.

        Args:
            chip: its name, as `ask` gives it.
            parts: offset and file of each.
            erases: erase everything first.
            progress: is told what is being done, and how much of it, 0 to 1.

        Raises:
            OperatorError: it was not written whole, or reads back differently.
        """
        command = [self._word("write-flash"), *([self._word("--erase-all")] if erases else [])]
        for offset, file in parts:
            command += [f"{offset:#x}", str(file)]
        verified = 0
        for line in self._run(chip, "hard-reset", command, lambda line: _tell(line, progress)):
            verified += "Hash of data verified" in line
        if verified < len(parts):
            raise OperatorError(f"esptool did not say that it read everything back from {self._port}", "Try again.")

    def _word(self, word: str) -> str:
        """Spell a word as the esptool that is there does."""
        dashes = len(word) - len(word.lstrip("-"))
        # its options kept their dashes: only commands and values were spelled otherwise
        return word if self._dashes or dashes else word.replace("-", "_")

    def _run(
        self, chip: str, after: str, command: list[str], heard: Callable[[str], object] = lambda line: None
    ) -> list[str]:
        """Run it to its end, and give its lines; however this function is left, no esptool runs on."""
        common = ["--chip", chip, "--port", self._port, "--baud", str(self._baud), "--after", self._word(after)]
        # in a session of its own, so that Ctrl-C reaches us alone, and we end it
        process = subprocess.Popen(
            [*PROGRAM, *common, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
        )
        try:
            lines = []
            for line in self._lines(process):
                lines.append(line)
                heard(line)
            if process.wait(_STOP_S):
                raise self._fault("\n".join(lines))
            return lines
        finally:
            _end(process)

    def _lines(self, process: subprocess.Popen[bytes]) -> Iterator[str]:
        """Give its lines as they come; a bar that it redraws counts as lines."""
        assert process.stdout is not None
        rest = b""
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            while True:
                if not waiting.select(_SILENCE_S):
                    raise OperatorError(f"esptool said nothing for {_SILENCE_S} s on {self._port}", _BOOT_HINT)
                data = os.read(process.stdout.fileno(), 65536)
                *whole, rest = _LINE_END.split(rest + data)
                yield from (line.decode(errors="replace") for line in whole)
                rest = rest[-_LINE_BYTES:]
                if not data:
                    yield rest.decode(errors="replace")
                    return

    def _fault(self, said: str) -> OperatorError:
        for words, message, hint in _FAULTS:
            if re.search(words, said):
                return OperatorError(message.format(port=self._port), hint)
        told = [line for line in said.splitlines() if "rror" in line] or said.split("\n")[-1:]
        return OperatorError(f"esptool failed on {self._port}: {told[-1].strip()[:200]}", _BOOT_HINT)


def _tell(line: str, progress: Callable[[str, float], None]) -> None:
    percent = _PERCENT.search(line)
    if line.startswith("Erasing"):
        progress("erasing", 0.0)
    elif line.startswith("Writing") and percent:
        progress("writing", float(percent[1]) / 100)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it if it still runs."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()

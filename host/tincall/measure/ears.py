"""Both receiving ends of a call, given the same packets: the board's on MicroPython, the phone's in its worker.

What an ear gives is its sound and what became of each turn; neither sleeps, so that the same packets give the same.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from callcore import jitter
from tincall import shipped
from tincall.errors import OperatorError
from tincall.leg import Media
from tincall.measure import board_ear
from tincall.measure.packet_path import Packets
from tincall.wav import Samples
from tincall.worker.media import BUFFER_MS, TICK_MS, PhoneAudio

PTIME_MS = 20
RATE_HZ = 16000
_PROGRAM = Path(board_ear.__file__)
_HEAP = "64m"
_PATIENCE_S = 600


@dataclass(frozen=True)
class Turn:
    """What a jitter buffer gave at one time, for PTIME_MS of sound, before that was made shorter or longer.

    Args:
        kind: one of callcore.jitter: WAITING, PLAYED, MISSING, QUIET.
        at_ms: when it is played.
        packet: number in the file of what was given; -1: none.
    """

    kind: int
    at_ms: int
    packet: int


@dataclass(frozen=True)
class Heard:
    """What an ear gave.

    Args:
        samples: at RATE_HZ; the first one is heard at `begin_ms`.
        begin_ms: as it was asked for.
        turns: what was done, in order.
        counters: of its jitter buffer.
    """

    samples: Samples
    begin_ms: int
    turns: list[Turn]
    counters: dict[str, int]


class Board:
    """A board's sound path on an interpreter.

    Args:
        command: starts it (`tincall.emulator.interpreters.find`).
        folder: for the files on the way; of this object alone.
        target_ms: what the first packet waits in the jitter buffer.
    """

    def __init__(self, command: list[str], folder: Path, target_ms: int = BUFFER_MS) -> None:
        self._command = command
        self._folder = folder
        self._target_ms = target_ms

    def speak(self, samples: Samples, codec: str, has_dtx: bool = False) -> Packets:
        """Give the packets of a talk, each sent when its last sample was spoken.

        Args:
            samples: at RATE_HZ, from time 0 on.
            codec: name of a codec that boards speak.
            has_dtx: send nothing but the level of noise when nobody speaks (RFC 3389).
        """
        sound, packets = self._folder / "said.pcm", self._folder / "sent.bin"
        sound.write_bytes(samples.astype("<i2").tobytes())
        self._run({"do": "mouth", "codec": codec, "has_noise": has_dtx, "pcm": str(sound), "packets": str(packets)})
        return board_ear.unpack(packets.read_bytes())

    def hear(self, packets: Packets, codec: str, begin_ms: int, end_ms: int, has_dtx: bool = False) -> Heard:
        """Play packets to the ear.

        Args:
            packets: with times of arrival, in order.
            codec: as of `speak`.
            begin_ms: when the speaker starts.
            end_ms: when it stops.
            has_dtx: as of `speak`.
        """
        sound, came = self._folder / "heard.pcm", self._folder / "came.bin"
        came.write_bytes(board_ear.pack(packets))
        job = {"do": "ear", "codec": codec, "pcm": str(sound), "packets": str(came), "target_ms": self._target_ms}
        done = self._run({**job, "has_noise": has_dtx, "begin_ms": begin_ms, "end_ms": end_ms})
        samples = np.frombuffer(sound.read_bytes(), dtype="<i2").astype(np.int16)
        return Heard(samples, begin_ms, [Turn(*turn) for turn in done["turns"]], done["counters"])

    def _run(self, job: dict[str, Any]) -> dict[str, Any]:
        done = subprocess.run(
            [*self._command, *self._heap(), str(_PROGRAM)],
            input=json.dumps({"ptime_ms": PTIME_MS, **job}) + "\n",
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        if done.returncode:
            said = (done.stderr.strip() or "nothing").splitlines()[-1]
            raise OperatorError(f"{self._command[0]} did not run a board's sound path: {said}", "Report this.")
        return cast("dict[str, Any]", json.loads(done.stdout))

    def _heap(self) -> list[str]:
        """Give the packets of minutes room; CPython takes what it needs."""
        return ["-X", f"heapsize={_HEAP}"] if "micropython" in Path(self._command[0]).name else []


def hear_at_phone(packets: Packets, codec: str, begin_ms: int, end_ms: int, has_dtx: bool = False) -> Heard:
    """Play packets to the phone's ear, in its worker; see `Board.hear`."""
    choice = Media(codec, PTIME_MS, 1, board_ear.SSRC, has_dtx)
    audio = PhoneAudio(choice, lambda packet: True, 0, 0, rate_hz=RATE_HZ)
    watched = board_ear.Watched(audio.buffer, packets, lambda: audio.waiting_ms)
    audio.buffer = cast(jitter.JitterBuffer, watched)
    parts = []
    left = iter(packets)
    packet = next(left, None)
    for now_ms in range(begin_ms, end_ms, TICK_MS):
        while packet is not None and packet[0] <= now_ms:
            audio.take(packet[1], packet[0])
            packet = next(left, None)
        parts.append(audio.play(now_ms).copy())
    turns = [Turn(*turn) for turn in watched.turns]
    return Heard(np.concatenate(parts), begin_ms, turns, board_ear.counters(audio.buffer))


def _environment() -> dict[str, str]:
    """Let the program find callcore, on either interpreter, and nothing else of ours."""
    path = str(shipped.root() / "firmware")
    return {**os.environ, "MICROPYPATH": path + os.pathsep + ".frozen", "PYTHONPATH": path}

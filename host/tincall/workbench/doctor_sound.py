"""Judges what a board played and heard: is there a microphone, does it hear, does it hear the speaker.

Levels are in dBFS: 0 is a square wave that fills the range. The sounds themselves stay on the board; what comes from it are the
sums of `doctor_programs.SOUND`, from which levels and the part at 1 kHz are computed here.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import Any

from tincall.workbench.findings import NOT_TRIED, NOTE, OK, WRONG, Finding

TONE_HZ = 1000
# a microphone's own noise with the most gain that is added here is at -69; this is what a wire that hangs in the air gives
QUIET_DBFS = -85.0
LOUD_DBFS = -20.0
# of the samples; speech that is too near clips a few
CLIPPED_SHARE = 0.001
OFFSET_SHARE = 0.1
# by how much the tone must stand out of what was there before it
HEARD_DB = 10.0
_FULL = 32768.0
_FLOOR_DBFS = -120.0
WIRES = (
    "microphone: VDD, GND, SCK, WS and SD as in the board's wiring.md; its L/R pin to GND, since the left side is heard"
)


@dataclass(frozen=True)
class Heard:
    """What was heard in a stretch of time.

    Args:
        samples: how many were judged.
        zeros, clipped: how many of them are exactly 0, or at the end of the range.
        level_dbfs: without the offset.
        offset: the mean, as a share of the range.
        tone_dbfs: the part at 1 kHz.
        is_stuck: whether all are the same.
        written_bytes: what the speaker took meanwhile.
        why: of a stream that failed; empty.
    """

    samples: int
    zeros: int
    clipped: int
    level_dbfs: float
    offset: float
    tone_dbfs: float
    is_stuck: bool
    written_bytes: int
    why: str

    def figures(self) -> dict[str, Any]:
        """Give them for programs."""
        return {
            **{"samples": self.samples, "level_dbfs": self.level_dbfs, "tone_dbfs": self.tone_dbfs},
            **{"clipped": self.clipped, "zeros": self.zeros, "offset": self.offset},
        }


def read(told: dict[str, Any]) -> Heard:
    """Compute levels from the sums that a board gave."""
    n = max(1, int(told["n"]))
    mean = told["sum"] / n
    power = max(0.0, told["energy"] / n - mean * mean)
    # the bin of one turn a period: a sine of amplitude a gives a / 2 of each sample
    turn = sum(value * cmath.exp(-2j * math.pi * at / 16) for at, value in enumerate(told["fold"]))
    tone = (2 * abs(turn) / n) ** 2 / 2
    return Heard(
        samples=int(told["n"]),
        zeros=int(told["zeros"]),
        clipped=int(told["clipped"]),
        level_dbfs=_dbfs(power),
        offset=round(mean / _FULL, 4),
        tone_dbfs=_dbfs(tone),
        is_stuck=told["high"] - told["low"] == 0 or power < 0.01,
        written_bytes=int(told["written"]),
        why=str(told["why"]),
    )


def _dbfs(power: float) -> float:
    return round(max(_FLOOR_DBFS, 10 * math.log10(power / _FULL**2 + 1e-12)), 1)


def microphone(heard: Heard, is_emulated: bool) -> Finding:
    """Judge a second of whatever there is to hear."""
    figures = heard.figures()
    if heard.why:
        return Finding(WRONG, f"The microphone cannot be opened: {heard.why}.", _opening(), figures)
    if not heard.samples:
        return Finding(
            WRONG, "Not one sample came from the microphone in a second.", f"See its wires: {WIRES}.", figures
        )
    if heard.zeros == heard.samples:
        todo = f"See its wires: {WIRES}."
        if is_emulated:
            todo = "An emulated one hears silence unless it is in a room: tincall emulate --room 20, or --mic FILE."
        return Finding(WRONG, "The microphone gives nothing but zeros.", todo, figures)
    if heard.is_stuck:
        return Finding(WRONG, "The microphone gives the same value all the time.", f"See its wires: {WIRES}.", figures)
    if heard.clipped > CLIPPED_SHARE * heard.samples:
        said = f"The microphone clips: {100 * heard.clipped / heard.samples:.0f} % of the samples are at the end of the range."
        todo = "Is it quiet here? Then see its wires, SD and WS first; or lower MIC_GAIN_MDB of its board.py."
        return Finding(WRONG, said, todo, figures)
    level = f"{heard.level_dbfs:.0f} dBFS"
    if abs(heard.offset) > OFFSET_SHARE:
        said = f"The microphone hears {level} and stands {100 * heard.offset:.0f} % beside the middle of its range."
        return Finding(NOTE, said, "Some do for a second after power-up; else see its supply.", figures)
    if heard.level_dbfs < QUIET_DBFS:
        return Finding(NOTE, f"The microphone hears {level}, which is less than its own noise.", WIRES, figures)
    if heard.level_dbfs > LOUD_DBFS:
        return Finding(NOTE, f"The microphone hears {level}: it is loud here, or its gain is high.", "", figures)
    return Finding(OK, f"The microphone hears {level}.", "", figures)


def speaker(heard: Heard, rate_hz: int, ms: int) -> Finding:
    """Judge whether the speaker's driver took what was to be played."""
    if heard.why:
        return Finding(WRONG, f"The speaker cannot be opened: {heard.why}.", _opening())
    wanted = 2 * rate_hz * ms // 1000
    figures = {"written_bytes": heard.written_bytes, "wanted_bytes": wanted}
    if heard.written_bytes < wanted // 4:
        said = f"The speaker took {heard.written_bytes:,} of {wanted:,} bytes: its clock does not run."
        return Finding(WRONG, said, "See the pins of its board.py: is another peripheral on them?", figures)
    return Finding(OK, f"The speaker played {TONE_HZ} Hz for {ms / 1000:.0f} s.", "", figures)


def loop_back(before: Heard, during: Heard, expects_echo: bool, is_emulated: bool) -> Finding:
    """Judge whether the microphone heard the speaker.

    Args:
        before: what it heard without the tone.
        during: and with it.
        expects_echo: whether the board says that its speaker is heard in its microphone.
        is_emulated: what it is.
    """
    rise = during.tone_dbfs - before.tone_dbfs
    figures = {"tone_dbfs": during.tone_dbfs, "before_dbfs": before.tone_dbfs, "rise_db": round(rise, 1)}
    if not during.samples:
        return Finding(WRONG, "The microphone gave nothing while the speaker played.", "Run it again.", figures)
    if rise >= HEARD_DB:
        return Finding(OK, f"The microphone heard the speaker, {rise:.0f} dB above what was there before.", "", figures)
    said = f"The microphone did not hear the speaker: {TONE_HZ} Hz rose by {rise:.0f} dB."
    if is_emulated:
        return Finding(NOTE, said, "The two are in one room with `tincall emulate --room 20`.", figures)
    if not expects_echo:
        return Finding(NOTE, said, "That is as its board.py has it (ECHO); listen to the tone yourself: --ask", figures)
    todo = "See the speaker's wires (DIN, BCLK, LRC, SD high, the speaker itself), and that nothing covers the two."
    return Finding(WRONG, said, todo, figures)


def one_way(duplex: str) -> Finding:
    """Say why a board cannot hear itself."""
    return Finding(NOT_TRIED, f"Its sound goes one way at a time ({duplex} duplex), so it cannot hear itself.")


def _opening() -> str:
    return "Take its power away for a moment; if it stays so, the pins of its board.py are not those of this board."

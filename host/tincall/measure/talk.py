"""What is said in the voice benchmark: minutes of human speech with pauses, the last clip of which is judged.

A talk begins with other clips than the judged one, so that whatever learns during a call has had its time; the figures of a
judge are about the last clip alone, counters about the whole talk. The same clip and seed give the same samples.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tincall import shipped
from tincall.errors import OperatorError
from tincall.wav import Samples, load

RATE_HZ = 16000
LEVEL_DBOV = -26  # P.56's level for speech in such tests; the judge levels anyway, but coders do not
NOISE_DBOV = -75  # of pauses; no two frames of it are the same, by which a frame is known again after its way
FOLDER = shipped.downloads() / "speech"
# who is judged: the longest of the set, two sexes, read and dictated; short ones let one frame decide a score
JUDGED = (
    "librivox-0870.wav",
    "librivox-0890.wav",
    "librivox-0920.wav",
    "librivox-0930.wav",
    "numbers.wav",
    "cards-005.wav",
)
_PAUSE_S = (0.6, 1.6)
_TAIL_S = 1.0  # so that the last word is out before the last packet is sent
_EDGE_S = 0.25  # heard before and after the judged clip


@dataclass(frozen=True)
class Talk:
    """One speaker's side of a call.

    Args:
        name: of the judged clip and the seed.
        samples: at RATE_HZ, a whole number of 40 ms.
        begin: first sample of what is judged.
        end: one after the last.
        seed: decides all that is left to chance, also on the way.
    """

    name: str
    samples: Samples
    begin: int
    end: int
    seed: int


def clips(folder: Path = FOLDER) -> dict[str, Samples]:
    """Read all recordings of a folder.

    Raises:
        OperatorError: those that are judged are not all there.
    """
    found = {path.name: load(path, RATE_HZ) for path in sorted(folder.glob("*.wav"))}
    missing = [name for name in JUDGED if name not in found]
    if missing:
        raise OperatorError(f"the speech clips {', '.join(missing)} are not in {folder}", "Run `make setup`.")
    return {name: _levelled(samples) for name, samples in found.items()}


def make(known: dict[str, Samples], judged: str, seed: int, lead_s: float) -> Talk:
    """Make a talk.

    Args:
        known: recordings by name, as `clips` gives them.
        judged: the last one.
        seed: which others come before it, in which order, with which pauses.
        lead_s: at least how long they take, in seconds.
    """
    chance = random.Random(f"{judged} {seed}")
    others = [name for name in known if name != judged]
    parts = [_pause(chance)]
    while sum(len(part) for part in parts) < lead_s * RATE_HZ:
        parts += [known[chance.choice(others)], _pause(chance)]
    begin = sum(len(part) for part in parts)
    end = begin + len(known[judged])
    tail = round(_TAIL_S * RATE_HZ)
    frame = RATE_HZ // 25
    tail += -(end + tail) % frame
    edge = round(_EDGE_S * RATE_HZ)
    joined = np.concatenate([*parts, known[judged], np.zeros(tail, dtype=np.int16)]).astype(np.int32)
    noise = np.random.default_rng(seed).normal(0, 32768 * 10 ** (NOISE_DBOV / 20), len(joined))
    samples = np.clip(joined + np.rint(noise).astype(np.int32), -32768, 32767).astype(np.int16)
    return Talk(f"{Path(judged).stem} {seed}", samples, begin - edge, end + edge, seed)


def _pause(chance: random.Random) -> Samples:
    return np.zeros(round(chance.uniform(*_PAUSE_S) * RATE_HZ), dtype=np.int16)


def _levelled(samples: Samples) -> Samples:
    """Bring a recording to the level; peaks give way before they clip."""
    loud = samples.astype(np.float64)
    rms = float(np.sqrt(np.mean(np.square(loud)))) + 1e-9
    gain = min(32768 * 10 ** (LEVEL_DBOV / 20) / rms, 32767 / float(np.max(np.abs(loud)) + 1e-9))
    return np.rint(loud * gain).astype(np.int16)

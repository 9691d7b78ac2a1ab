"""What the two sides of a benchmarked call say: both at once for the score, or in turns as people do, for the bytes."""

from __future__ import annotations

import numpy as np

from tincall.measure import talk
from tincall.wav import Samples

RATE_HZ = talk.RATE_HZ
SHARE = 0.45  # of a normal talk, for which each side speaks
NOISE_DBOV = -66.0  # of the room in a normal talk; the voice is 40 dB above
_TURN_S = 3.2
_PAUSE_S = 0.4
_EDGE_S = 0.4  # how far from its turn's end a speaker may be cut off, where it is quietest
_FRAME = RATE_HZ // 50
# voices of either side, in this order and again
_BOARD = ("librivox-0870.wav", "librivox-0920.wav")
_PHONE = ("librivox-0890.wav", "librivox-0930.wav")

Pair = tuple[Samples, Samples]


def at_once(known: dict[str, Samples], seconds: float) -> Pair:
    """Let both speak all the time; gives what the board's side says and what the phone's side says.

    Args:
        known: recordings by name, as `talk.clips` gives them.
        seconds: for so long.
    """
    size = round(seconds * RATE_HZ)
    return _voice(known, _BOARD, size)[:size], _voice(known, _PHONE, size)[:size]


def in_turns(known: dict[str, Samples], seconds: float, seed: int) -> Pair:
    """Let them speak one after the other, the board's side first, each for SHARE of the time, with a room around them.

    Args:
        known: as of `at_once`.
        seconds: at least for so long.
        seed: of the noise.
    """
    size = round(seconds * RATE_HZ)
    voices = [_voice(known, names, size) for names in (_BOARD, _PHONE)]
    rest = round(_TURN_S * RATE_HZ * (0.5 / SHARE - 1))
    parts: tuple[list[Samples], list[Samples]] = ([], [])
    length = 0
    for turn in range(2 * len(voices[0]) // _FRAME):
        speaker = turn % 2
        end = _quiet(voices[speaker], round(_TURN_S * RATE_HZ))
        said, voices[speaker] = voices[speaker][:end], voices[speaker][end:]
        parts[speaker].extend((said, np.zeros(rest, dtype=np.int16)))
        parts[1 - speaker].append(np.zeros(end + rest, dtype=np.int16))
        length += end + rest
        if speaker == 1 and length >= size:
            break
    chance = np.random.default_rng(seed)
    board, phone = (_in_room(np.concatenate(one), chance) for one in parts)
    return board, phone


def _voice(known: dict[str, Samples], names: tuple[str, ...], size: int) -> Samples:
    """Join recordings with short pauses until there are twice as many samples as asked for."""
    pause = np.zeros(round(_PAUSE_S * RATE_HZ), dtype=np.int16)
    joined = np.concatenate([part for name in names for part in (known[name], pause)])
    return np.resize(joined, max(2 * size, len(joined)))


def _quiet(voice: Samples, near: int) -> int:
    """Find the quietest moment near a sample, as its number."""
    first = near - round(_EDGE_S * RATE_HZ)
    last = near + round(_EDGE_S * RATE_HZ)
    frames = voice[first:last].astype(np.float64)
    power = np.square(frames[: len(frames) // _FRAME * _FRAME].reshape(-1, _FRAME)).mean(axis=1)
    return first + int(np.argmin(power)) * _FRAME


def _in_room(said: Samples, chance: np.random.Generator) -> Samples:
    noise = np.rint(chance.normal(0, 32768 * 10 ** (NOISE_DBOV / 20), len(said)))
    return np.clip(said + noise, -32768, 32767).astype(np.int16)

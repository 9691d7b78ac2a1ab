"""What the board's ear for speech misses and what it lets be sent, in noise of several kinds, over human speech.

    python -m tincall.measure.silence        the table

A conversation's one side is clips of `.cache/speech` in an order drawn from a seed, with pauses that leave 47 % of it speech. A
frame counts as speech when its clean sound is within 20 dB of the voice's level; it is missed when nothing but noise is sent
for it, the frame that is sent one later included.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from callcore import vad
from tincall import shipped
from tincall.wav import Samples, load

Sound = NDArray[np.float64]

CLIPS = shipped.downloads() / "speech"
RATE_HZ = 16000
FRAME = 320
VOICE_DBOV = -26
SPEECH_SHARE = 0.47
# what is under everything: the hiss of a quiet microphone
HISS_DBOV = -75
_SPEECH_DB = 20
_VOICES = 6
_FULL = 32768.0


@dataclass(frozen=True)
class Sent:
    """What became of a conversation.

    Args:
        missed: share of the frames with speech for which nothing but noise was sent.
        sent: share of all frames that were sent as speech.
        noise: packets of noise, over all frames.
        noisy: share of frames in which silence was not left out, for the noise.
    """

    missed: float
    sent: float
    noise: float
    noisy: float


def dbov(sound: Sound) -> float:
    """Give the level of samples in dBov."""
    return 10 * float(np.log10(np.mean(np.square(sound)) / _FULL**2 + 1e-13))


def levels(sound: Sound) -> Sound:
    """Give the level of each frame in dBov."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    return np.asarray(10 * np.log10(np.mean(np.square(frames), axis=1) / _FULL**2 + 1e-13))


def levelled(clip: Samples) -> Sound:
    """Bring the loud frames of a clip, which are its speech, to VOICE_DBOV."""
    sound = clip.astype(np.float64)[: len(clip) // FRAME * FRAME]
    found = levels(sound)
    loud = np.repeat(found > found.max() - 2 * _SPEECH_DB, FRAME)
    return np.asarray(sound * 10 ** ((VOICE_DBOV - dbov(sound[loud])) / 20))


def conversation(clips: list[Sound], chance: np.random.Generator) -> tuple[Sound, NDArray[np.bool_]]:
    """Make one side of a conversation; gives its sound and which of its frames are speech."""
    parts = [np.zeros(50 * FRAME)]
    for index in chance.permutation(len(clips)):
        clip = clips[index]
        speech = int(np.sum(levels(clip) > VOICE_DBOV - _SPEECH_DB))
        pause = max(10, round(speech / SPEECH_SHARE) - len(clip) // FRAME)
        parts += [clip, np.zeros(pause * FRAME)]
    sound = np.concatenate(parts)
    return sound, levels(sound) > VOICE_DBOV - _SPEECH_DB


def noise(kind: str, level_dbov: float, count: int, clips: list[Sound], chance: np.random.Generator) -> Sound:
    """Make noise.

    Args:
        kind: `white`, `pink`, or `voices`: six people at once.
        level_dbov: its level.
        count: samples.
        clips: who talks, for `voices`.
        chance: where its randomness comes from.
    """
    if kind == "voices":
        made = np.zeros(count)
        for _ in range(_VOICES):
            order = np.concatenate([clips[index] for index in chance.permutation(len(clips))])
            made += np.resize(np.roll(order, int(chance.integers(len(order)))), count)
    else:
        made = chance.standard_normal(count)
        if kind == "pink":
            spectrum = np.fft.rfft(made)
            spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), len(spectrum) / 400))
            made = np.fft.irfft(spectrum, count)
    return np.asarray(made * 10 ** ((level_dbov - dbov(made)) / 20))


def judge(sound: Sound, speech: NDArray[np.bool_]) -> Sent:
    """Let the board's own code decide on every frame.

    Args:
        sound: what the microphone hears.
        speech: which frames are speech.
    """
    pcm = bytearray(np.clip(np.round(sound), -32768, 32767).astype("<i2").tobytes())
    ears = vad.Vad(FRAME)
    dtx = vad.Dtx(ears, FRAME * 1000 // RATE_HZ)
    sent = np.zeros(len(speech), dtype=bool)
    packets = noisy = 0
    for index in range(len(speech)):
        kind = dtx.frame(ears.frame(pcm, index * FRAME * 2))
        sent[index] = kind in (vad.SEND, vad.SEND_BOTH)
        if kind == vad.SEND_BOTH:
            sent[index - 1] = True
        packets += kind == vad.NOISE
        noisy += ears.is_noisy
    return Sent(
        float(np.sum(speech & ~sent)) / max(1, int(np.sum(speech))),
        float(np.mean(sent)),
        packets / len(speech),
        noisy / len(speech),
    )


def table(folder: Path = CLIPS, seed: int = 1) -> list[tuple[str, int, Sent]]:
    """Judge one conversation in each kind of noise; gives rows of kind, ratio of speech to noise in dB, and outcome.

    Args:
        folder: with WAV files.
        seed: of order and noise.
    """
    clips = [levelled(load(path, RATE_HZ)) for path in sorted(folder.glob("*.wav"))]
    said, speech = conversation(clips, np.random.default_rng(seed))
    chance = np.random.default_rng(seed + 1)
    said = said + noise("white", HISS_DBOV, len(said), clips, chance)
    rows = [("quiet", VOICE_DBOV - HISS_DBOV, judge(said, speech))]
    for kind in ("white", "pink", "voices"):
        for ratio_db in (30, 20, 10):
            heard = said + noise(kind, VOICE_DBOV - ratio_db, len(said), clips, chance)
            rows.append((kind, ratio_db, judge(heard, speech)))
    return rows


def main() -> int:
    """Print the table."""
    print("| noise | SNR dB | missed % | sent % | packets of noise % | too noisy % |\n|---|---|---|---|---|---|")
    for kind, ratio_db, found in table():
        shares = (found.missed, found.sent, found.noise, found.noisy)
        print(f"| {kind} | {ratio_db} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Reads and writes WAV files as int16 mono samples, resampling by a windowed sinc.

Not for the live path: a whole clip is converted before a call, never a frame during one.
"""

from __future__ import annotations

import wave
from math import gcd
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tincall.errors import OperatorError

Samples = NDArray[np.int16]

RATES_HZ = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
# ten minutes: a clip is held in memory and a longer one is surely the wrong file
MAX_SECONDS = 600
# zero crossings of the sinc on each side: pass band to 0.9 of the lower Nyquist, stop band below -70 dB
ZERO_CROSSINGS = 32
# share of the lower Nyquist frequency where the filter is 6 dB down
CUTOFF = 0.94
# output samples per matrix product: bounds memory to some MB whatever the clip's length
CHUNK_SAMPLES = 4096


def load(path: str | Path, rate_hz: int) -> Samples:
    """Read a PCM WAV file as mono samples at the rate asked for.

    Args:
        path: a WAV file: 16-bit PCM, one or two channels (two are averaged), a rate of `RATES_HZ`, at most 10 minutes.
        rate_hz: rate of the result, one of `RATES_HZ`.

    Returns:
        int16 array of shape (samples,), never empty, owned by the caller.

    Raises:
        OperatorError: no such file, or not such a WAV file; says which and how to convert it.
    """
    channels, width_bytes, file_rate_hz, data = _read(Path(path))
    hint = f"convert it, for example: ffmpeg -i {path} -ac 1 -ar {rate_hz} -c:a pcm_s16le clip.wav"
    if width_bytes != 2 or channels not in (1, 2):
        kind = f"{width_bytes * 8}-bit with {channels} channels"
        raise OperatorError(f"{path} is {kind}; 16-bit PCM with 1 or 2 channels is needed", hint=hint)
    if file_rate_hz not in RATES_HZ:
        known = ", ".join(str(rate) for rate in RATES_HZ)
        raise OperatorError(f"{path} has {file_rate_hz} samples a second; known are {known}", hint=hint)
    samples = np.frombuffer(data[: len(data) // (2 * channels) * (2 * channels)], dtype="<i2")
    if channels == 2:
        samples = (samples.reshape(-1, 2).astype(np.int32).sum(axis=1) >> 1).astype(np.int16)
    if len(samples) == 0:
        raise OperatorError(f"{path} holds no samples", hint="give a WAV file with sound in it")
    return resample(samples.astype(np.int16), file_rate_hz, rate_hz)


def save(path: str | Path, samples: Samples, rate_hz: int) -> None:
    """Write mono samples as a 16-bit PCM WAV file, replacing what was there.

    Args:
        path: the file; its folder must exist.
        samples: int16 array of shape (samples,).
        rate_hz: samples a second, above 0.

    Raises:
        OperatorError: the file cannot be written.
    """
    try:
        with open(path, "wb") as file, wave.open(file, "wb") as sink:
            sink.setnchannels(1)
            sink.setsampwidth(2)
            sink.setframerate(rate_hz)
            sink.writeframes(np.ascontiguousarray(samples, dtype="<i2").tobytes())
    except OSError as error:
        raise OperatorError(f"cannot write {path}: {error.strerror}", hint="check the folder and its rights") from error


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Convert samples from one rate to another by a Kaiser-windowed sinc, with no delay.

    Args:
        samples: int16 array of shape (n,).
        from_hz: its rate, above 0.
        to_hz: rate of the result, above 0.

    Returns:
        int16 array of ceil(n * to_hz / from_hz) samples, sample 0 at the same instant; the input itself at equal rates.
    """
    if from_hz == to_hz:
        return samples
    common = gcd(from_hz, to_hz)
    up, down = to_hz // common, from_hz // common
    scale = min(1.0, up / down) * CUTOFF
    half = int(np.ceil(ZERO_CROSSINGS / scale))
    kernels = _kernels(up, half, scale)
    padded = np.concatenate([np.zeros(half), samples.astype(np.float64), np.zeros(half + 1)])
    total = -(-len(samples) * up // down)
    result = np.empty(total, dtype=np.int16)
    reach = np.arange(2 * half)
    for start in range(0, total, CHUNK_SAMPLES):
        position = np.arange(start, min(start + CHUNK_SAMPLES, total), dtype=np.int64) * down
        # the first tap of output sample n stands half - 1 input samples before its own instant
        taps = padded[(position // up + 1)[:, None] + reach]
        block = np.einsum("ij,ij->i", taps, kernels[position % up])
        result[start : start + len(block)] = np.clip(np.rint(block), -32768, 32767)
    return result


def _kernels(phases: int, half: int, scale: float) -> NDArray[np.float64]:
    """Give a row of 2 * half taps for each fractional position 0/phases to (phases - 1)/phases; each row sums to 1."""
    offsets = np.arange(2 * half) - (half - 1)
    distance = offsets[None, :] - (np.arange(phases) / phases)[:, None]
    window = np.i0(9.0 * np.sqrt(np.clip(1 - (distance / half) ** 2, 0, None)))
    rows = np.sinc(distance * scale) * window
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=np.float64)


def _read(path: Path) -> tuple[int, int, int, bytes]:
    try:
        with open(path, "rb") as file, wave.open(file, "rb") as source:
            rate_hz = source.getframerate()
            if source.getnframes() > MAX_SECONDS * max(rate_hz, 1):
                raise OperatorError(f"{path} is longer than {MAX_SECONDS} s", hint="cut it to the part that matters")
            return source.getnchannels(), source.getsampwidth(), rate_hz, source.readframes(source.getnframes())
    except (wave.Error, EOFError) as error:
        raise OperatorError(
            f"{path} is not a PCM WAV file: {error or 'it ends too early'}", hint="give a 16-bit PCM WAV file"
        ) from error
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error.strerror}", hint="check the name and its rights") from error

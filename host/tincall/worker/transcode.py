"""Payloads of RTP packets to PCM and back, and between 8 and 16 kHz: for phones that take 16 kHz whatever the board speaks.

A coder belongs to one direction pair of one call and keeps its state. It works at its codec's own rate; `Upsampler` and
`Downsampler` stand between that and the far edge. G.711 goes through tables of callcore's own coder, so the rule is the same
and a frame costs microseconds. G.722 is FFmpeg's through PyAV, which is optional: without it the codec is not offered.

The filter is a half-band FIR of 63 taps, windowed by Kaiser: half of its taps are nought and the middle one is 1/2, so that
every other sample passes untouched and the others cost 32 products. Its delay is below 2 ms in each direction.
"""

from __future__ import annotations

import importlib.util
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from callcore import g711
from callcore.errors import LocalError

Samples = NDArray[np.int16]

NARROW_HZ = 8000
WIDE_HZ = 16000

# the filter: taps on each side of the middle one, and Kaiser's beta, which trades stop band against steepness: 60 dB from
# 4.5 kHz on, flat to 3.4 kHz, the upper edge of telephone speech
REACH = 31
KAISER_BETA = 5.65
_FILTERED = (REACH + 1) // 2  # samples of the narrow rate that the middle of the filter lies back

_LAWS = {
    "PCMA": (g711.alaw_encode, g711.alaw_decode),
    "PCMU": (g711.ulaw_encode, g711.ulaw_decode),
}


class Coder(Protocol):
    """One codec in both directions.

    Attributes:
        rate_hz: sample rate of its PCM.
    """

    rate_hz: int

    def encode(self, samples: Samples) -> bytes:
        """Give the payload for some 20 ms frames: int16 array of a multiple of `rate_hz` / 50 samples."""

    def decode(self, payload: bytes | bytearray) -> Samples:
        """Give the samples of a whole payload, int16."""


class _G711:
    rate_hz = NARROW_HZ

    def __init__(self, name: str) -> None:
        self._codes, self._words = tables(name)

    def encode(self, samples: Samples) -> bytes:
        return self._codes[samples.view(np.uint16)].tobytes()

    def decode(self, payload: bytes | bytearray) -> Samples:
        return self._words[np.frombuffer(payload, dtype=np.uint8)]


class _L16:
    """RFC 3551 section 4.5.11: two's complement, most significant byte first."""

    rate_hz = WIDE_HZ

    def encode(self, samples: Samples) -> bytes:
        return samples.astype(">i2").tobytes()

    def decode(self, payload: bytes | bytearray) -> Samples:
        return np.frombuffer(payload, dtype=">i2").astype(np.int16)


class _G722:
    """ITU-T G.722 at 64 kbit/s; the two halves of its filter bank delay by 22 samples together, 1.4 ms."""

    rate_hz = WIDE_HZ

    def __init__(self) -> None:
        try:
            import av  # some 100 ms, and only a call that needs it pays them
        except ImportError as error:
            raise LocalError(f"'G722' cannot be spoken here: PyAV does not load: {error}") from None
        self._frame: Any = av.AudioFrame
        self._packet: Any = av.Packet
        self._encoder: Any = av.CodecContext.create("g722", "w")
        self._encoder.format, self._encoder.layout, self._encoder.sample_rate = "s16", "mono", WIDE_HZ
        self._decoder: Any = av.CodecContext.create("g722", "r")
        self._decoder.layout, self._decoder.sample_rate = "mono", WIDE_HZ

    def encode(self, samples: Samples) -> bytes:
        frame = self._frame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = WIDE_HZ
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))

    def decode(self, payload: bytes | bytearray) -> Samples:
        frames = self._decoder.decode(self._packet(bytes(payload)))
        return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.int16, copy=False)


def codecs(rate_hz: int) -> tuple[str, ...]:
    """Name the codecs that can be spoken by a phone of a rate, best first.

    Args:
        rate_hz: of the far edge, `NARROW_HZ` or `WIDE_HZ`.
    """
    if rate_hz == NARROW_HZ:
        return tuple(_LAWS)
    has_g722 = importlib.util.find_spec("av") is not None
    return ("L16", *(("G722",) if has_g722 else ()), *_LAWS)


def coder(name: str) -> Coder:
    """Make the coder of one call.

    Args:
        name: a name that `codecs` gives.

    Raises:
        LocalError: it is not offered here.
    """
    if name not in codecs(WIDE_HZ):
        raise LocalError(f"{name!r} cannot be spoken here; possible are {', '.join(codecs(WIDE_HZ))}")
    if name == "L16":
        return _L16()
    return _G722() if name == "G722" else _G711(name)


_tables: dict[str, tuple[NDArray[np.uint8], Samples]] = {}


def tables(codec: str) -> tuple[NDArray[np.uint8], Samples]:
    """Give a G.711 law as tables, made by callcore's coder; made once, some 30 ms.

    Args:
        codec: "PCMA" or "PCMU".

    Returns:
        Code of each sample, indexed by its 16 bits without sign, and sample of each code.
    """
    if codec not in _tables:
        encode, decode = _LAWS[codec]
        samples = np.arange(65536, dtype=np.uint16).astype("<u2").tobytes()
        codes, words = bytearray(65536), bytearray(512)
        encode(samples, 0, codes, 0, 65536)
        decode(bytes(range(256)), 0, words, 0, 256)
        _tables[codec] = (np.frombuffer(codes, dtype=np.uint8), np.frombuffer(words, dtype="<i2").astype(np.int16))
    return _tables[codec]


def _side_taps() -> NDArray[np.float64]:
    """Give the taps at odd distances from the middle one, which is 1/2; together they are 1/2, so that the gain is 1."""
    at = np.arange(-REACH, REACH + 1, 2)
    taps = np.sin(np.pi * at / 2) / (np.pi * at) * np.kaiser(2 * REACH + 1, KAISER_BETA)[::2]
    return np.asarray(taps / (2 * taps.sum()), dtype=np.float64)


_TAPS = _side_taps()


class Upsampler:
    """8 kHz to 16 kHz, frame by frame; the delay is 31 samples of the output, 1.94 ms."""

    def __init__(self) -> None:
        self._past = np.zeros(len(_TAPS) - 1)

    def __call__(self, samples: Samples) -> Samples:
        """Give twice as many samples: int16 of shape (2n,) for int16 of shape (n,)."""
        line = _joined(self._past, samples)
        self._past = line[len(samples) :]
        out = np.empty(2 * len(samples))
        out[0::2] = 2 * np.convolve(line, _TAPS, "valid")
        first = len(_TAPS) - _FILTERED
        out[1::2] = line[first : first + len(samples)]
        return _rounded(out)


class Downsampler:
    """16 kHz to 8 kHz, frame by frame; the delay is 31 samples of the input, 1.94 ms, so that up and down are whole ones."""

    def __init__(self) -> None:
        self._even = np.zeros(len(_TAPS) - 1)
        self._odd = np.zeros(_FILTERED)

    def __call__(self, samples: Samples) -> Samples:
        """Give half as many samples: int16 of shape (n,) for int16 of shape (2n,)."""
        count = len(samples) // 2
        even = _joined(self._even, samples[0::2])
        odd = _joined(self._odd, samples[1::2])
        self._even, self._odd = even[count:], odd[count:]
        return _rounded(np.convolve(even, _TAPS, "valid") + 0.5 * odd[:count])


def _joined(past: NDArray[np.float64], samples: Samples) -> NDArray[np.float64]:
    return np.concatenate((past, samples.astype(np.float64)))


def _rounded(values: NDArray[np.float64]) -> Samples:
    return np.clip(np.rint(values), -32768, 32767).astype(np.int16)

"""Payloads of RTP packets to PCM and back, and between 8 and 16 kHz: for phones that take 16 kHz whatever the board speaks.

A coder belongs to one direction pair of one call and keeps its state. It works at its codec's own rate; `Upsampler` and
`Downsampler` stand between that and the far edge. G.711 goes through tables of callcore's own coder, so the rule is the same
and a frame costs microseconds. DVI4 is callcore's own coder, since FFmpeg's rule is another; a frame costs 0.2 ms. G.722
and Opus are FFmpeg's through PyAV, which is optional: without it they are not offered.

DVI4 and Opus make one piece of a whole packet, so their coders keep the first 20 ms of a packet of 40 until it is full.

The filter is a half-band FIR of 63 taps, windowed by Kaiser: half of its taps are nought and the middle one is 1/2, so that
every other sample passes untouched and the others cost 32 products. Its delay is below 2 ms in each direction.
"""

from __future__ import annotations

import importlib.util
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from callcore import dvi4, g711, media
from callcore.errors import LocalError

Samples = NDArray[np.int16]

NARROW_HZ = 8000
WIDE_HZ = 16000

# the filter: taps on each side of the middle one, and Kaiser's beta, which trades stop band against steepness: 60 dB from
# 4.5 kHz on, flat to 3.4 kHz, the upper edge of telephone speech
REACH = 31
KAISER_BETA = 5.65
THIRD_REACH = 45  # of the filter behind Opus, in samples of 48 kHz
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
        """Give what the payload grows by with a frame of 20 ms, `rate_hz` / 50 samples of int16; nothing while the coder waits
        for the whole packet."""

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


class _Whole:
    """What encodes whole packets and keeps frames until it has one."""

    def __init__(self, name: str, ptime_ms: int) -> None:
        self.rate_hz = media.codec(name)[media.SAMPLE_RATE_HZ]
        self._samples = self.rate_hz * ptime_ms // 1000
        self._waiting: list[Samples] = []

    def encode(self, samples: Samples) -> bytes:
        self._waiting.append(samples.copy())
        if sum(map(len, self._waiting)) < self._samples:
            return b""
        packet = np.concatenate(self._waiting)
        self._waiting.clear()
        return self._packet(packet)

    def _packet(self, samples: Samples) -> bytes:
        raise NotImplementedError


class _Dvi4(_Whole):
    """DVI4 (RFC 3551 section 4.5.1) by the board's own coder."""

    def __init__(self, ptime_ms: int) -> None:
        super().__init__("DVI4", ptime_ms)
        self._coder = dvi4.Dvi4()
        self._block = bytearray(media.frame_bytes("DVI4", ptime_ms))
        self._pcm = bytearray(2 * self._samples)

    def decode(self, payload: bytes | bytearray) -> Samples:
        # the coder reads only; its parameter is a bytearray since boards have no other
        self._coder.decode(payload, 0, self._pcm, 0, self._samples)  # type: ignore[arg-type]
        return np.frombuffer(bytes(self._pcm), dtype="<i2").astype(np.int16, copy=False)

    def _packet(self, samples: Samples) -> bytes:
        self._coder.encode(samples.astype("<i2").tobytes(), 0, self._block, 0, self._samples)
        return bytes(self._block)


class _Opus(_Whole):
    """Opus (RFC 6716) by libopus: mono, 24 kbit/s without variation, so that payloads have one size.

    The decoder gives 48 kHz whatever was encoded; a third of its samples is kept, behind a filter that is late by 0.6 ms.
    What is no Opus, or another length of it, is heard as silence.
    """

    def __init__(self, ptime_ms: int) -> None:
        super().__init__("opus", ptime_ms)
        self._av = _av("opus")
        self._encoder: Any = self._av.CodecContext.create("libopus", "w")
        self._encoder.format, self._encoder.layout, self._encoder.sample_rate = "s16", "mono", WIDE_HZ
        self._encoder.bit_rate = media.frame_bytes("opus", ptime_ms) * 8000 // ptime_ms
        options = {"vbr": "off", "application": "voip", "compression_level": "5", "frame_duration": str(ptime_ms)}
        self._encoder.options = options
        self._decoder: Any = self._av.CodecContext.create("libopus", "r")
        self._decoder.layout = "mono"
        self._past = np.zeros(len(_THIRD_TAPS) - 1)

    def decode(self, payload: bytes | bytearray) -> Samples:
        try:
            frames = self._decoder.decode(self._av.Packet(bytes(payload)))
        except self._av.FFmpegError:
            frames = []
        fine = np.zeros(3 * self._samples)
        if sum(frame.samples for frame in frames) == len(fine):
            fine[:] = np.concatenate([frame.to_ndarray()[0] for frame in frames])
        line = np.concatenate((self._past, fine))
        self._past = line[len(fine) :]
        return _rounded(np.lib.stride_tricks.sliding_window_view(line, len(_THIRD_TAPS))[::3] @ _THIRD_TAPS)

    def _packet(self, samples: Samples) -> bytes:
        frame = self._av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = WIDE_HZ
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))


def _av(name: str) -> Any:
    """Load PyAV, some 100 ms, which only a call that needs it pays."""
    try:
        import av
    except ImportError as error:
        raise LocalError(f"{name!r} cannot be spoken here: PyAV does not load: {error}") from None
    return av


class _G722:
    """ITU-T G.722 at 64 kbit/s; the two halves of its filter bank delay by 22 samples together, 1.4 ms."""

    rate_hz = WIDE_HZ

    def __init__(self) -> None:
        av = _av("G722")
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
        return (*_LAWS, "DVI4")
    has_av = importlib.util.find_spec("av") is not None
    return ("L16", *(("G722", "opus") if has_av else ()), *_LAWS, "DVI4")


def coder(name: str, ptime_ms: int = 20) -> Coder:
    """Make the coder of one call.

    Args:
        name: a name that `codecs` gives.
        ptime_ms: what one packet holds, 20 or 40.

    Raises:
        LocalError: it is not offered here.
    """
    if name not in codecs(WIDE_HZ):
        raise LocalError(f"{name!r} cannot be spoken here; possible are {', '.join(codecs(WIDE_HZ))}")
    if name in _LAWS:
        return _G711(name)
    if name in ("DVI4", "opus"):
        return _Dvi4(ptime_ms) if name == "DVI4" else _Opus(ptime_ms)
    return _L16() if name == "L16" else _G722()


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


def _third_taps() -> NDArray[np.float64]:
    """Give a filter for 48 kHz that passes up to 7 kHz and holds 60 dB from 9 kHz on, what would be folded into it."""
    at = np.arange(-THIRD_REACH, THIRD_REACH + 1)
    taps = np.sinc(at / 3) * np.kaiser(2 * THIRD_REACH + 1, KAISER_BETA)
    return np.asarray(taps / taps.sum(), dtype=np.float64)


_TAPS = _side_taps()
_THIRD_TAPS = _third_taps()


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

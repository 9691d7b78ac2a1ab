"""Independent judges of the board's codecs: FFmpeg (PyAV) for G.711, G.722, L16 and Opus, CPython's audioop for DVI4.

The judges decode what our code encodes and the reverse. FFmpeg's G.722 does not saturate where the ITU's rule does, so it
judges below overload only; the ITU's rule itself stands in tests/vectors. FFmpeg's G.711 takes the code whose sample is
nearest where the ITU has decision values, so there it may take the neighbour. FFmpeg's ADPCM multiplies, so it is no judge.
"""

import importlib
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from callcore import coders, g711, g722
from tincall import wav
from tincall.worker import transcode

av = pytest.importorskip("av")

CLIP = Path(__file__).resolve().parents[2] / ".cache/speech/librivox-0880.wav"
EVERY = np.arange(-32768, 32768).astype(np.int16)


def encoded(codec, rate_hz, samples):
    """Let FFmpeg encode a stream."""
    context = av.CodecContext.create(codec, "w")
    context.format, context.layout, context.sample_rate = "s16", "mono", rate_hz
    context.time_base = Fraction(1, rate_hz)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts = rate_hz, 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def decoded(codec, rate_hz, payload):
    """Let FFmpeg decode a stream."""
    context = av.CodecContext.create(codec, "r")
    context.layout, context.sample_rate = "mono", rate_hz
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in context.decode(av.Packet(bytes(payload)))])


def framed(function, source, samples, into, stride_from, stride_to):
    """Run one of our functions over a stream, a frame at a time."""
    source, made = bytearray(source), bytearray(into)
    for k in range(len(source) // stride_from):
        function(source, k * stride_from, made, k * stride_to, samples)
    return bytes(made)


def g722_encoded(samples):
    words = g722.state(320)
    return framed(lambda *frame: g722.encode(words, *frame), samples.tobytes(), 320, len(samples) // 2, 640, 160)


def g722_decoded(codes):
    words = g722.state(320)
    made = framed(lambda *frame: g722.decode(words, *frame), codes, 320, len(codes) * 4, 160, 640)
    return np.frombuffer(made, dtype="<i2")


def speech():
    said = wav.load(CLIP, 16000)
    return said[: len(said) // 640 * 640]


def _made():
    """Make tones and noise that stay below overload."""
    at, noise = np.arange(32000), np.random.default_rng(5)
    tones = {f"{hz} Hz": np.rint(9000 * np.sin(2 * np.pi * hz * at / 16000)) for hz in (200, 1000, 3900, 4100, 6500)}
    noises = {f"noise of {most}": noise.integers(-most, most, 32000) for most in (30, 900, 12000)}
    return {name: made.astype(np.int16) for name, made in {**tones, **noises}.items()}


MADE = _made()


def signal(name):
    """Give one of them, or speech."""
    return speech() if name == "speech" else MADE[name]


@pytest.mark.parametrize(("law", "codec"), [("alaw", "pcm_alaw"), ("ulaw", "pcm_mulaw")])
def test_ffmpeg_decodes_every_code_of_g711_as_we_do(law, codec):
    words = bytearray(512)
    getattr(g711, f"{law}_decode")(bytearray(range(256)), 0, words, 0, 256)
    assert decoded(codec, 8000, bytes(range(256))).tobytes() == bytes(words)


@pytest.mark.parametrize(("law", "codec"), [("alaw", "pcm_alaw"), ("ulaw", "pcm_mulaw")])
def test_ffmpeg_encodes_g711_as_we_do_but_for_neighbours_around_decision_values(law, codec):
    ours = bytearray(65536)
    getattr(g711, f"{law}_encode")(bytearray(EVERY.tobytes()), 0, ours, 0, 65536)
    mine, theirs = (
        np.frombuffer(bytes(ours), dtype=np.uint8),
        np.frombuffer(encoded(codec, 8000, EVERY), dtype=np.uint8),
    )
    differing = np.flatnonzero(mine != theirs)
    assert len(differing) <= 964
    samples = decoded(codec, 8000, bytes(range(256))).astype(int)
    places = np.searchsorted(np.unique(samples), samples)
    assert (np.abs(places[mine[differing]] - places[theirs[differing]]) <= 1).all()
    # and where they differ, the sample lies between the two that the codes stand for
    pair = np.sort(np.stack([samples[mine[differing]], samples[theirs[differing]]]), axis=0)
    assert ((pair[0] <= EVERY[differing]) & (EVERY[differing] <= pair[1])).all()


@pytest.mark.parametrize("name", ["speech", *MADE])
def test_ffmpeg_and_we_encode_and_decode_g722_alike(name):
    samples = signal(name)
    ours, theirs = g722_encoded(samples), encoded("g722", 16000, samples)
    assert ours == theirs
    assert (decoded("g722", 16000, ours) == g722_decoded(theirs)).all()


def test_ffmpeg_decodes_any_codes_of_g722_as_we_do():
    codes = np.random.default_rng(6).bytes(16000)
    assert (decoded("g722", 16000, codes) == g722_decoded(codes)).all()


def test_ffmpeg_hears_our_l16():
    said, one = speech()[:16000], coders.coder("L16", 320)
    coded = framed(one.encode, said.tobytes(), 320, 32000, 640, 640)
    assert (decoded("pcm_s16be", 16000, coded) == said).all()
    assert framed(one.decode, encoded("pcm_s16be", 16000, said), 320, 32000, 640, 640) == said.tobytes()


@pytest.mark.parametrize("ptime", [20, 40])
def test_audioop_and_we_encode_and_decode_dvi4_alike(ptime):
    with warnings.catch_warnings():
        # it leaves the standard library with Python 3.13 and says so
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            audioop = importlib.import_module("audioop")
        except ImportError:
            pytest.skip("this Python has no audioop any more")
    dvi4 = importlib.import_module("callcore.dvi4")
    step, judged = 8 * ptime, 0
    for name, samples in {
        "speech": speech(),
        **MADE,
        "all of 16 bits": np.random.default_rng(7).permutation(EVERY),
    }.items():
        one, state = dvi4.Dvi4(), (0, 0)
        samples = samples[-48000:]
        pcm = bytearray(samples[: len(samples) // step * step].tobytes())
        for at in range(0, len(pcm), 2 * step):
            block, heard = bytearray(step // 2 + 4), bytearray(2 * step)
            one.encode(pcm, at, block, 0, step)
            codes, after = audioop.lin2adpcm(bytes(pcm[at : at + 2 * step]), 2, state)
            assert block == state[0].to_bytes(2, "big", signed=True) + bytes([state[1], 0]) + codes, (name, at)
            one.decode(block, 0, heard, 0, step)
            assert heard == audioop.adpcm2lin(codes, 2, state)[0], (name, at)
            state, judged = after, judged + step
    assert judged > 97_000


@pytest.mark.parametrize("ptime", [20, 40])
def test_ffmpegs_own_opus_decoder_hears_what_libopus_encoded(ptime):
    one, said = transcode.coder("opus", ptime), speech()
    payloads = [payload for at in range(0, len(said), 320) if (payload := one.encode(said[at : at + 320]))]
    streams = []
    for decoder in ("opus", "libopus"):
        context = av.CodecContext.create(decoder, "r")
        context.layout, context.sample_rate = "mono", 48000
        frames = [frame for payload in payloads for frame in context.decode(av.Packet(payload))]
        made = np.concatenate([frame.to_ndarray()[0] for frame in frames])
        streams.append(made.astype(float) if made.dtype.kind == "f" else made / 32768)
    theirs, ours = (stream[: min(map(len, streams)) - 48] for stream in streams)
    # the two do not step from 16 to 48 kHz alike: up to 1 ms apart, and not the same at the edge of the band
    apart = min(((np.roll(theirs, shift) - ours) ** 2).sum() for shift in range(-48, 49))
    assert apart < 0.02 * (ours**2).sum()

"""Coders and the step between 8 and 16 kHz, on human speech: right, quick, and late by no more than is promised."""

import importlib.util
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from callcore import dvi4, g711, g722, media
from callcore.errors import LocalError
from tincall import wav
from tincall.worker import transcode
from tincall.worker.transcode import NARROW_HZ, WIDE_HZ, Downsampler, Upsampler, codecs, coder, tables

CLIPS = Path(__file__).resolve().parents[2] / ".cache/speech"
# three speakers, quick and slow
NAMES = ["librivox-0880.wav", "cards-001.wav", "goforward.wav"]

needs_av = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="PyAV (extra `codecs`) is not installed")


@pytest.fixture(params=NAMES)
def clip(request):
    """Give a way to load one clip, cut to whole 20 ms: at 8 kHz as a telephone passes it, up to 3.4 kHz."""

    def load(rate_hz):
        samples = wav.load(CLIPS / request.param, rate_hz)
        samples = samples[: len(samples) // (rate_hz // 50) * (rate_hz // 50)]
        if rate_hz == WIDE_HZ:
            return samples
        spectrum = np.fft.rfft(samples.astype(float))
        spectrum[np.fft.rfftfreq(len(samples), 1 / rate_hz) > 3400] = 0
        return np.rint(np.fft.irfft(spectrum, len(samples))).astype(np.int16)

    return load


def framed(samples, rate_hz, step):
    """Run a step over a stream, 20 ms at a time."""
    size = rate_hz // 50
    return np.concatenate([step(samples[at : at + size]) for at in range(0, len(samples), size)])


def snr_db(said, heard, delay):
    """Compare two streams, the second late by `delay` samples; dB."""
    said = said[: len(said) - delay].astype(float)
    noise = heard[delay : delay + len(said)].astype(float) - said
    return 10 * np.log10((said**2).sum() / max((noise**2).sum(), 1e-9))


def delay_of(said, heard, most):
    """Find by how many samples `heard` is later."""
    return max(range(most + 1), key=lambda delay: snr_db(said, heard, delay))


def test_up_and_down_again_is_the_same_speech_four_ms_later(clip):
    said = clip(NARROW_HZ)
    heard = framed(framed(said, NARROW_HZ, Upsampler()), WIDE_HZ, Downsampler())
    assert delay_of(said, heard, 60) == 31
    assert snr_db(said, heard, 31) > 40


def test_up_is_what_the_ideal_filter_gives_within_two_ms(clip):
    said = clip(NARROW_HZ)
    spectrum = np.fft.rfft(said.astype(float))
    ideal = 2 * np.fft.irfft(np.pad(spectrum, (0, len(said) + 1 - len(spectrum))), 2 * len(said))
    heard = framed(said, NARROW_HZ, Upsampler())
    delay = delay_of(ideal, heard, 60)
    assert delay <= 0.002 * WIDE_HZ
    assert snr_db(ideal, heard, delay) > 40


@pytest.mark.parametrize(("hertz", "gain_db"), [(100, 0), (1000, 0), (3000, 0), (3400, 0), (4600, -60), (7000, -60)])
def test_down_keeps_telephone_speech_and_folds_nothing_into_it(hertz, gain_db):
    tone = np.rint(20000 * np.sin(2 * np.pi * hertz * np.arange(WIDE_HZ) / WIDE_HZ)).astype(np.int16)
    heard = framed(tone, WIDE_HZ, Downsampler())[200:]
    level_db = 20 * np.log10(max(np.sqrt(2 * np.mean(heard.astype(float) ** 2)), 1e-9) / 20000)
    assert level_db == pytest.approx(0, abs=0.05) if gain_db == 0 else level_db < gain_db


def test_the_delay_of_down_is_within_two_ms(clip):
    said = clip(WIDE_HZ)
    # as narrow as the filter leaves it, so that only the delay differs
    narrow = framed(framed(said, WIDE_HZ, Downsampler()), NARROW_HZ, Upsampler())
    delay = delay_of(narrow, framed(framed(narrow, WIDE_HZ, Downsampler()), NARROW_HZ, Upsampler()), 90)
    assert delay == 62  # both together: 31 each


def test_the_loudest_sound_is_clipped_and_does_not_wrap():
    loud = np.where(np.arange(1600) // 8 % 2, 32767, -32768).astype(np.int16)
    heard = framed(loud, NARROW_HZ, Upsampler())
    assert heard.max() == 32767 and heard.min() == -32768
    assert (np.sign(heard[31::2]) == np.sign(loud[: len(heard[31::2])])).all()


def test_cutting_the_stream_differently_changes_nothing():
    noise = np.random.default_rng(1).integers(-9000, 9000, 1600).astype(np.int16)
    whole, step = Upsampler()(noise), Upsampler()
    assert (np.concatenate([step(noise[at : at + 32]) for at in range(0, 1600, 32)]) == whole).all()
    whole, step = Downsampler()(noise), Downsampler()
    assert (np.concatenate([step(noise[at : at + 64]) for at in range(0, 1600, 64)]) == whole).all()


@pytest.mark.parametrize("name", ["PCMA", "PCMU"])
def test_g711_is_the_cores_rule(name):
    codes, words = tables(name)
    encode = {"PCMA": g711.alaw_encode, "PCMU": g711.ulaw_encode}[name]
    every = np.arange(-32768, 32768).astype(np.int16)
    out = bytearray(65536)
    encode(every.astype("<i2").tobytes(), 0, out, 0, 65536)
    one = coder(name)
    assert one.encode(every) == bytes(out)
    assert (one.decode(bytes(range(256))) == words).all() and codes.shape == (65536,)


@pytest.mark.parametrize("name", ["PCMA", "PCMU"])
def test_g711_through_both_steps_is_as_good_as_g711(clip, name):
    said = clip(NARROW_HZ)
    board, phone, up, down = coder(name), coder(name), Upsampler(), Downsampler()
    alone = framed(said, NARROW_HZ, lambda frame: board.decode(board.encode(frame)))
    wide = framed(said, NARROW_HZ, lambda frame: up(phone.decode(board.encode(frame))))
    assert snr_db(said, framed(wide, WIDE_HZ, down), 31) > snr_db(said, alone, 0) - 1.5


def test_l16_is_network_order_and_loses_nothing(clip):
    said = clip(WIDE_HZ)
    one = coder("L16")
    assert one.encode(np.array([1, -2], dtype=np.int16)) == b"\x00\x01\xff\xfe"
    assert (framed(said, WIDE_HZ, lambda frame: one.decode(one.encode(frame))) == said).all()


@needs_av
def test_g722_is_one_byte_for_two_samples_and_late_by_22(clip):
    said = clip(WIDE_HZ)
    board, phone = coder("G722"), coder("G722")
    assert len(board.encode(said[:320])) == 160
    board = coder("G722")
    heard = framed(said, WIDE_HZ, lambda frame: phone.decode(board.encode(frame)))
    assert delay_of(said, heard, 60) == 22
    assert snr_db(said, heard, 22) > 14


@needs_av
def test_g722_keeps_what_telephone_speech_lacks(clip):
    said = clip(WIDE_HZ)
    board, phone, up, down = coder("G722"), coder("G722"), Upsampler(), Downsampler()
    wide = framed(said, WIDE_HZ, lambda frame: phone.decode(board.encode(frame)))
    narrow = framed(said, WIDE_HZ, lambda frame: up(down(frame)))
    assert snr_db(said, wide, 22) > snr_db(said, narrow, 62) + 3


@needs_av
@pytest.mark.parametrize("level", [0.9, 0.05])
def test_ffmpeg_and_the_board_code_speech_bit_for_bit(clip, level):
    said = clip(WIDE_HZ)[: 2 * WIDE_HZ]
    said = np.rint(said * (level * 32768 / np.abs(said).max())).astype(np.int16)
    host, words, back = coder("G722"), g722.state(320), g722.state(320)
    for at in range(0, len(said), 320):
        codes, heard = bytearray(160), bytearray(640)
        g722.encode(words, said.tobytes(), at * 2, codes, 0, 320)
        g722.decode(back, codes, 0, heard, 0, 320)
        assert host.encode(said[at : at + 320]) == codes, at
        assert host.decode(codes).tobytes() == heard, at


@pytest.mark.parametrize("ptime", media.PTIMES_MS)
def test_the_board_and_the_phone_code_dvi4_bit_for_bit(clip, ptime):
    said, size = clip(NARROW_HZ)[:NARROW_HZ], 8 * ptime
    host, board = coder("DVI4", ptime), dvi4.Dvi4()
    for at in range(0, len(said) - size + 1, size):
        block, heard = bytearray(size // 2 + 4), bytearray(size * 2)
        board.encode(said.tobytes(), at * 2, block, 0, size)
        board.decode(block, 0, heard, 0, size)
        parts = [host.encode(part) for part in np.split(said[at : at + size], ptime // 20)]
        assert parts[:-1] == [b""] * (ptime // 20 - 1) and parts[-1] == block, at
        assert host.decode(block).tobytes() == heard, at


def test_dvi4_keeps_the_samples_it_is_given_until_the_packet_is_full():
    one, frame = coder("DVI4", 40), np.full(160, 500, dtype=np.int16)
    one.encode(frame)
    frame[:] = -500
    assert one.encode(frame) == coder("DVI4", 40).encode(np.repeat(np.array([500, -500], dtype=np.int16), 160))


@needs_av
@pytest.mark.parametrize("ptime", media.PTIMES_MS)
def test_opus_has_one_size_and_is_late_by_its_own_and_the_filters_delay(clip, ptime):
    said, one, heard = clip(WIDE_HZ), coder("opus", ptime), []
    said = said[: len(said) // 640 * 640]
    for at in range(0, len(said), 320):
        payload = one.encode(said[at : at + 320])
        assert len(payload) in (0, media.frame_bytes("opus", ptime))
        heard += [one.decode(payload)] if payload else []
    stream = np.concatenate(heard)
    assert len(stream) == len(said)
    # libopus looks 6.5 ms ahead, the filter is 15 samples late
    assert abs(delay_of(said, stream, 250) - 119) <= 2
    assert pytest.importorskip("pesq").pesq(WIDE_HZ, said, stream, "wb") > 3.9


@needs_av
def test_what_is_no_opus_is_silence_and_what_follows_is_heard(clip):
    said, one, noise = clip(WIDE_HZ)[:32000], coder("opus"), np.random.default_rng(4)
    payloads = [one.encode(said[at : at + 320]) for at in range(0, len(said), 320)]
    for payload in payloads[:50]:
        one.decode(payload)
    for _ in range(200):
        assert one.decode(noise.bytes(60)).shape == (320,)
    assert not one.decode(b"\xff" * 60)[100:].any()
    again = np.concatenate([one.decode(payload) for payload in payloads[50:]])
    assert np.abs(again).max() > 0.5 * np.abs(said[16000:]).max()


@pytest.mark.parametrize("name", codecs(WIDE_HZ))
def test_a_payload_has_the_size_that_the_core_says(name):
    for ptime in media.PTIMES_MS:
        one = coder(name, ptime)
        assert one.rate_hz == media.codec(name)[media.SAMPLE_RATE_HZ]
        samples = np.zeros(media.codec(name)[media.SAMPLE_RATE_HZ] * ptime // 1000, dtype=np.int16)
        payload = b"".join(one.encode(part) for part in np.split(samples, ptime // 20))
        assert len(payload) == media.frame_bytes(name, ptime)
        assert len(one.decode(payload)) == len(samples)


def test_without_pyav_g722_and_opus_are_not_offered(monkeypatch):
    monkeypatch.setattr(transcode.importlib.util, "find_spec", lambda name: None)
    assert codecs(WIDE_HZ) == ("L16", "PCMA", "PCMU", "DVI4")
    for name in ("G722", "opus"):
        with pytest.raises(LocalError, match=f"'{name}' cannot be spoken here"):
            coder(name)


@pytest.mark.parametrize("name", ["G722", "opus"])
def test_a_pyav_that_does_not_load_is_said(monkeypatch, name):
    monkeypatch.setattr(transcode.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(LocalError, match=f"'{name}' cannot be spoken here: PyAV does not load"):
        coder(name)


def test_a_narrow_phone_speaks_what_has_8_khz():
    assert codecs(NARROW_HZ) == ("PCMA", "PCMU", "DVI4")
    with pytest.raises(LocalError, match="MP3"):
        coder("MP3")


@pytest.mark.alone
@pytest.mark.parametrize("name", codecs(WIDE_HZ))
def test_a_frame_costs_little_beside_its_20_ms(name):
    one, up, down = coder(name), Upsampler(), Downsampler()
    said = np.random.default_rng(2).integers(-9000, 9000, 320).astype(np.int16)
    costs_s = []
    for _ in range(200):
        began_s = time.perf_counter()
        frame = down(said) if one.rate_hz == NARROW_HZ else said
        frame = one.decode(one.encode(frame))
        if one.rate_hz == NARROW_HZ:
            up(frame)
        costs_s.append(time.perf_counter() - began_s)
    assert np.median(costs_s) < 0.001

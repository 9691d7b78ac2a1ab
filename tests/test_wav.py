"""WAV files in and out, and the resampler's sound."""

import wave

import numpy as np
import pytest

from tincall import wav
from tincall.errors import OperatorError


def tone(frequency_hz, rate_hz, seconds=1.0, amplitude=10000):
    moments = np.arange(int(rate_hz * seconds)) / rate_hz
    return np.rint(amplitude * np.sin(2 * np.pi * frequency_hz * moments)).astype(np.int16)


def test_what_is_saved_is_loaded_again(tmp_path):
    samples = tone(440, 8000)
    wav.save(tmp_path / "a.wav", samples, 8000)
    assert np.array_equal(wav.load(tmp_path / "a.wav", 8000), samples)


@pytest.mark.parametrize("from_hz", [16000, 22050, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("to_hz", [8000, 16000])
def test_resampling_keeps_a_tone_where_it_was(from_hz, to_hz):
    heard = wav.resample(tone(1000, from_hz), from_hz, to_hz)
    wanted = tone(1000, to_hz)
    assert len(heard) == len(wanted)
    inner = slice(to_hz // 20, -to_hz // 20)  # the ends have silence beside them
    assert np.abs(heard[inner].astype(int) - wanted[inner]).max() <= 20


def test_resampling_up_keeps_a_tone(tmp_path):
    heard = wav.resample(tone(1000, 8000), 8000, 16000)
    assert np.abs(heard[800:-800].astype(int) - tone(1000, 16000)[800:-800]).max() <= 20


def test_what_the_lower_rate_cannot_hold_is_taken_out():
    heard = wav.resample(tone(5000, 16000), 16000, 8000)
    assert np.abs(heard[400:-400]).max() <= 10


def test_resampling_clips_instead_of_wrapping():
    square = np.where(np.arange(16000) // 20 % 2, 32767, -32768).astype(np.int16)
    heard = wav.resample(square, 16000, 8000)
    assert np.abs(np.diff(heard[400:-400].astype(int))).max() < 65536 and heard.max() == 32767


def test_two_channels_are_averaged(tmp_path):
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as sink:
        sink.setparams((2, 2, 8000, 0, "NONE", ""))
        sink.writeframes(np.array([100, 300, -100, -300], dtype="<i2").tobytes())
    assert wav.load(path, 8000).tolist() == [200, -200]


@pytest.mark.parametrize(
    ("params", "data", "sentence"),
    [
        ((1, 1, 8000, 0, "NONE", ""), b"\x80" * 8, "8-bit"),
        ((3, 2, 8000, 0, "NONE", ""), b"\0" * 12, "3 channels"),
        ((1, 2, 9999, 0, "NONE", ""), b"\0" * 8, "9999"),
        ((1, 2, 8000, 0, "NONE", ""), b"", "no samples"),
        ((1, 2, 8000, 0, "NONE", ""), bytes(2 * 8000 * 601), "longer than"),
    ],
)
def test_a_wav_of_the_wrong_kind_is_named_with_a_way_out(tmp_path, params, data, sentence):
    path = tmp_path / "wrong.wav"
    with wave.open(str(path), "wb") as sink:
        sink.setparams(params)
        sink.writeframes(data)
    with pytest.raises(OperatorError) as caught:
        wav.load(path, 8000)
    assert sentence in caught.value.message and str(path) in caught.value.message and caught.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"not a wav file at all, but long enough to be read as one....", b"ID3\x04"]
)
def test_what_is_no_wav_is_named(tmp_path, content):
    path = tmp_path / "noise.wav"
    path.write_bytes(content)
    with pytest.raises(OperatorError, match="not a PCM WAV"):
        wav.load(path, 8000)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(OperatorError, match="No such file"):
        wav.load(tmp_path / "none.wav", 8000)
    with pytest.raises(OperatorError, match="cannot read"):
        wav.load(tmp_path, 8000)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OperatorError, match="cannot write"):
        wav.save(tmp_path / "none" / "a.wav", tone(440, 8000), 8000)

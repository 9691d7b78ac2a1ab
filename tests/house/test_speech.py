"""Recordings of every shape in a package become WAV files of one kind, with the licence beside."""

import wave
from pathlib import Path

import pytest
import speech

from tincall.errors import OperatorError


def _package(folder: Path) -> Path:
    data = folder / "usr/share/pocketsphinx/test/data"
    (data / "cards").mkdir(parents=True)
    (data / "forward.raw").write_bytes(b"\x01\x00\xff\x7f")
    for name, rate_hz in (("001.wav", 16000), ("002.wav", 8000)):
        with wave.open(str(data / "cards" / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(bytes(20))
    (data / "cards/003.wav").write_bytes(b"not a recording")
    licence = folder / "usr/share/doc" / speech.PACKAGE / "copyright"
    licence.parent.mkdir(parents=True)
    licence.write_text("free\n")
    return folder


def test_takes_what_is_of_the_kind_and_leaves_the_rest(tmp_path: Path) -> None:
    clips = speech.collect(_package(tmp_path / "package"), tmp_path / "clips")
    assert [clip.name for clip in clips] == ["cards-001.wav", "forward.wav"]
    with wave.open(str(clips[1])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        assert file.readframes(10) == b"\x01\x00\xff\x7f"
    assert (tmp_path / "clips/LICENCE.txt").read_text() == "free\n"


def test_a_package_of_another_layout_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    with pytest.raises(OperatorError, match="no recordings"):
        speech.collect(tmp_path / "package", tmp_path / "clips")

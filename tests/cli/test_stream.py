"""`tincall stream`: plays into a running board's microphone and records its speaker."""

from pathlib import Path

import numpy as np
import pytest
from commands import document, tincall
from emulator.live import running, wait_for

from tincall import wav


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.wav"
    wav.save(path, np.full(1600, 1234, np.int16), 16000)
    return path


def test_a_clip_is_played_into_an_open_microphone(tmp_path: Path, clip: Path) -> None:
    with running(tmp_path) as live, live.control() as control:
        control.press("call")
        done = tincall("stream", live.folder, "--play", clip, "--json")
    assert done.exit_code == 0, done.output
    assert document(done)["samples"] == 1600


def test_a_closed_microphone_is_waited_for_so_long(tmp_path: Path, clip: Path) -> None:
    with running(tmp_path) as live:
        done = tincall("stream", live.folder, "--play", clip, "--seconds", "0.3")
        assert done.exit_code == 1
        assert "no call opened the microphone within 0.3 s" in done.stderr
        # and what was not played then is not played later
        with live.control() as control, live.control() as watch:
            events = watch.events(20)
            control.press("call")
            wait_for(events, "mic_open")
            control.press("end")
            names = []
            for event in events:
                names.append(event["ev"])
                if event["ev"] == "mic_close":
                    break
        assert "mic_play" not in names


def test_the_speaker_is_recorded(tmp_path: Path, clip: Path) -> None:
    with running(tmp_path, microphone=clip) as live, live.control() as control:
        control.press("call")
        done = tincall("stream", live.folder, "--record", tmp_path / "heard.wav", "--seconds", "1", "--json")
    assert done.exit_code == 0, done.output
    assert document(done)["samples"] == len(wav.load(tmp_path / "heard.wav", 16000))


def test_a_silent_speaker_is_said(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        done = tincall("stream", live.folder, "--record", tmp_path / "heard.wav", "--seconds", "0.1")
    assert done.exit_code == 1
    assert "the speaker played nothing" in done.stderr


@pytest.mark.parametrize("more", [[], ["--play", "a.wav", "--record", "b.wav"]])
def test_it_wants_one_thing_to_do(tmp_path: Path, more: list[str]) -> None:
    done = tincall("stream", tmp_path, *more)
    assert done.exit_code == 2
    assert "--play FILE, --record FILE and --rtp HOST:PORT" in done.stderr


def test_no_board_is_said(tmp_path: Path) -> None:
    done = tincall("stream", tmp_path, "--record", tmp_path / "a.wav")
    assert done.exit_code == 1
    assert "no board runs in" in done.stderr and "tincall emulate" in done.stderr

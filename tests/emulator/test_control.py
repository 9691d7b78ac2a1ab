"""A running board does what it is asked, says how it is, and tells what happens."""

import socket
import time
from pathlib import Path

import numpy as np
import pytest

from emulator.live import PANEL, running, wait_for
from tincall import wav
from tincall.emulator.control import BoardControl, socket_address
from tincall.errors import OperatorError


def test_buttons_reach_the_firmware_and_its_lamp_reaches_us(tmp_path: Path) -> None:
    with running(tmp_path) as live, live.control() as control, live.control() as watch:
        events = watch.events(20)
        control.press("call")
        wait_for(events, "pressed", name="call")
        status = control.status()
        assert status["lamp"] and status["talking"] and status["mic"]["open"] and status["speaker"]["open"]
        assert status["last"]["pressed"]["name"] == "call"
        control.press("end")
        wait_for(events, "pressed", name="end")
        status = control.status()
        assert (status["lamp"], status["talking"], status["lives"], status["board"]) == (False, False, 1, "cpython")
        control.stop()
        assert [event["ev"] for event in events][-1:] in ([], ["mic_close"], ["spk_close"], ["lamp"])
    assert live.outcome.reason == "switched off"


def test_a_file_is_played_and_heard_again(tmp_path: Path) -> None:
    clip = np.random.default_rng(3).integers(1, 30000, 1600, dtype=np.int16)
    wav.save(tmp_path / "clip.wav", clip, 16000)
    with running(tmp_path) as live, live.control() as control, live.control() as watch:
        events = watch.events(20)
        assert control.play(tmp_path / "clip.wav") == {"started": False, "seconds": 0.1}
        control.record(tmp_path / "heard.wav")
        control.press("call")
        play = wait_for(events, "mic_play")
        wait_for(events, "mic_played")
        control.press("end")
        wait_for(events, "spk_close")
        said = control.stop_recording()
    heard = wav.load(tmp_path / "heard.wav", 16000)
    assert said["samples"] == len(heard) and said["rate_hz"] == 16000
    # the first samples that sound are the clip's, after it went in
    first = int(np.flatnonzero(heard)[0])
    assert heard[first] == clip[0]
    assert said["t0_ns"] + first * 125_000 >= play["t0_ns"]
    assert play["samples"] == 1600


def test_a_recording_ends_with_its_connection(tmp_path: Path) -> None:
    with running(tmp_path) as live, live.control() as watch:
        control = live.control()
        control.record(tmp_path / "heard.wav")
        control.close()
        until_s = time.monotonic() + 10
        while not (tmp_path / "heard.json").exists():
            assert time.monotonic() < until_s, "the recording was not ended"
            watch.status()


def test_no_board_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no board runs in") as problem:
        BoardControl(tmp_path)
    assert "tincall emulate --folder" in problem.value.hint
    with pytest.raises(OperatorError, match="no board runs in"):
        BoardControl.wait(tmp_path, 0.05)


def test_what_cannot_be_done_is_said_and_the_connection_stays(tmp_path: Path) -> None:
    (tmp_path / "not.wav").write_text("hello")
    with running(tmp_path) as live, live.control() as control:
        for ask, sentence in (
            (lambda: control.press("door"), "no button 'door'"),
            (lambda: control.press("call", 0), "cannot be held for 0 ms"),
            (lambda: control.play(tmp_path / "not.wav"), "not a PCM WAV"),
            (lambda: control.play(tmp_path / "missing.wav"), "cannot read"),
            (lambda: control.record(tmp_path / "no" / "a.wav"), "cannot write"),
            (control.stop_recording, "records nothing"),
        ):
            with pytest.raises(OperatorError, match=sentence):
                ask()
        control.silence()
        assert control.status()["lives"] == 1


def test_a_board_that_went_away_is_said(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        control = live.control()
    with pytest.raises(OperatorError, match="switched off|does not answer"):
        control.status()
    control.close()


def test_silence_for_too_long_is_said(tmp_path: Path) -> None:
    silent = PANEL.replace('print(json.dumps({"ev": "ready"}))', "")
    with (
        running(tmp_path, silent) as live,
        live.control() as control,
        pytest.raises(OperatorError, match="was silent for 0.2 s"),
    ):
        for _ in control.events(0.2):
            pass


def test_a_long_folder_name_has_a_socket_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with running(deep) as live, live.control() as control:
        assert control.status()["lives"] == 1
    with socket_address(Path("/tmp/a")) as address:
        assert address == "/tmp/a"


def test_a_runner_that_hangs_is_said(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        with socket_address(tmp_path / "control.sock") as address:
            listener.bind(address)
        listener.listen()
        with BoardControl(tmp_path, timeout_s=0.1) as control, pytest.raises(OperatorError, match="does not answer"):
            control.status()

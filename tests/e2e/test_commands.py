"""The commands one by one, each in a process of its own, as a person types them into several terminals: together a call."""

import subprocess
import sys
import time

import numpy as np
import pytest
from chain import FREE_PORTS, MARK, left_running, tincall

from tincall import wav
from tincall.measure.rehearsal import Watch
from tincall.measure.stage import Stage

PHONES = """
[[phones]]
id = "alice"
name = "Alice"
answer_after_ms = 300
speak = "hello.wav"
speak_after_ms = 1500
record = "heard"
"""


@pytest.mark.parametrize("interpreter", ["unix"], indirect=True)  # all three are tried by test_outcomes.py
def test_the_same_call_by_hand(tmp_path, interpreter):
    data, door = tmp_path / "data", tmp_path / "door"
    tone(tmp_path / "words.wav", 400)
    assert "tincall relay --data" in run("init", "--data", data)
    tone(data / "hello.wav", 700)
    with (data / "tincall.toml").open("a") as settings:
        settings.write(PHONES)
    with Stage(tmp_path) as stage:
        relay = stage.start("relay", "relay", "--data", data, "--json", **FREE_PORTS, **{MARK: str(tmp_path)})
        relay.document(20)
        assert "tincall enrol" in run("devices", "--data", data)
        assert "no call yet" in run("calls", "--data", data)
        assert "is enrolled" in run("enrol", "--sn", "DOOR-1", "--board", door, "--data", data)
        assert "DOOR-1" in run("devices", "--data", data)
        board = stage.start("board", "emulate", "--folder", door, "--board", interpreter, "--json")
        with Watch(door, 20) as watch:
            watch.wait(stage, "online", 20)
            (row,) = tincall("devices", "--data", data, "--json").document()["devices"]
            assert (row["sn"], row["link"]["call"]) == ("DOOR-1", None)

            assert "calls DOOR-1" in run("call", "DOOR-1", "--phone", "alice", "--data", data)
            watch.wait_call(stage, "RINGING", 10)
            listening = background("stream", door, "--record", tmp_path / "ear.wav", "--seconds", "3")
            assert "pressed" in run("call", "--button", door)
            call_id = watch.wait_call(stage, "ANSWERED", 10)["call"]
            assert "was played" in run("stream", door, "--play", tmp_path / "words.wav")
            live = run("calls", "--data", data)
            assert call_id in live and "answered" in live
            assert "not yet to be said" in run("calls", call_id, "--data", data)
            assert "holds" in finished(listening)
            assert "pressed" in run("hangup", "--button", door)
            assert watch.wait_call(stage, "ENDED", 10)["cause"] == 16
            watch.wait(stage, "figures", 10)
        record = reported(data, call_id)
        assert (record["direction"], record["released_by"], record["phone"]) == ("in", "device", "alice")
        shown = run("calls", call_id, "--data", data)
        assert "The call was hung up. By the device." in shown
        assert shown.count("every frame is accounted for") == 2, shown
        for words in ("relay: in / out / dropped", "estimated R", "the phone's side told"):
            assert words in shown
        assert stage.stop(board) == 0
        assert "is forgotten" in run("devices", "--forget", "DOOR-1", "--data", data)
        assert "No board is enrolled" in run("devices", "--data", data)
        assert stage.stop(relay) == 0
    assert loudest_hz(tmp_path / "ear.wav") == 700
    assert loudest_hz(record["worker_report"]["heard"]) == 400
    assert record["worker_report"]["heard"].startswith(str(data / "heard"))
    assert left_running(tmp_path) == []


def run(*arguments):
    """Run a command that must do well; gives what it told a person."""
    done = tincall(*arguments)
    assert done.status == 0, done.err
    assert "Traceback" not in done.err
    return done.out


def background(*arguments):
    """Start a command beside the test."""
    command = [sys.executable, "-m", "tincall", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process):
    """Wait for it; gives what it told."""
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    return out


def reported(data, call_id):
    """Ask for the record until both ends have reported."""
    until_s = time.monotonic() + 10
    while time.monotonic() < until_s:
        record = tincall("calls", call_id, "--data", data, "--json").document()
        if record["board_stats"] and record["worker_report"]:
            return record
    raise AssertionError(record)


def tone(path, hz):
    """Write a second of a tone."""
    wav.save(path, (8000 * np.sin(2 * np.pi * hz * np.arange(8000) / 8000)).astype(np.int16), 8000)


def loudest_hz(path):
    """Find the tone in a recording, to 10 Hz."""
    samples = wav.load(path, 8000)
    spectrum = np.abs(np.fft.rfft(samples))
    return round(np.argmax(spectrum) * 8000 / len(samples), -1)

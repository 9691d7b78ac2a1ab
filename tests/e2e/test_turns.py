"""A call on a board with one I2S peripheral: it hears the far end, and is heard while its call button is held."""

import numpy as np
import pytest
from chain import assert_accounted, on_one_interpreter
from numpy.typing import NDArray

from tincall import wav
from tincall.emulator.child import BOARD
from tincall.emulator.control import BoardControl
from tincall.measure.stage import wait_until

RATE_HZ = 16000
FAR_HZ, NEAR_HZ = 400, 1000
HELD_MS = 1500
STREAMS = ("mic_open", "mic_close", "spk_open", "spk_close")

MAIN = """\
import fake_i2s

fake_i2s.ports = 1
from handset import app

app.run()
"""


@pytest.fixture
def main(tmp_path):
    """Give a main.py beside the emulated board's data with one peripheral for both directions."""
    folder = tmp_path / "half"
    folder.mkdir()
    data = (BOARD / "board.py").read_text()
    for full, half in (('DUPLEX = "full"', 'DUPLEX = "half"'), ("SPK_ID = 1", "SPK_ID = 0")):
        assert full in data
        data = data.replace(full, half)
    (folder / "board.py").write_text(data)
    (folder / "main.py").write_text(MAIN)
    return folder / "main.py"


def tone(path, hz, seconds):
    """Write a tone that comes and goes four times a second, as syllables do."""
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    wav.save(path, (8000 * np.sin(2 * np.pi * hz * at) * (np.sin(2 * np.pi * 4 * at) > 0)).astype(np.int16), RATE_HZ)
    return path


def heard_s(samples: NDArray[np.int16], hz: int) -> float:
    """Give for how many seconds a tone is in a recording, by parts of 20 ms."""
    parts = samples[: len(samples) // 320 * 320].reshape(-1, 320).astype(float)
    wave = np.exp(-2j * np.pi * hz * np.arange(320) / RATE_HZ)
    return float((np.abs(parts @ wave) / 160 > 1000).sum()) * 0.02


def a_second_of(relay, recording):
    wait_until(relay.stage, "a second of sound", 10, lambda: recording.stat().st_size > 2 * RATE_HZ or None)


@pytest.mark.paced
@on_one_interpreter
def test_who_holds_the_button_talks_and_who_lets_go_hears(own_relay, interpreter, main, tmp_path):
    (tmp_path / "phone").mkdir()
    far, near = tone(tmp_path / "far.wav", FAR_HZ, 20), tone(tmp_path / "near.wav", NEAR_HZ, 1)
    relay = own_relay([{"id": "alice", "answer_after_ms": 200, "speak": str(far), "record": str(tmp_path / "phone")}])
    out, again = tmp_path / "board.wav", tmp_path / "again.wav"
    with relay.board(interpreter, "--main", main, "--mic", near, "--speaker", out) as board:
        board.press("call")
        board.wait_call("ANSWERED")
        a_second_of(relay, out)
        with BoardControl(board.folder) as control:
            control.press("call", HELD_MS)
            opened, closed = board.wait("mic_open"), board.wait("mic_close")
            control.record(again)
            board.wait_number(2, "spk_start")
            a_second_of(relay, again)
            control.stop_recording()
        board.press("end")
        board.wait("figures")
        assert_accounted(board, relay.settled(board.sn))
        streams = [event["ev"] for event in board.events() if event["ev"] in STREAMS]
    # what the microphone tells and what the speaker tells come by wires of their own, so only each by itself is in order
    assert [name for name in streams if name.startswith("mic")] == ["mic_open", "mic_close"]
    assert [name for name in streams if name.startswith("spk")] == ["spk_open", "spk_close"] * 2
    talked_ms = (closed["t_ns"] - opened["t_ns"]) / 1e6
    assert HELD_MS - 100 < talked_ms < HELD_MS + 1000
    [recording] = (tmp_path / "phone").glob("*-phone-heard.wav")
    at_phone = wav.load(recording, RATE_HZ)
    # a second of a tone that is there half of the time, from 200 ms after the microphone was opened on
    assert 0.3 < heard_s(at_phone, NEAR_HZ) <= 0.7
    assert heard_s(at_phone, FAR_HZ) == 0
    before, after = wav.load(out, RATE_HZ), wav.load(again, RATE_HZ)
    assert heard_s(after, FAR_HZ) > 0.2 and heard_s(before, FAR_HZ) > heard_s(after, FAR_HZ)
    assert heard_s(before, NEAR_HZ) == 0
    # the speaker is silent, and its time goes on, while the microphone has the peripheral
    quiet = np.flatnonzero(np.diff(np.flatnonzero(np.abs(before) > 1000)) > (HELD_MS - 200) * RATE_HZ // 1000)
    assert len(quiet) == 1

"""Microphone and speaker as the firmware opens them: streams that neither wait nor allocate, both at once or in turns."""

from pathlib import Path

import pytest

from tincall.emulator.child import Program
from tincall.emulator.runner import Options, emulate

SOURCE = """
import json, time
import board, micropython
from handset import audio

buf = bytearray(640)

def read_and_write(microphone, speaker):
    micropython.heap_lock()
    got = microphone.readinto(buf)
    early = speaker.write(buf, 320, 320)
    time.sleep_ms(40)
    first = speaker.write(buf, 320, 320)
    while speaker.write(buf, 0, 640):
        pass
    full = speaker.write(buf, 0, 640)
    micropython.heap_unlock()
    return got, early, first, full

microphone = audio.open_microphone(board)
speaker = audio.open_speaker(board)
start = time.ticks_ms()
got, early, first, full = read_and_write(microphone, speaker)
waited = time.ticks_diff(time.ticks_ms(), start)
time.sleep_ms(100)
later = microphone.readinto(buf)
audio.close(microphone)
audio.close(speaker)
audio.close(speaker)
audio.close(None)
print(json.dumps({"ev": "done", "got": got, "early": early, "first": first, "full": full, "waited": waited, "later": later}))
"""


def test_cases(check, board):
    check(board, "audio_cases.py")


@pytest.mark.parametrize("board", ["unix", "unix32", "cpython"])
def test_streams_give_what_is_there_and_take_what_fits(board: str, tmp_path: Path) -> None:
    main = tmp_path / "source" / "main.py"
    main.parent.mkdir()
    main.write_text(SOURCE)
    events: list[dict] = []
    outcome = emulate(Options(tmp_path / "b", Program(board, main), handle_signals=False), events.append)
    assert outcome.status == 0, outcome.text
    [done] = [event for event in events if event["ev"] == "done"]
    # a busy machine may let a buffer of 256 samples fill before the first look, or be played before the first write
    assert done["got"] in (0, 512)
    assert done["early"] in (0, 320)
    assert done["first"] == 320
    assert done["full"] == 0
    assert done["waited"] < 90  # 40 it slept; nothing waited for the 48 ms of the buffers
    assert done["later"] > 0 and done["later"] % 128 == 0

"""The call in simulated time: its sound is a voice, and the firmware's loops pass all of it, as fast as time says."""

import json
import subprocess
import sys
from array import array
from pathlib import Path

import board_call
import pytest

# in a process of its own: it lends the handset what MicroPython has built in
TALK = """
import json, sys
sys.path.insert(0, sys.argv[1])
import board_call
board_call.prepare()
call = board_call.Call(sys.argv[2])
call.run(300)
begun = call.sound.figures()
call.run(400)
print(json.dumps([begun, call.sound.figures(), call.now_ms]))
"""


@pytest.mark.parametrize("codec", ["PCMA", "G722"])
def test_a_packet_each_20_ms_both_ways(codec: str, checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TALK, str(checkout / "tools"), codec], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (up, down), (up_later, down_later), now_ms = json.loads(done.stdout)
    assert now_ms == 700
    assert up_later["sent"] - up["sent"] == 20 and up_later["dropped"] == 0
    assert down_later["received"] - down["received"] == 20
    assert down_later["lost"] == down_later["late"] == down_later["underruns"] == 0
    assert down_later["concealed"] == down["concealed"], "a frame was missing in the middle"


def test_the_voice_is_one_and_the_same() -> None:
    made = array("h", board_call.voice(3200))
    assert made.tobytes() == board_call.voice(3200)
    assert array("h", board_call.voice(6400))[:3200] == made
    mean = sum(map(abs, made)) / len(made)
    # about -30 to -18 dBov, and 125 times a second the same
    assert 1000 < mean < 4000
    unlike = sum(abs(made[k] - made[k - 128]) for k in range(640, 3200)) / 2560
    assert unlike < mean * 0.7

"""An emulated board that runs beside a test, in a thread of its own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tincall.emulator.child import Program
from tincall.emulator.control import BoardControl
from tincall.emulator.runner import Options, Outcome, emulate
from tincall.errors import OperatorError

# prints what its buttons do, shines while the call button is down, and opens its sound as long as it shines
PANEL = """
import json, time
import board, machine
from handset import audio
call = machine.Pin(board.BUTTON_CALL, machine.Pin.IN, machine.Pin.PULL_UP)
end = machine.Pin(board.BUTTON_END, machine.Pin.IN, machine.Pin.PULL_UP)
lamp = machine.Pin(board.LAMP, machine.Pin.OUT)
board.SPK_IBUF_BYTES = 3200
board.MIC_IBUF_BYTES = 16000
buf = bytearray(1600)
print(json.dumps({"ev": "ready"}))
mic = spk = None
while True:
    if not call.value() and not mic:
        lamp.on()
        spk = audio.open_speaker(board)
        mic = audio.open_microphone(board)
        print(json.dumps({"ev": "pressed", "name": "call"}))
    if not end.value() and mic:
        lamp.off()
        audio.close(mic)
        audio.close(spk)
        mic = None
        print(json.dumps({"ev": "pressed", "name": "end"}))
    if mic:
        n = mic.readinto(buf)
        done = 0
        while done < n:
            done += spk.write(buf, done, n - done)
    time.sleep_ms(5)
"""


class Live:
    """A running board.

    Attributes:
        folder: its folder.
        outcome: how it ended, once it has.
    """

    def __init__(self, folder: Path, outcome: list[Outcome]) -> None:
        self.folder = folder
        self._outcome = outcome

    @property
    def outcome(self) -> Outcome:
        return self._outcome[0]

    def control(self) -> BoardControl:
        """Give a connection to it."""
        return BoardControl.wait(self.folder, 20)


@contextmanager
def running(tmp_path: Path, source: str = PANEL, board: str = "cpython", **more: Any) -> Iterator[Live]:
    """Run a program on a board inside the `with` block, once it said `ready` if it does, and switch it off after it."""
    main = tmp_path / "source" / "main.py"
    main.parent.mkdir(exist_ok=True)
    main.write_text(source)
    folder = tmp_path / "b"
    outcome: list[Outcome] = []
    options = Options(folder, Program(board, main), handle_signals=False, **more)
    thread = threading.Thread(target=lambda: outcome.append(emulate(options)))
    thread.start()
    live = Live(folder, outcome)
    try:
        with live.control() as control:
            until_s = time.monotonic() + 20
            while '"ready"' in source and "ready" not in control.status()["last"]:
                assert time.monotonic() < until_s, "the program does not get ready"
                time.sleep(0.01)
        yield live
    finally:
        try:
            with BoardControl(folder) as control:
                control.stop()
        except OperatorError:
            pass  # the test has switched it off
        thread.join(30)
        assert not thread.is_alive()


def wait_for(events: Any, name: str, /, **fields: Any) -> dict[str, Any]:
    """Give the next event of a name and fields."""
    for event in events:
        if event["ev"] == name and all(event[key] == value for key, value in fields.items()):
            return dict(event)
    raise AssertionError(f"the board ended before {name} {fields}")

"""What a rehearsed call needs: clips, a phone, an eye on the board, and a place for the results."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from tincall import shipped
from tincall.emulator.control import BoardControl
from tincall.emulator.interpreters import find
from tincall.emulator.microphone import CLIP_DELAY_MS
from tincall.errors import OperatorError
from tincall.measure.stage import Stage, wait_until
from tincall.wav import Samples

# for a relay that sends no silence, and 40 ms in a packet
SAVE_BYTES = {"TINCALL__CALL__SAVE_BYTES": "true"}
CLIP_DELAY_S = CLIP_DELAY_MS / 1000
# read by volunteers into the public domain; which package they come from says the LICENCE.txt beside them
_DEFAULT_CLIPS = ("librivox-0870.wav", "librivox-0920.wav")


def interpreter(board: str) -> tuple[str, OperatorError | None]:
    """Choose what the board runs on.

    Args:
        board: `unix`, `unix32` or `cpython`.

    Returns:
        `board`, or `cpython` in place of `unix` where no MicroPython is to be had; then with the reason.

    Raises:
        OperatorError: no such board, or one that was asked for by a name of its own has no interpreter.
    """
    try:
        find(board)
    except OperatorError as error:
        if board != "unix":
            raise
        find("cpython")
        return "cpython", error
    return board, None


def default_clips() -> tuple[Path, Path]:
    """Give the two default clips: human speech, 7 and 6 seconds, 16 kHz.

    Raises:
        OperatorError: they were not fetched.
    """
    found = tuple(shipped.downloads() / "speech" / name for name in _DEFAULT_CLIPS)
    missing = [path.name for path in found if not path.is_file()]
    if missing:
        raise OperatorError(
            f"the speech clips {', '.join(missing)} are not here",
            "Run `make setup`, or name a WAV file with --clip."
            if shipped.checkout()
            else "Name a WAV file with --clip.",
        )
    return found[0], found[1]


def fit(clip: Samples, seconds: float | None, rate_hz: int) -> Samples:
    """Cut or repeat a clip to a length; None leaves it."""
    if seconds is None:
        return clip
    size = round(seconds * rate_hz)
    return np.resize(clip, size) if len(clip) < size else clip[:size]


def write_phones(path: Path, phone: str, speak: Path, record: Path, hangs_up: bool, answer_after_ms: int) -> None:
    """Write a file for `tincall relay --phones` with one phone.

    Args:
        path: the file.
        phone: its id.
        speak: what it says.
        record: folder for what it hears.
        hangs_up: whether it ends the call when it has spoken.
        answer_after_ms: how long it rings.
    """
    lines = [
        "[[phones]]",
        f"id = {json.dumps(phone)}",
        f"name = {json.dumps(phone.title())}",
        f"answer_after_ms = {answer_after_ms}",
        f"speak = {json.dumps(str(speak))}",
        f"record = {json.dumps(str(record))}",
    ]
    if hangs_up:
        lines.append("hangup_after_clip_ms = 1500")
    path.write_text("\n".join(lines) + "\n")


def write_main(path: Path, codec: str) -> None:
    """Write a main.py for a board that speaks one codec.

    Args:
        path: the file; in a folder of its own, which is made, since the board imports what lies beside it.
        codec: a name of `callcore.coders.NAMES`.
    """
    path.parent.mkdir()
    main = (shipped.root() / "firmware/main.py").read_text()
    path.write_text(main.replace("app.run()", f"app.CODECS = ({codec!r},)\napp.run()"))


def complete(record: dict[str, Any]) -> dict[str, Any] | None:
    """Give a call's record once it is ended and both ends have reported."""
    if record.get("state") == "ended" and record.get("board_stats") and record.get("worker_report"):
        return record
    return None


# what the files of a report are called where they are kept; of one call only, since the next one replaces them
_KEPT = {
    "uplink_wav": "heard-by-phone.wav",
    "downlink_wav": "heard-by-board.wav",
    "timeline_png": "timeline.png",
    "report_json": "report.json",
}


def keep_results(report: dict[str, Any], results: Path) -> dict[str, Any]:
    """Copy the files of a report out of a folder that will vanish, replacing older ones.

    Args:
        report: as `call_report.report` gives it.
        results: the folder that stays.

    Returns:
        The report with the new paths, which is also what its file says.
    """
    results.mkdir(parents=True, exist_ok=True)
    files = {what: path and str(results / _KEPT[what]) for what, path in report["files"].items()}
    for what, path in report["files"].items():
        if path is not None:
            shutil.copyfile(path, files[what])
    kept = {**report, "files": files}
    if files.get("report_json"):
        Path(files["report_json"]).write_text(json.dumps(kept, indent=2) + "\n")
    return kept


class Watch:
    """Everything that a board tells, from now on; use it in a `with` block.

    Args:
        folder: the board's folder.
        within_s: how long its runner may take to start.
        since_ns: what it told before that time of day is passed over.
    """

    def __init__(self, folder: Path, within_s: float, since_ns: int = 0) -> None:
        self._events: list[dict[str, Any]] = []
        self._control = BoardControl.wait(folder, within_s)
        self._listener = BoardControl(folder)
        self._stream = self._listener.events()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._folder = folder
        self._since_ns = since_ns

    def __enter__(self) -> Watch:
        told = self._control.status()["last"].values()  # before we came, and perhaps a few since, which come again
        told = [event for event in told if int(event["t_ns"]) >= self._since_ns]
        self._events = sorted(told, key=lambda event: int(event["t_ns"]))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._control.close()
        self._listener.close()

    def press(self, button: str) -> None:
        """Press `call` or `end`."""
        self._control.press(button)

    def events(self) -> list[dict[str, Any]]:
        """Give all events so far, in order of time."""
        return sorted(self._events, key=lambda event: int(event["t_ns"]))

    def wait(self, stage: Stage, name: str, seconds: float) -> dict[str, Any]:
        """Wait for an event of the firmware.

        Raises:
            OperatorError: the board says that something is wrong, or the event did not come.
        """

        def look() -> dict[str, Any] | None:
            for event in self._events:
                if event["ev"] == name:
                    return event
                if event["ev"] in ("error", "crash", "stopped"):
                    why = event.get("detail") or event.get("error") or event["ev"]
                    raise OperatorError(f"the board: {why}", f"All it said is in {self._folder / 'board.log'}.")
            return None

        return dict(wait_until(stage, f"the board's {name}", seconds, look))

    def seen_call(self, state: str) -> dict[str, Any] | None:
        """Give the event by which the call came into a state, if it did."""
        for event in self._events:
            if event["ev"] == "call" and event["state"] == state:
                return event
        return None

    def wait_call(self, stage: Stage, state: str, seconds: float) -> dict[str, Any]:
        """Wait until the call is in a state.

        Raises:
            OperatorError: it ended instead, or never came there.
        """

        def look() -> dict[str, Any] | None:
            found = self.seen_call(state)
            ended = self.seen_call("ENDED")
            if found is None and ended is not None:
                raise OperatorError(f"the call ended before it was {state}: cause {ended['cause']} {ended['name']}")
            return found

        return dict(wait_until(stage, f"a call that is {state}", seconds, look))

    def _listen(self) -> None:
        try:
            for event in self._stream:
                if event not in self._events and int(event["t_ns"]) >= self._since_ns:
                    self._events.append(event)
        except (OSError, ValueError):
            pass  # the connection was closed by this side

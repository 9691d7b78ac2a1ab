"""What the emulated board's DAC played, taken from its wire and written down as WAV files on the clock's timeline.

The frames are those of `fakes/common/fake_speaker.py`. Sample n of an opening was heard at its start + n / rate; times of
day are nanoseconds of CLOCK_REALTIME (`time.time_ns()`), which all processes of a call share.
"""

from __future__ import annotations

import json
import struct
import wave
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tincall.errors import OperatorError

_HEADER = struct.Struct("<BBHI")
# an hour: a recording that nobody ends must not fill the disk
MAX_SECONDS = 3600
_ZEROS = bytes(32000)

Tell = Callable[[str, dict[str, object]], None]


class Recording:
    """One WAV file that grows, complete at every moment; silence stands where nothing was played.

    Args:
        path: the file; a file of the same name ending in `.json` says when sample 0 was heard.

    Attributes:
        samples: how many are in it.
        t0_ns: time of day of sample 0; 0 while there is none.

    Raises:
        OperatorError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.samples = 0
        self.t0_ns = 0
        self._rate_hz = 0
        self._wav: wave.Wave_write | None = None
        try:
            self._file: BinaryIO = path.open("wb")
        except OSError as error:
            raise OperatorError(f"cannot write {path}: {error.strerror}", "Name another file.") from error

    def put(self, t_ns: int, rate_hz: int, data: bytes) -> None:
        """Add samples heard from `t_ns` on; a gap before them becomes silence, what is past the longest length is left out."""
        if self._wav is None:
            self._wav = _open_wav(self._file, rate_hz)
            self._rate_hz = rate_hz
            self.t0_ns = t_ns
        at = round((t_ns - self.t0_ns) * rate_hz / 1e9)
        room = MAX_SECONDS * rate_hz - self.samples
        gap = max(0, min(at - self.samples, room))
        self._write(bytes(0), gap)
        self._write(data[: (room - gap) * 2], 0)

    def close(self, **more: object) -> dict[str, object]:
        """End it and write the JSON file beside it.

        Args:
            more: what else the JSON file says.

        Returns:
            What the JSON file says.
        """
        if self._wav is None:
            self._wav = _open_wav(self._file, 8000)
        self._wav.close()
        self._file.close()
        said: dict[str, object] = {
            "clock": "CLOCK_REALTIME",
            "t0_ns": self.t0_ns,
            "rate_hz": self._rate_hz,
            "samples": self.samples,
            **more,
        }
        self.path.with_suffix(".json").write_text(json.dumps(said, indent=2) + "\n")
        return said

    def _write(self, data: bytes, silent_samples: int) -> None:
        assert self._wav is not None
        while silent_samples > 0:
            part = min(silent_samples, len(_ZEROS) // 2)
            self._wav.writeframes(_ZEROS[: part * 2])
            silent_samples -= part
            self.samples += part
        if data:
            self._wav.writeframes(data)
            self.samples += len(data) // 2


class Speaker:
    """Follows the speaker's wire.

    Args:
        tell: called with an event's name and fields: `spk_open spk_start spk_close`.
        heard: called with what it plays, int16 little endian.

    Attributes:
        underruns: times the ring ran empty and was filled again, since power-up.
        lost_samples: samples this side did not hear of because it read too slowly.
        is_open: whether the firmware has its speaker open.
    """

    def __init__(self, tell: Tell, heard: Callable[[bytes], object] = lambda data: None) -> None:
        self.underruns = 0
        self.lost_samples = 0
        self.is_open = False
        self._tell = tell
        self._sounds = heard
        self._recordings: list[Recording] = []
        self.attach()

    def attach(self) -> None:
        """Expect a new board's wire."""
        self._buffer = bytearray()
        self._rate_hz = 0
        self._opened_ns = 0
        self._t0_ns = 0
        self._played = 0
        self._is_starved = False
        self._closed()

    def record(self, recording: Recording) -> None:
        """Add what is heard from now on to a recording."""
        self._recordings.append(recording)

    def forget(self, recording: Recording) -> None:
        """Add no more to a recording."""
        if recording in self._recordings:
            self._recordings.remove(recording)

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire, cut anywhere."""
        self._buffer += data
        at = 0
        while len(self._buffer) - at >= _HEADER.size:
            kind, _, length, value = _HEADER.unpack_from(self._buffer, at)
            if len(self._buffer) - at - _HEADER.size < length:
                break
            at += _HEADER.size
            self._frame(chr(kind), value, bytes(self._buffer[at : at + length]))
            at += length
        del self._buffer[:at]

    def _frame(self, kind: str, value: int, payload: bytes) -> None:
        if kind == "P":
            self.underruns += self._is_starved
            self._is_starved = False
            self._sounds(payload)
            self._heard(payload, len(payload) // 2)
        elif kind in "GL":
            if kind == "G":
                self._is_starved = True
            else:
                self.lost_samples += value
            # the next samples carry their time, so silence need not be written here
            self._played += value
        elif kind == "O":
            opened = json.loads(payload)
            self._opened_ns, self._rate_hz = opened["t_ns"], opened["rate_hz"]
            self.is_open = True
            self._tell("spk_open", {"t_ns": self._opened_ns, "rate_hz": self._rate_hz})
        elif kind == "S":
            self._t0_ns = self._opened_ns + value * 1000
            self._played = 0
            self._is_starved = False
            self._tell("spk_start", {"t0_ns": self._t0_ns, "rate_hz": self._rate_hz})
        elif kind == "C":
            self._closed()

    def _heard(self, data: bytes, samples: int) -> None:
        if self._rate_hz:
            t_ns = self._t0_ns + self._played * 1_000_000_000 // self._rate_hz
            for recording in self._recordings:
                recording.put(t_ns, self._rate_hz, data)
        self._played += samples

    def _closed(self) -> None:
        if self.is_open:
            self.is_open = False
            self._tell("spk_close", {"underruns": self.underruns, "lost_samples": self.lost_samples})


def _open_wav(file: BinaryIO, rate_hz: int) -> wave.Wave_write:
    sink = wave.Wave_write(file)
    sink.setnchannels(1)
    sink.setsampwidth(2)
    sink.setframerate(rate_hz)
    return sink

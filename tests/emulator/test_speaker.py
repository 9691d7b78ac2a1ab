"""The speaker's wire read back: frames cut anywhere, gaps, losses, several recordings."""

import json
import struct
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tincall.emulator.speaker import MAX_SECONDS, Recording, Speaker
from tincall.errors import OperatorError

T_NS = 1_700_000_000_000_000_000


def frame(kind: str, value: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack("<BBHI", ord(kind), 0, len(payload), value) + payload


def opened(t_ns: int = T_NS) -> bytes:
    return frame("O", 0, json.dumps({"t_ns": t_ns, "rate_hz": 8000, "ibuf_bytes": 640}).encode())


def pcm(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}h", *values)


def read(path: Path) -> list[int]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").tolist()


class Bench:
    def __init__(self, path: Path) -> None:
        self.told: list[tuple[str, dict]] = []
        self.speaker = Speaker(lambda name, fields: self.told.append((name, fields)))
        self.recording = Recording(path)
        self.speaker.record(self.recording)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "out.wav")
    yield bench
    if not bench.recording._file.closed:
        bench.recording.close()


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_gaps_and_losses_become_silence_wherever_the_bytes_are_cut(bench: Bench, step: int) -> None:
    data = opened() + frame("S", 5000) + frame("P", 0, pcm(1, 2)) + frame("G", 3) + frame("P", 0, pcm(3))
    data += frame("L", 2) + frame("P", 0, pcm(4)) + frame("C")
    for at in range(0, len(data), step):
        bench.speaker.feed(data[at : at + step])
    said = bench.recording.close(underruns=bench.speaker.underruns)
    assert read(bench.recording.path) == [1, 2, 0, 0, 0, 3, 0, 0, 4]
    assert said["t0_ns"] == T_NS + 5_000_000
    assert (bench.speaker.underruns, bench.speaker.lost_samples) == (1, 2)
    assert [name for name, _ in bench.told] == ["spk_open", "spk_start", "spk_close"]
    assert json.loads(bench.recording.path.with_suffix(".json").read_text()) == said


def test_silence_at_the_end_is_no_underrun(bench: Bench) -> None:
    bench.speaker.feed(opened() + frame("S") + frame("P", 0, pcm(1)) + frame("G", 800) + frame("G", 800) + frame("C"))
    assert bench.speaker.underruns == 0


def test_a_second_opening_stands_where_the_clock_has_it(bench: Bench) -> None:
    for start_ns in (T_NS, T_NS + 1_000_000):
        bench.speaker.feed(opened(start_ns) + frame("S") + frame("P", 0, pcm(5)) + frame("C"))
    bench.recording.close()
    assert read(bench.recording.path) == [5, 0, 0, 0, 0, 0, 0, 0, 5]


def test_a_recording_begins_where_it_is_asked_for(bench: Bench, tmp_path: Path) -> None:
    bench.speaker.feed(opened() + frame("S") + frame("P", 0, pcm(1, 1, 1, 1)))
    late = Recording(tmp_path / "late.wav")
    bench.speaker.record(late)
    bench.speaker.feed(frame("P", 0, pcm(2)))
    bench.speaker.forget(late)
    bench.speaker.feed(frame("P", 0, pcm(3)))
    assert late.close()["t0_ns"] == T_NS + 500_000
    assert read(late.path) == [2]


def test_a_recording_is_whole_at_every_moment(bench: Bench) -> None:
    bench.speaker.feed(opened() + frame("S") + frame("P", 0, pcm(*range(4000))))
    bench.recording._file.flush()
    assert read(bench.recording.path) == list(range(4000))
    bench.recording.close()


def test_a_recording_has_an_end(bench: Bench) -> None:
    bench.speaker.feed(opened() + frame("S") + frame("P", 0, pcm(1)) + frame("G", MAX_SECONDS * 8000))
    bench.speaker.feed(frame("P", 0, pcm(2)))
    assert bench.recording.close()["samples"] == MAX_SECONDS * 8000


def test_an_empty_recording_is_a_file(bench: Bench) -> None:
    assert bench.recording.close()["samples"] == 0
    assert read(bench.recording.path) == []


def test_a_file_that_cannot_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot write"):
        Recording(tmp_path / "nowhere" / "a.wav")

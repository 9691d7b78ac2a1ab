"""A recording on disk: samples, timeline and bound."""

import json
import wave

import numpy as np
import pytest

from tincall import wav
from tincall.simulator import recorder
from tincall.simulator.recorder import Recording


def test_what_was_written_can_be_read_with_its_instant(tmp_path):
    recording = Recording(tmp_path / "new", "c-1-heard", 8000, 1_700_000_000_123_456_789)
    recording.write(np.arange(160, dtype=np.int16))
    recording.write(-np.arange(80, dtype=np.int16))
    recording.close(skipped_ticks=2)
    assert wav.load(recording.path, 8000).tolist() == [*range(160), *range(0, -80, -1)]
    assert json.loads((tmp_path / "new" / "c-1-heard.json").read_text()) == {
        "file": "c-1-heard.wav",
        "rate_hz": 8000,
        "samples": 240,
        "t0_ns": 1_700_000_000_123_456_789,
        "skipped_ticks": 2,
    }


def test_it_does_not_grow_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "MAX_SECONDS", 1)
    recording = Recording(tmp_path, "long", 8000, 0)
    for _ in range(60):
        recording.write(np.ones(160, dtype=np.int16))
    recording.close()
    with wave.open(str(recording.path), "rb") as file:
        assert file.getnframes() == recording.samples == 8000


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        Recording(tmp_path / "file" / "folder", "x", 8000, 0)

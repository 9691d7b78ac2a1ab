"""The picture of a call: drawn as PNG with every track, and left out where matplotlib is missing."""

import sys

import numpy as np

from tincall.measure.timeline import Moment, Track, draw

TRACKS = [
    Track("one", np.arange(-4000, 4000, dtype=np.int16), 8000, 10),
    Track("two", np.zeros(8000, np.int16), 8000, 0),
]


def test_draws_a_png(tmp_path):
    path = tmp_path / "call.png"
    assert draw(path, "a call", TRACKS, [Moment("answered", 5_000_000)], ["note", ""])
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    assert width > 1000 and height > 300


def test_without_matplotlib_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    path = tmp_path / "call.png"
    assert not draw(path, "a call", TRACKS, [], ["", ""])
    assert not path.exists()

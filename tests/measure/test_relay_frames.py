"""The benchmark forwards what it claims to, and says so as one JSON object."""

import json
import subprocess
import sys

import pytest

from tincall.measure import relay_frames


def test_every_frame_comes_through_and_the_figures_agree() -> None:
    figures = relay_frames.measure(frames=200, rounds=3)
    assert figures["frames_per_s"] == pytest.approx(1e6 / figures["us_per_frame"], rel=0.05)


def test_a_frame_that_does_not_come_through_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_frames, "frame", lambda: relay_frames.framer.encode(2, bytes(172), relay_frames.MASK))
    with pytest.raises(RuntimeError, match="came through"):
        relay_frames.measure(frames=20, rounds=1)


def test_the_program_prints_one_json_object() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tincall.measure.relay_frames"], capture_output=True, text=True, timeout=60, check=True
    )
    printed = json.loads(done.stdout)
    assert printed["packet_bytes"] == 172 and printed["one_frame_a_read"]["frames_per_s"] > 0

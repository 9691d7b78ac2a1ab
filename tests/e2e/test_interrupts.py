"""Ctrl-C and SIGTERM at any moment of the demo: everything it started is stopped, quietly, with status 130."""

import os
import signal
import subprocess
import sys
import time

import pytest
from chain import MARK, left_running

END_S = 30.0
# a line of the demo's progress, how long after it, the signal; and what the demo is then at
MOMENTS = [
    ("laying out", 0.02, signal.SIGTERM),  # the first process starts
    ("starting", 0.3, signal.SIGINT),  # neither platform nor relay is ready
    pytest.param("starting", 1.5, signal.SIGTERM, marks=pytest.mark.long),
    pytest.param("enrolling", 0.15, signal.SIGTERM, marks=pytest.mark.long),
    ("switching the board on", 0.2, signal.SIGINT),  # it boots, or verifies itself
    pytest.param("call button", 0.1, signal.SIGTERM, marks=pytest.mark.long),  # it rings
    pytest.param("talking", 0.5, signal.SIGINT, marks=pytest.mark.long),  # as below, where it comes more than once
    ("stopping", 0.05, signal.SIGTERM),  # all is being stopped as it is
    pytest.param("judging", 0.1, signal.SIGINT, marks=pytest.mark.long),  # nothing runs any more
]


@pytest.fixture
def demo(tmp_path, tone):
    """Start a demo that talks for a second; at the end of the test nothing of it is left, neither process nor file."""
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tincall", "demo", "--board", "cpython", "--clip", str(tone), "--seconds", "1"],
        cwd=tmp_path,
        env={**os.environ, MARK: str(tmp_path), "TMPDIR": str(tmp_path / "tmp"), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.communicate()
    assert left_running(tmp_path) == []
    # the place of all room ends stays for the next ones; what was in it does not
    assert [path for path in (tmp_path / "tmp").rglob("*") if not path.name.startswith("tincall-rooms-")] == []


def heard(process, words):
    """Read what the demo says until it says `words`."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return
    pytest.fail(f"the demo ended before it said {words!r}: {lines}")


@pytest.mark.parametrize(("words", "seconds", "number"), MOMENTS)
def test_at_any_moment_all_stops(demo, words, seconds, number):
    heard(demo, words)
    time.sleep(seconds)
    demo.send_signal(number)
    out, err = demo.communicate(timeout=END_S)
    assert demo.returncode == 130, err
    assert "Traceback" not in out + err
    assert "tincall:" not in err


def test_a_second_ctrl_c_does_not_leave_half_of_it(demo):
    heard(demo, "talking")
    for _ in range(5):
        demo.send_signal(signal.SIGINT)
        time.sleep(0.03)
    out, err = demo.communicate(timeout=END_S)
    assert demo.returncode == 130, err
    assert "Traceback" not in out + err


@pytest.mark.parametrize("seconds", [0.15, 0.3, 0.45])
def test_before_it_has_begun_it_just_ends(demo, seconds):
    time.sleep(seconds)
    demo.send_signal(signal.SIGINT)
    _, err = demo.communicate(timeout=END_S)
    assert demo.returncode in (130, -signal.SIGINT), err
    assert "Traceback" not in err

"""What verifications cost: figures held against their bounds, and the CPU of a process as the kernel has it."""

import os
import subprocess
import sys
import time

import pytest

from tincall.measure import verify_bench
from tincall.measure.verify_bench import Target

GOOD = {"round_trips": 2.0, "cpu_ms": 3.0, "per_core_s": 300}


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, []),
        ({"round_trips": 3.0}, ["round_trips"]),
        ({"round_trips": 1.99}, ["round_trips"]),
        ({"cpu_ms": 3.01}, ["cpu_ms"]),
        ({"per_core_s": 299}, ["per_core_s"]),
    ],
)
def test_a_figure_that_misses_its_bound_is_named(change, missed):
    assert [one["figure"] for one in verify_bench.judged(GOOD | change) if not one["ok"]] == missed


def test_the_cpu_of_a_process_is_its_own():
    code = "import time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as busy:
        busy.stdout.readline()
        assert 0.4 <= verify_bench.cpu_s(busy.pid) < 2.0
        busy.communicate(b"\n")
    assert verify_bench.cpu_s(os.getpid()) == pytest.approx(time.process_time(), abs=0.1)


def test_keys_are_not_shown(tmp_path):
    assert "canary" not in repr(Target(1, tmp_path, 1, {"SN-1": b"canary"}))

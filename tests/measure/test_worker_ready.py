"""The benchmark of workers measures what it says, and a warm one is in its room in time."""

import asyncio
import json
import subprocess
import sys

import pytest

from tincall.measure import worker_ready


def test_a_cold_worker_takes_longer_than_a_warm_one() -> None:
    figures = worker_ready.run(calls=2, cold_calls=1)
    for kind in ("warm", "cold"):
        assert 0 < figures[kind]["given_ms_p50"] <= figures[kind]["given_ms_max"]
        assert figures[kind]["given_ms_p50"] < figures[kind]["in_room_ms_p50"]
    assert figures["warm"]["given_ms_max"] < figures["cold"]["given_ms_p50"]


@pytest.mark.alone
def test_a_warm_worker_is_in_its_room_within_50_ms() -> None:
    figures = asyncio.run(worker_ready.measure(calls=10, warm=1))
    assert figures["in_room_ms_p50"] <= 50
    # the spare's successor starts at the same time, and takes the processor away for moments
    assert figures["given_ms_max"] <= 50


def test_the_program_prints_one_json_object() -> None:
    command = [sys.executable, "-m", "tincall.measure.worker_ready", "--calls", "2", "--cold-calls", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=True)
    printed = json.loads(done.stdout)
    assert (printed["calls"], printed["cold_calls"]) == (2, 1) and printed["warm"]["in_room_ms_p50"] > 0

"""The ADC: clips to the sample, the clock's pace, losses counted."""

import asyncio
import os
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tincall.emulator.microphone import Microphone

RATE_HZ = 8000


class Pipe:
    """A non-blocking pipe, read whole."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()
        os.set_blocking(self.out, False)
        os.set_blocking(self.into, False)

    def samples(self) -> np.ndarray:
        try:
            return np.frombuffer(os.read(self.out, 1 << 20), "<i2")
        except BlockingIOError:
            return np.zeros(0, "<i2")


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.out)
    os.close(pipe.into)


class Told(list):
    """Events as they were told."""

    def __call__(self, name: str, fields: dict) -> None:
        self.append((name, fields))

    def names(self) -> list[str]:
        return [name for name, _ in self]

    def of(self, name: str) -> dict:
        return next(fields for told, fields in self if told == name)


def noise(samples: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 30000, samples, dtype=np.int16)


def stand_still(seconds: float) -> None:
    """Stop the whole process for a while, as a busy machine does."""
    time.sleep(seconds)


async def until_lost(microphone: Microphone, blocks: int) -> None:
    for _ in range(2000):
        if microphone.overruns >= blocks:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("nothing was lost")


async def gather(pipe: Pipe, samples: int) -> np.ndarray:
    got = [np.zeros(0, "<i2")]
    while sum(map(len, got)) < samples:
        got.append(pipe.samples())
        await asyncio.sleep(0.005)
    return np.concatenate(got)


def test_the_clip_starts_200_ms_after_each_opening(pipe: Pipe) -> None:
    told, clip = Told(), noise(500)

    async def run() -> list[np.ndarray]:
        microphone = Microphone(told, clip, "a.wav")
        microphone.attach(pipe.into)
        heard = []
        for _ in range(2):
            microphone.open(RATE_HZ, 16000)
            heard.append(await gather(pipe, 2400))
            microphone.close()
            pipe.samples()
        return heard

    for heard in asyncio.run(run()):
        assert not heard[:1600].any() and not heard[2100:].any()
        assert np.array_equal(heard[1600:2100], clip)
    assert told.names() == ["mic_open", "mic_play", "mic_played", "mic_close"] * 2
    play = told.of("mic_play")
    assert play["t0_ns"] == told.of("mic_open")["t0_ns"] + 200_000_000
    assert (play["samples"], play["rate_hz"], play["file"]) == (500, RATE_HZ, "a.wav")


def test_samples_come_when_they_are_due_and_not_before(pipe: Pipe) -> None:
    async def run() -> tuple[int, float]:
        microphone = Microphone(Told())
        microphone.attach(pipe.into)
        start_s = time.monotonic()
        microphone.open(RATE_HZ, 16000)
        count = len(await gather(pipe, 4000))
        elapsed_s = time.monotonic() - start_s
        microphone.close()
        return count, elapsed_s

    count, elapsed_s = asyncio.run(run())
    assert count <= elapsed_s * RATE_HZ


def test_a_late_runner_makes_up_for_it(pipe: Pipe) -> None:
    async def run() -> tuple[np.ndarray, int]:
        microphone = Microphone(Told(), noise(1600), "")
        microphone.attach(pipe.into)
        microphone.open(RATE_HZ, 16000)
        stand_still(0.5)
        heard = await gather(pipe, 3600)
        microphone.close()
        return heard, microphone.overruns

    heard, overruns = asyncio.run(run())
    assert np.array_equal(heard[1600:3200], noise(1600)) and overruns == 0


def test_what_does_not_fit_is_counted(pipe: Pipe) -> None:
    async def run() -> tuple[int, int]:
        microphone = Microphone(Told())
        microphone.attach(pipe.into)
        microphone.open(RATE_HZ, 1100)
        await until_lost(microphone, 3)
        microphone.close()
        return len(pipe.samples()), microphone.overruns

    held, overruns = asyncio.run(run())
    # two blocks of 256 samples
    assert held == 512 and overruns >= 3


def test_standing_still_for_long_is_counted_and_not_made_up(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Microphone:
        microphone = Microphone(Told())
        microphone.attach(pipe.into)
        microphone.open(RATE_HZ, 16000)
        microphone._t0_monotonic_ns -= 3600 * 10**9
        await gather(pipe, 80)
        microphone.close()
        return microphone

    microphone = asyncio.run(run())
    # an hour of blocks of 32 ms
    assert 112_400 <= microphone.overruns <= 112_600


def test_a_clip_can_be_played_at_any_time(pipe: Pipe) -> None:
    told = Told()

    async def run() -> np.ndarray:
        microphone = Microphone(told, noise(80000), "long.wav")
        microphone.attach(pipe.into)
        assert microphone.play("early.wav", noise(100, 2)) is False
        microphone.open(RATE_HZ, 16000)
        first = await gather(pipe, 1760)
        assert microphone.play("now.wav", noise(100, 3)) is True
        rest = await gather(pipe, 400)
        microphone.play("long.wav", noise(80000))
        microphone.stop()
        await gather(pipe, 400)
        tail = await gather(pipe, 400)
        microphone.close()
        assert not tail.any()
        return np.concatenate([first, rest])

    heard = asyncio.run(run())
    assert np.array_equal(heard[1600:1700], noise(100, 2))
    start = int(np.flatnonzero(heard[1700:])[0]) + 1700
    assert np.array_equal(heard[start : start + 100], noise(100, 3))
    assert [fields["file"] for name, fields in told if name == "mic_play"][:2] == ["early.wav", "now.wav"]


def test_a_board_that_is_gone_is_no_error(pipe: Pipe) -> None:
    async def run() -> None:
        other = Pipe()
        os.close(other.out)
        microphone = Microphone(Told())
        microphone.attach(other.into)
        microphone.open(RATE_HZ, 3200)
        await until_lost(microphone, 1)
        microphone.close()
        os.close(other.into)

    asyncio.run(run())

"""docs/sound.md and the decisions on sound, held against the code: numbers, names and links."""

import re
from pathlib import Path

import pytest

from callcore import jitter, level, plc, vad
from tincall import settings
from tincall.worker import media

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/sound.md").read_text()
FLAT = " ".join(PAGE.split())
ECHO = " ".join(next((ROOT / "docs/decisions").glob("0015-*.md")).read_text().split())
SILENCE = " ".join(next((ROOT / "docs/decisions").glob("0013-*.md")).read_text().split())


@pytest.mark.parametrize(
    "text",
    [
        f"rises {vad._RISE} dB a second",
        f"speech begins {vad._ON // 1000} dB above it, is over at {vad._OFF // 1000} dB, and is held for {vad._HOLD_MS} ms",
        f"every {vad._NOISE_MS} ms or when it moved by {vad._NOISE_DB} dB",
        f"while the noise is above {vad._NOISY // 1000} dBov",
        f"and {level._HOLD_MS} ms and the driver's buffers longer, the microphone is {-level._CLOSED // 1000} dB down",
        f"up to {level._MOST_GAIN // 1000} dB, {level._UP} dB a second up and {level._DOWN} down",
        f"towards {level._TARGET_DB} dBov",
        f"{level._STEPS} steps of {level._STEP // 1000} dB, and {-level._DUCKED // 1000} dB less",
        f"the worst delays of each {jitter._BLOCK_MS} ms",
        f"{jitter._FLOOR_MS} to {200 - 2 * 20} ms ({200 - 2 * 40} with 40 ms in a packet)",
        f"led in by {plc._FADE // 2} ms of cross-fade",
        f"frames of {media.TICK_MS} ms",
    ],
)
def test_the_numbers_are_those_of_the_code(text: str) -> None:
    assert text in FLAT


def test_the_target_stays_two_packets_below_the_cap() -> None:
    for ptime_ms in (20, 40):
        buffer = jitter.JitterBuffer(160, ptime_ms, ptime_ms * 8)
        buffer._slowest, buffer._fastest = 10_000, 0
        for _ in range(100):
            buffer._learn()
        assert buffer.target_ms == 200 - 2 * ptime_ms


def test_a_gap_is_gone_when_the_page_says_so() -> None:
    after_half_ms = 20 + plc._FULL / plc._FALL
    assert round(after_half_ms / 2) == 59 and "gone after 59" in FLAT


def test_the_decisions_have_the_numbers_of_the_code() -> None:
    assert f"{level._HOLD_MS} ms and the driver's buffers longer, the microphone is {-level._CLOSED // 1000} dB" in ECHO
    assert f"{level._OPEN_DB} dB louder than the echo can be for {level._OPEN_MS} ms" in ECHO
    assert f"the loudspeaker is {-level._DUCKED // 1000} dB down" in ECHO
    assert f"above a floor of {vad._NOISY // 1000} dBov" in SILENCE


def test_silence_is_sent_as_delivered() -> None:
    assert (
        settings.CallSettings().save_bytes is False
        and "`[call] save_bytes` in the relay's settings is false" in SILENCE
    )


def test_every_link_and_file_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    files = re.findall(r"`((?:callcore|tincall)/[\w/]+\.py)`", PAGE)
    rooms = (ROOT / "firmware", ROOT / "host")
    assert len(links) > 5 and len(files) > 2
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    assert [name for name in files if not any((room / name).is_file() for room in rooms)] == []


def test_every_part_named_is_a_file() -> None:
    parts = set(re.findall(r"^\| [\w ]+ \| ([^|]+) \|", PAGE, re.M))
    names = {name for part in parts for name in re.findall(r"`([a-z]\w*)(?:\.\w+)?`", part)}
    assert len(names) > 8
    assert [name for name in names if not (ROOT / f"firmware/callcore/{name}.py").is_file()] == []

"""Every frame's fate in a call: sums that hold, each sum that does not is named, and what is not known stays open."""

import copy

import pytest

from tincall import quality
from tincall.fates import COUNTERS, fates

PHONE = {
    "sent": 424, "dropped": 0, "silent": 3, "received": 400, "played": 390, "noises": 4, "late": 1, "duplicates": 1,
    "skipped": 2, "refused": 0, "lost": 5, "concealed": 9, "quiet": 12, "shortened_ms": 31, "lengthened_ms": 0,
    "delay_ms": 40, "target_ms": 30, "jitter_p95_ms": 30, "jitter_ms": 4, "buffer_ms": 38.5, "heard": "x.wav",
}  # fmt: skip
BOARD = {
    "sent": 402, "dropped": 1, "silent": 17, "received": 420, "played": 419, "noises": 0, "late": 0, "duplicates": 0,
    "skipped": 0, "refused": 0, "foreign": 2, "lost": 0, "concealed": 0, "quiet": 0, "shortened_ms": 0,
    "lengthened_ms": 7, "delay_ms": 21, "target_ms": 20, "jitter_p95_ms": 10, "jitter_ms": 1, "buffer_ms": 20,
    "underruns": 0, "link_bytes_up": 1,
}  # fmt: skip
RECORD = {
    "state": "ended", "codec": "PCMA", "board_stats": BOARD, "worker_report": PHONE,
    "up": {"in": 402, "out": 400, "dropped": 2}, "down": {"in": 424, "out": 422, "dropped": 2},
}  # fmt: skip


@pytest.fixture
def record():
    return copy.deepcopy(RECORD)


def test_each_station_is_told_with_the_right_end(record):
    told = fates(record)
    up, down = told["up"], told["down"]
    assert (up["sent"], up["silent"], up["dropped"], up["received"], up["played"]) == (402, 17, 1, 400, 390)
    assert (up["relay_in"], up["relay_out"], up["relay_dropped"]) == (402, 400, 2)
    assert (down["sent"], down["silent"], down["received"], down["played"]) == (424, 3, 420, 419)
    assert (up["waiting"], down["waiting"]) == (2, 1)
    assert (up["underruns"], up["foreign"]) == (None, None), "a phone does not count them"
    assert up["wrong"] == [] and down["wrong"] == []
    assert set(up) >= COUNTERS and "heard" not in COUNTERS and "link_bytes_up" not in COUNTERS


@pytest.mark.parametrize(
    ("end", "name", "value", "way", "words"),
    [
        ("board_stats", "sent", 403, "up", "the board sent 403 packets, and the relay got 402"),
        ("up", "dropped", 1, "up", "the relay got 402, forwarded 400 and dropped 1"),
        ("worker_report", "received", 399, "up", "the relay forwarded 400, and the phone's side got 399"),
        ("worker_report", "played", 393, "up", "the phone's side received 400, and tells the fate of 401"),
        ("worker_report", "sent", 425, "down", "the phone's side sent 425 packets, and the relay got 424"),
        ("down", "dropped", 3, "down", "the relay got 424, forwarded 422 and dropped 3"),
        ("board_stats", "foreign", 0, "down", "the relay forwarded 422, and the board got 420"),
        ("board_stats", "played", 387, "down", "the board received 420, and tells the fate of 387"),
    ],
)
def test_each_sum_that_does_not_add_up_is_named(record, end, name, value, way, words):
    record[end][name] = value
    told = fates(record)
    assert told[way]["wrong"] == [words]
    assert told["down" if way == "up" else "up"]["wrong"] == []


def test_of_a_call_that_goes_on_nothing_is_judged(record):
    record["state"] = "answered"
    assert [way["wrong"] for way in fates(record).values()] == [None, None]
    record["worker_report"] = None
    told = fates(record)
    assert told["up"]["wrong"] is None and told["down"]["wrong"] is None
    assert told["up"]["sent"] == 402 and told["up"]["received"] is None and told["up"]["estimated"] is None
    assert told["down"]["estimated"]["mos"] > 4, "what the board hears is known during the call"


def test_without_an_ends_figures_it_cannot_be_said(record):
    record["board_stats"] = {}
    assert [way["wrong"] for way in fates(record).values()] == [None, None]
    record["board_stats"] = None
    assert [way["wrong"] for way in fates(record).values()] == [None, None]


def test_an_end_that_tells_only_what_it_must_is_held_to_that(record):
    must = ("sent", "dropped", "received", "lost", "late", "concealed", "jitter_ms", "buffer_ms", "underruns")
    record["board_stats"] = {name: BOARD[name] for name in must} | {"received": 422}
    down = fates(record)["down"]
    assert (down["wrong"], down["waiting"], down["unheard"], down["estimated"]) == ([], None, None, None)


def test_a_frame_that_is_lost_and_concealed_counts_once(record):
    up = fates(record)["up"]
    assert up["unheard"] == pytest.approx(9 / 399, abs=1e-4)  # nine turns concealed; eight frames lost, late or skipped
    record["worker_report"]["lost"] = 20
    assert fates(record)["up"]["unheard"] == pytest.approx(23 / 413, abs=1e-4)


def test_codec_frames_and_delay_are_what_the_estimate_rests_on(record):
    expected = quality.estimate("PCMA", 9 / 399, quality.ENDS_MS + 40)
    assert fates(record)["up"]["estimated"] == {"r": round(expected.r, 1), "mos": round(expected.mos, 2)}
    del record["worker_report"]["delay_ms"]
    expected = quality.estimate("PCMA", 9 / 399, quality.ENDS_MS + 38.5)
    assert fates(record)["up"]["estimated"]["r"] == round(expected.r, 1)
    record["worker_report"] |= {"played": 0, "concealed": 0, "lost": 0, "late": 0, "skipped": 0}
    assert fates(record)["up"]["estimated"] is None, "nobody spoke"

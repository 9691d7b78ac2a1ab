"""Bad paths: each does to packets what its name says, in the measure it says, and the same each time."""

import pytest

from tincall.measure.packet_path import Path, travel

SENT = [(20 * number + 20, number.to_bytes(3, "big")) for number in range(20000)]


def came(path: Path, seed: int = 1) -> dict[bytes, int]:
    """Give when each packet arrives."""
    found = travel(SENT, path, seed)
    assert found == sorted(found, key=lambda one: one[0])
    return {packet: at_ms for at_ms, packet in found}


def delays(path: Path) -> list[int]:
    when = came(path)
    return [when[packet] - at_ms for at_ms, packet in SENT]


def runs_lost(path: Path) -> list[int]:
    """Give how many packets were lost in a row, each time."""
    there = came(path)
    text = "".join("." if packet in there else "x" for _, packet in SENT)
    return [len(run) for run in text.split(".") if run]


def test_a_good_path_changes_nothing():
    assert travel(SENT, Path(), 1) == SENT


@pytest.mark.parametrize("path", [Path(loss=0.1), Path(jitter_ms=50), Path(stream_loss=0.02, round_trip_ms=60)])
def test_a_seed_decides_everything(path):
    assert travel(SENT, path, 5) == travel(SENT, path, 5) != travel(SENT, path, 6)


@pytest.mark.parametrize("loss", [0.05, 0.2])
def test_loss_is_as_much_as_said_and_independent(loss):
    runs = runs_lost(Path(loss=loss))
    assert sum(runs) / len(SENT) == pytest.approx(loss, rel=0.15)
    assert sum(runs) / len(runs) == pytest.approx(1 / (1 - loss), rel=0.1)


def test_bursts_are_as_long_as_said():
    runs = runs_lost(Path(loss=0.1, burst=2.5))
    assert sum(runs) / len(SENT) == pytest.approx(0.1, rel=0.2)
    assert sum(runs) / len(runs) == pytest.approx(2.5, rel=0.15)


def test_jitter_is_even_and_within_its_bound():
    found = delays(Path(jitter_ms=50))
    assert min(found) == 0 and max(found) == 50
    assert sum(found) / len(found) == pytest.approx(25, abs=1)


def test_stalls_hold_packets_and_let_them_go_at_once():
    path = Path(stall_every_ms=2000, stall_ms=(60, 150))
    found = delays(path)
    assert 100 < max(found) <= 150
    assert sum(delay > 0 for delay in found) / len(SENT) == pytest.approx(105 / 2000, rel=0.25)
    times = list(came(path).values())
    assert max(times.count(time) for time in set(times)) >= 5


def test_a_stream_loses_nothing_and_lets_nothing_overtake():
    path = Path(stream_loss=0.01, round_trip_ms=60)
    when = came(path)
    assert list(when) == [packet for _, packet in SENT]
    late = [delay for delay in delays(path) if delay]
    assert min(late) <= 20 and max(late) >= 120


def test_a_slow_clock_falls_behind():
    assert delays(Path(drift_ppm=1000))[-1] == 400
    assert delays(Path(drift_ppm=-1000))[-1] == -400

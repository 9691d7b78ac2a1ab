"""The judged traces, and the jitter buffer on each: concealed turns and play-out delay as the project promises them."""

import math

import pytest

from tincall.errors import OperatorError
from tincall.measure import delays

# trace: concealed at most, mean play-out delay at most; the first three are promised, the others hold what is reached
BOUNDS = {
    "uniform-50": (0.002, 85),
    "wifi-stalls": (0.005, 160),
    "tcp-1": (0.015, 180),
    "lan": (0.0005, 55),
    "exponential-15": (0.003, 115),
    "uniform-100": (0.002, 125),
    "tcp-3": (0.04, 185),
    "drift-100ppm": (0.001, 55),
}


def took(trace):
    return [came - sent for sent, came in zip(trace.sent_ms, trace.came_ms, strict=True)]


def test_every_trace_has_bounds():
    assert set(BOUNDS) == set(delays.TRACES)


@pytest.mark.parametrize("name", delays.TRACES)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_buffer_keeps_its_promise(name, seed):
    concealed, delay_ms = BOUNDS[name]
    found = delays.run(delays.trace(name, 120, seed), seed=seed)
    assert found.concealed <= concealed and 15 <= found.delay_ms <= delay_ms
    assert found.shortened + found.lengthened > 0


def test_the_same_seed_gives_the_same_and_another_does_not():
    one = delays.trace("uniform-50", 10, 1)
    assert one == delays.trace("uniform-50", 10, 1) != delays.trace("uniform-50", 10, 2)
    assert delays.run(one) == delays.run(one)
    assert took(delays.trace("lan", 10)) != took(delays.trace("drift-100ppm", 10))


@pytest.mark.parametrize(("name", "least", "most"), [("uniform-50", 0, 50), ("uniform-100", 0, 100), ("lan", 0, 50)])
def test_random_delays_stay_within_their_bounds(name, least, most):
    found = took(delays.trace(name, 60))
    assert len(found) == 3000 and least <= min(found) and max(found) <= most
    assert max(found) - min(found) > 0.6 * (most - least)


def test_the_exponential_has_its_mean():
    found = took(delays.trace("exponential-15", 120))
    assert sum(found) / len(found) == pytest.approx(15, abs=1)


def test_wifi_stalls_each_two_seconds_and_keeps_the_order():
    trace = delays.trace("wifi-stalls", 60)
    assert list(trace.came_ms) == sorted(trace.came_ms)
    starts = [n for n, (before, now) in enumerate(zip(took(trace), took(trace)[1:], strict=False)) if now > 30 > before]
    assert 28 <= len(starts) <= 30
    assert 60 < max(took(trace)) <= 150


def test_tcp_delays_and_never_loses():
    for name, share in (("tcp-1", 0.01), ("tcp-3", 0.03)):
        trace = delays.trace(name, 600)
        assert list(trace.came_ms) == sorted(trace.came_ms) and all(map(math.isfinite, trace.came_ms))
        # the first of those that a loss holds up came 120 ms late or later
        held = [now - before > 85 for before, now in zip(took(trace), took(trace)[1:], strict=False)]
        assert sum(held) / len(held) == pytest.approx(share, rel=0.25)


def test_drift_is_six_ms_a_minute():
    found = took(delays.trace("drift-100ppm", 600))
    # the sender's timestamps are 20 ms apart by its own clock
    sent = delays.trace("drift-100ppm", 600).sent_ms
    assert sent[-1] - (len(sent) - 1) * delays.FRAME_MS == pytest.approx(60, abs=0.1)
    assert max(found) < 50


def test_lost_packets_are_concealed():
    whole = delays.trace("lan", 60)
    holed = delays.Trace(whole.sent_ms, tuple(math.inf if n % 20 == 7 else at for n, at in enumerate(whole.came_ms)))
    found = delays.run(holed)
    assert found.concealed == pytest.approx(0.05, abs=0.002) and found.lost == 150


def test_a_lower_cap_trades_delay_for_concealment():
    trace = delays.trace("tcp-3", 120)
    high, low = delays.run(trace, cap_ms=240), delays.run(trace, cap_ms=140)
    assert low.delay_ms < high.delay_ms - 40 and low.concealed > high.concealed


def test_an_unknown_trace_is_named():
    with pytest.raises(OperatorError, match="'moon'.*lan"):
        delays.trace("moon")

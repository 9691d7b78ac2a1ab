"""Bad paths: the figures come out as asked, order is kept where it must be, and a seed repeats everything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tincall.simulator import impair
from tincall.simulator.impair import FramePath, FrameProfile, StreamPath, StreamProfile

START_MS = (1 << 30) - 500


def at(delta_ms):
    return (START_MS + delta_ms) % (1 << 30)


def frames(profile, count, every_ms=20):
    """Send numbered frames; gives (ms, number) of each that came, and the path."""
    path = FramePath(profile, START_MS)
    came = []
    for now_ms in range(0, count * every_ms + 20_000):
        if now_ms % every_ms == 0 and now_ms // every_ms < count:
            path.put((now_ms // every_ms).to_bytes(4, "big"), at(now_ms))
        came += [(now_ms, int.from_bytes(frame, "big")) for frame in path.due(at(now_ms))]
    return came, path


def test_a_good_path_changes_nothing():
    came, path = frames(FrameProfile(), 50)
    assert came == [(number * 20, number) for number in range(50)]
    assert path.next_wake_ms(at(0)) is None


def test_delay_and_jitter_stay_within_their_bounds():
    came, _ = frames(FrameProfile(delay_ms=100, jitter_ms=60), 400)
    delays = [now_ms - number * 20 for now_ms, number in came]
    assert len(came) == 400 and min(delays) >= 100 and max(delays) <= 160
    assert max(delays) - min(delays) > 40
    assert [number for _, number in came] != sorted(number for _, number in came)


@pytest.mark.parametrize(("loss", "burst"), [(0.02, 1), (0.05, 3), (0.2, 5), (1.0, 1)])
def test_loss_is_as_much_and_as_bursty_as_asked(loss, burst):
    came, path = frames(FrameProfile(loss=loss, burst=burst), 8000, every_ms=1)
    lost = sorted(set(range(8000)) - {number for _, number in came})
    assert path.lost == len(lost) == pytest.approx(8000 * loss, rel=0.25)
    if loss < 1:
        runs = 1 + sum(1 for a, b in zip(lost, lost[1:], strict=False) if b != a + 1)
        assert len(lost) / runs == pytest.approx(burst, rel=0.3)


def test_doubles_and_overtakers():
    came, path = frames(FrameProfile(duplicate=0.1, reorder=0.1), 2000)
    numbers = [number for _, number in came]
    assert path.doubled == len(numbers) - 2000 == pytest.approx(200, rel=0.3)
    assert path.overtaken == pytest.approx(220, rel=0.3)
    late = sum(1 for a, b in zip(numbers, numbers[1:], strict=False) if b < a)
    assert late == pytest.approx(180, rel=0.4)
    assert path.taken + path.doubled == path.lost + path.given


def test_a_stall_holds_everything_and_gives_it_at_once():
    came, _ = frames(FrameProfile(stall_every_ms=200, stall_ms=100), 100)
    assert len(came) == 100
    assert not [now_ms for now_ms, _ in came if 200 <= now_ms % 300 < 300]
    assert [number for now_ms, number in came if now_ms == 300] == [10, 11, 12, 13, 14, 15]


def test_the_same_seed_is_the_same_path():
    profile = FrameProfile(loss=0.1, duplicate=0.1, reorder=0.1, jitter_ms=50)
    assert frames(profile, 200)[0] == frames(profile, 200)[0]
    assert frames(profile, 200)[0] != frames(profile.model_copy(update={"seed": 2}), 200)[0]


def test_what_waits_is_bounded(monkeypatch):
    monkeypatch.setattr(impair, "FRAMES_MAX", 5)
    path = FramePath(FrameProfile(delay_ms=100), START_MS)
    for number in range(8):
        path.put(bytes([number]), START_MS)
    assert path.due(at(100)) == [bytes([number]) for number in range(3, 8)]
    assert (path.lost, path.given) == (3, 5)


def test_it_says_when_it_wants_to_be_asked():
    path = FramePath(FrameProfile(delay_ms=70), START_MS)
    path.put(b"x", at(0))
    assert path.next_wake_ms(at(0)) == 70
    assert path.next_wake_ms(at(90)) == 0


def stream(profile, pieces, until_ms=5000):
    """Send (ms, bytes); gives what came as (ms, bytes), and the path."""
    path = StreamPath(profile, START_MS)
    came = []
    for now_ms in range(until_ms):
        for at_ms, data in pieces:
            if at_ms == now_ms:
                path.put(data, at(now_ms))
        data = path.due(at(now_ms))
        if data:
            came.append((now_ms, data))
    return came, path


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=20),
    st.integers(0, 50),
    st.integers(0, 80),
    st.integers(0, 200),
)
def test_a_stream_keeps_its_order_and_its_bytes(pieces, delay_ms, jitter_ms, stall_ms):
    profile = StreamProfile(delay_ms=delay_ms, jitter_ms=jitter_ms, stall_after_bytes=30, stall_ms=stall_ms)
    came, _ = stream(profile, [(number * 5, piece) for number, piece in enumerate(pieces)], until_ms=600)
    assert b"".join(data for _, data in came) == b"".join(pieces)


def test_a_slow_stream_takes_its_time():
    came, _ = stream(StreamProfile(rate_bytes_s=1000), [(0, b"x" * 100), (0, b"y" * 200)])
    assert came == [(100, b"x" * 100), (300, b"y" * 200)]


def test_a_stall_happens_once():
    profile = StreamProfile(stall_after_bytes=10, stall_ms=300)
    came, _ = stream(profile, [(0, b"x" * 9), (10, b"y"), (20, b"z"), (900, b"w")])
    assert came == [(0, b"x" * 9), (310, b"yz"), (900, b"w")]


def test_a_cut_ends_the_stream_at_its_byte():
    came, path = stream(StreamProfile(cut_after_bytes=5), [(0, b"abc"), (1, b"defg"), (2, b"h")])
    assert came == [(0, b"abc"), (1, b"de")]
    assert path.is_cut


def test_a_stream_says_when_it_is_full():
    path = StreamPath(StreamProfile(delay_ms=10), START_MS)
    assert path.has_room and path.next_wake_ms(START_MS) is None
    path.put(bytes(impair.STREAM_MAX_BYTES), START_MS)
    assert not path.has_room and path.next_wake_ms(START_MS) == 10
    path.due(at(10))
    assert path.has_room

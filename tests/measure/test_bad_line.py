"""A bad line: late and in order, the same for the same seed, nothing lost, every byte counted."""

import itertools
import socket
import threading
import time

import pytest

from tincall.errors import OperatorError
from tincall.measure.bad_line import BadLine, LinePath, LineProfile

START_MS = (1 << 30) - 700  # so that the ring's seam is in every test
PATIENCE_S = 10


def at(ms):
    return (START_MS + ms) & ((1 << 30) - 1)


def delays(profile, way=0, count=500, step_ms=20):
    """Send a piece each `step_ms`; gives how late each one came, in ms."""
    path = LinePath(profile, way, START_MS)
    came = {}
    for now_ms in range(count * step_ms + 2000):
        number, rest = divmod(now_ms, step_ms)
        if not rest and number < count:
            path.put(number.to_bytes(2, "big"), at(now_ms))
        data = path.due(at(now_ms))
        for index in range(0, len(data), 2):
            came[int.from_bytes(data[index : index + 2], "big")] = now_ms
    assert list(came) == list(range(count))  # all of them, in order
    return [came_ms - number * step_ms for number, came_ms in came.items()]


def test_a_good_line_takes_no_time():
    assert set(delays(LineProfile())) == {0}


def test_delay_and_jitter_stay_within_their_bounds_and_use_them():
    found = delays(LineProfile(delay_ms=40, jitter_ms=50))
    assert min(found) < 60 and 80 < max(found) <= 90 and min(found) >= 40


@pytest.mark.parametrize("way", [0, 1])
def test_the_same_seed_gives_the_same_line_and_another_one_another(way):
    profile = LineProfile(jitter_ms=50, loss=0.02, round_trip_ms=60, seed=3)
    other = LineProfile(jitter_ms=50, loss=0.02, round_trip_ms=60, seed=4)
    assert delays(profile, way) == delays(profile, way) != delays(other, way)
    assert delays(profile, way) != delays(profile, 1 - way)


def test_stalls_are_as_long_and_as_often_as_asked_for_and_at_once_in_both_ways():
    profile = LineProfile(stall_every_ms=2000, stall_ms=(60, 150))
    up, down = (delays(profile, way, count=4000, step_ms=5) for way in (0, 1))
    assert up == down
    begins = [number for number, (last, late) in enumerate(itertools.pairwise(up)) if late > last]
    assert len(begins) == 10  # in 20 s
    longest = [up[number + 1] for number in begins]
    assert all(50 < one <= 150 for one in longest) and len(set(longest)) > 3


def test_what_is_lost_comes_after_three_more_and_a_round_trip_and_holds_up_what_follows():
    found = delays(LineProfile(loss=0.01, round_trip_ms=60))
    losses = [number for number, (last, late) in enumerate(itertools.pairwise(found)) if late > last]
    assert 1 <= len(losses) <= 12
    first = losses[0] + 1
    assert found[first : first + 7] == [120, 100, 80, 60, 40, 20, 0]


@pytest.fixture
def echo():
    """Give the port of a server that sends everything back."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    while data := peer.recv(65536):
                        peer.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def exchange(peer, data):
    """Send, and read as much; gives what came and how long it took in ms."""
    began = time.monotonic()
    peer.sendall(data)
    found = b""
    while len(found) < len(data):
        part = peer.recv(65536)
        assert part
        found += part
    return found, (time.monotonic() - began) * 1000


def connect(line):
    """Connect to a line as a board does."""
    return socket.create_connection(("127.0.0.1", line.port), PATIENCE_S)


def test_a_line_carries_and_counts_every_byte_and_is_late_once_it_is_bad(echo):
    with BadLine(echo, LineProfile(delay_ms=150)) as line, connect(line) as peer:
        data = bytes(range(256)) * 2000
        assert exchange(peer, data)[0] == data
        assert line.begin() == {"up": len(data), "down": len(data)}
        found, took_ms = exchange(peer, b"again")
        assert found == b"again" and took_ms >= 300
        assert line.count() == {"up": len(data) + 5, "down": len(data) + 5}
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(1) == b""
    line.close()  # harmless


def test_bytes_on_the_way_come_before_the_end():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        BadLine(server.getsockname()[1], LineProfile(delay_ms=100)) as line,
        connect(line) as board,
        server.accept()[0] as relay,
    ):
        relay.settimeout(PATIENCE_S)
        relay.sendall(b"x")
        assert board.recv(1) == b"x"  # the line has both its ends
        line.begin()
        board.sendall(b"last words")
        board.close()
        found = b""
        while part := relay.recv(100):
            found += part
        assert found == b"last words"


def test_a_relay_that_is_not_there_is_a_connection_that_ends():
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = server.getsockname()[1]
    with BadLine(nobody, LineProfile()) as line, connect(line) as peer:
        assert peer.recv(1) == b""


def test_a_line_that_died_says_so():
    with BadLine(1, LineProfile()) as line:
        line._process.kill()
        with pytest.raises(OperatorError, match="the bad line ended with status -9"):
            line.count()

"""What is changed in a rehearsed call's chain, and that nothing is by default."""

import json
import socket

import pytest

from tincall.measure import chain
from tincall.measure.bad_line import LineProfile
from tincall.measure.chain import BadChain, Chain
from tincall.simulator.impair import FrameProfile

PLATFORM = {
    "TINCALL__WECHAT__APPID": "wx00000000000000aa",
    "TINCALL__WECHAT__MODEL_ID": "model",
    "TINCALL__WECHAT__BASE_URL": "http://127.0.0.1:9",
}


def test_by_default_nothing_is_changed(tmp_path):
    announcement = tmp_path / "relay.json"
    announcement.write_text('{"device_port": 5}')
    one = Chain()
    assert one.settings({"A": "1"}) == {"A": "1"}
    one.relay_stands(5, announcement)
    one.dialling()
    one.answered()
    one.talked()
    assert announcement.read_text() == '{"device_port": 5}'


def test_where_packets_get_lost_the_relay_starts_its_own_worker_behind_a_far_side(tmp_path):
    lossy = FrameProfile(loss=0.05)
    found = BadChain(tmp_path, LineProfile(), (lossy, lossy)).settings({**PLATFORM, "A": "1"})
    command = json.loads(found["TINCALL__WORKER__COMMAND"])
    assert command[1:4] == ["-m", "tincall.measure.bad_media", str(tmp_path)]
    assert json.loads(command[4])["up"]["loss"] == 0.05
    assert command[6:8] == ["-m", "tincall.wechat.worker"] and json.loads(command[9])["url"] == "http://127.0.0.1:9"
    assert found["A"] == "1"


def test_where_none_gets_lost_nothing_stands_before_the_worker(tmp_path):
    one = BadChain(tmp_path, LineProfile(jitter_ms=5), None)
    assert one.settings(PLATFORM) == PLATFORM and one.far_side() is None


@pytest.fixture
def port():
    """Give a port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_boards_hear_of_the_line_in_the_relays_place_and_the_talk_alone_is_counted(tmp_path, port, monkeypatch):
    announcement = tmp_path / "relay.json"
    announcement.write_text(json.dumps({"ready": True, "device_port": port, "web_port": 7}))
    monkeypatch.setattr(chain.time, "monotonic", iter((100.0, 112.5)).__next__)
    with BadChain(tmp_path, LineProfile(), None) as one:
        one.relay_stands(port, announcement)
        told = json.loads(announcement.read_text())
        assert told == {"ready": True, "device_port": one.line.port, "web_port": 7} and one.line.port != port
        one.dialling()
        counts = [{"up": 100, "down": 50}, {"up": 1100, "down": 650}]
        monkeypatch.setattr(one.line, "count", lambda: counts.pop(0))
        one.answered()
        one.talked()
    assert one.talk_bytes == {"up": 1000, "down": 600} and one.talk_s == 12.5
    assert one.line._process.poll() == 0

"""`tincall stream --rtp`: which call, what the player is told, and packets as they were framed."""

import socket

import pytest
from commands import document, tincall

from tincall.cli import stream, stream_rtp
from tincall.errors import OperatorError


class FakeClient:
    """A relay with live calls, whose parties say what the test wants."""

    def __init__(self, live=(), pieces=()):
        self.live, self.pieces, self.asked = list(live), list(pieces), []

    def get(self, path, **query):
        return {"calls": [], "live": self.live}

    def stream(self, path, **query):
        self.asked.append((path, query))
        return self

    def __enter__(self):
        return iter(self.pieces)

    def __exit__(self, *_):
        pass


def talk(call_id="c1", state="answered", codec="PCMA"):
    return {"call_id": call_id, "state": state, "codec": codec}


@pytest.mark.parametrize(
    ("text", "found"), [("127.0.0.1:5004", ("127.0.0.1", 5004)), ("[::1]:9", ("::1", 9)), ("player:80", ("player", 80))]
)
def test_addresses_are_read(text, found):
    assert stream_rtp.address(text) == found


@pytest.mark.parametrize("text", ["", "5004", ":5004", "host:", "host:0", "host:65536", "host:x", "host:²"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(OperatorError, match="HOST:PORT") as refused:
        stream_rtp.address(text)
    assert refused.value.status == 2


def test_the_one_call_with_talk_is_found():
    client = FakeClient([talk("ringing", "ringing"), talk("c1")])
    assert stream_rtp.live_call(client, "")["call_id"] == "c1"
    assert stream_rtp.live_call(client, "c1")["call_id"] == "c1"
    for call_id in ("ringing", "c9"):
        with pytest.raises(OperatorError, match=f"nobody talks in call {call_id}"):
            stream_rtp.live_call(client, call_id)


def test_of_several_calls_one_must_be_named():
    client = FakeClient([talk("c1"), talk("c2")])
    with pytest.raises(OperatorError, match="2 calls go on"):
        stream_rtp.live_call(client, "")
    assert stream_rtp.live_call(client, "c2")["call_id"] == "c2"


@pytest.mark.parametrize(
    ("codec", "kind", "name"),
    [("PCMA", 8, "PCMA/8000"), ("G722", 9, "G722/8000"), ("L16", 96, "L16/16000"), ("DVI4", 5, "DVI4/8000")],
)
def test_a_player_is_told_what_comes(codec, kind, name):
    lines = stream_rtp.describe(codec, "127.0.0.1", 5004).split("\r\n")
    assert lines[0] == "v=0" and lines[-1] == ""
    assert (
        "c=IN IP4 127.0.0.1" in lines
        and f"m=audio 5004 RTP/AVP {kind} 13" in lines
        and f"a=rtpmap:{kind} {name}" in lines
    )


def test_frames_are_told_apart_wherever_they_are_cut():
    data = b"\0\x03one\0\0\x01\x00" + b"x" * 256 + b"\0\x05half"
    for size in (1, 2, 3, 7, 500):
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        assert list(stream_rtp.unframed(pieces)) == [b"one", b"", b"x" * 256]


def test_packets_go_to_the_port_as_they_are():
    client = FakeClient(pieces=[b"\0\x03one\0\x03", b"two"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player:
        player.bind(("127.0.0.1", 0))
        player.settimeout(5)
        done = stream_rtp.send(client, talk(), "phone", player.getsockname(), 10.0)
        assert [player.recv(100), player.recv(100)] == [b"one", b"two"]
    assert done == {"call": "c1", "party": "phone", "codec": "PCMA", "packets": 2, "bytes": 6}
    assert client.asked == [("/v1/calls/c1/rtp", {"party": "phone"})]


def test_it_ends_when_the_time_is_over():
    client = FakeClient(pieces=[b"\0\x03one"] * 1000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player:
        player.bind(("127.0.0.1", 0))
        assert stream_rtp.send(client, talk(), "phone", player.getsockname(), 0.0)["packets"] == 1


def test_it_ends_when_the_time_is_over_also_when_nobody_speaks():
    client = FakeClient(pieces=[b"\0\0"] * 1000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player:
        player.bind(("127.0.0.1", 0))
        done = stream_rtp.send(client, talk(), "phone", player.getsockname(), 0.0)
        assert (done["packets"], done["bytes"]) == (0, 0)
        player.setblocking(False)
        with pytest.raises(BlockingIOError):
            player.recv(10)


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(OperatorError, match="cannot be written"):
        stream_rtp.write_sdp(tmp_path / "no" / "call.sdp", "PCMA", ("127.0.0.1", 5004))


def test_the_command_tells_what_went_where(monkeypatch, tmp_path):
    client = FakeClient([talk(codec="G722")], [b"\0\x03one"])
    monkeypatch.setattr(stream, "Client", lambda data: _Closing(client))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player:
        player.bind(("127.0.0.1", 0))
        port = player.getsockname()[1]
        sdp = tmp_path / "call.sdp"
        done = tincall("stream", "--rtp", f"127.0.0.1:{port}", "--sdp", sdp, "--json")
    assert done.exit_code == 0, done.output
    assert document(done)["packets"] == 1 and f"m=audio {port} RTP/AVP 9 13" in sdp.read_text()


class _Closing:
    def __init__(self, client):
        self._client = client

    def __enter__(self):
        return self._client

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("--rtp", "127.0.0.1:9", "--record", "x.wav"),
        ("--rtp", "127.0.0.1:9", "--party", "cat"),
        ("--play", "x.wav"),
    ],
)
def test_wrong_words_are_status_2(wrong):
    assert tincall("stream", *wrong).exit_code == 2

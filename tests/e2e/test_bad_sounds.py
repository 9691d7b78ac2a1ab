"""WAV files of the wrong kind, wherever one can be given: the sentence names the file, what it is, and how to convert it."""

import struct

import numpy as np
import pytest
from chain import MARK, left_running, tincall, with_phones


def riff(kind=1, channels=1, rate_hz=8000, bits=16, data=b"\x10\x00" * 800):
    """Write a WAV file's bytes (RIFF, Multimedia Programming Interface 1.0)."""
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate_hz, rate_hz * block, block, bits)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


# file name: bytes and words of the complaint
FILES = {
    "eight-bit.wav": (riff(bits=8), "8-bit"),
    "three-channels.wav": (riff(channels=3), "3 channels"),
    "float.wav": (riff(kind=3, bits=32), "not a PCM WAV file"),
    "rate.wav": (riff(rate_hz=12345), "12345 samples a second"),
    "mp3-renamed.wav": (b"ID3\x04\x00\x00\x00\x00\x00\x00\xff\xfb\x90\x00" * 100, "not a PCM WAV file"),
    "empty.wav": (b"", "not a PCM WAV file"),
    "no-samples.wav": (riff(data=b""), "holds no samples"),
    "cut.wav": (riff()[:30], "not a PCM WAV file"),
    "random.wav": (np.random.default_rng(1).bytes(5000), "not a PCM WAV file"),
}


@pytest.fixture(params=[*FILES, "missing.wav", "folder.wav"])
def wrong(request, tmp_path):
    """Give a wrong file and words that its complaint must have."""
    path = tmp_path / request.param
    if request.param == "folder.wav":
        path.mkdir()
        return path, "cannot read"
    if request.param == "missing.wav":
        return path, "cannot read"
    data, words = FILES[request.param]
    path.write_bytes(data)
    return path, words


def assert_told(done, path, words):
    """Hold a command to one complaint about a file."""
    said = done.complaint()
    assert str(path) in said and words in said
    assert "\n" in said, "and what to do"


def test_the_demos_clip(wrong, tmp_path):
    path, words = wrong
    done = tincall("demo", "--clip", path, "--board", "cpython", cwd=tmp_path, **{MARK: str(tmp_path)})
    assert_told(done, path, words)
    assert "relay" not in done.err, "nothing was started"
    assert left_running(tmp_path) == []


# it reads them as the demo does: one kind of each sort of complaint
@with_phones("answers")
@pytest.mark.parametrize("wrong", ["eight-bit.wav", "cut.wav", "missing.wav", "folder.wav"], indirect=True)
def test_the_boards_microphone(relay, wrong, tmp_path):
    path, words = wrong
    relay.enrol(f"MIC-{path.stem}", tmp_path / "board")
    done = tincall("emulate", "--folder", tmp_path / "board", "--board", "cpython", "--mic", path)
    assert_told(done, path, words)
    assert left_running(tmp_path) == []


@with_phones("answers")
def test_a_stream_into_a_running_board(relay, tmp_path):
    with relay.board("cpython") as board:
        for name, (data, words) in FILES.items():
            (tmp_path / name).write_bytes(data)
            assert_told(tincall("stream", board.folder, "--play", tmp_path / name), tmp_path / name, words)
        gone = tmp_path / "gone" / "ear.wav"
        said = tincall("stream", board.folder, "--record", gone).complaint()
        assert str(gone) in said
        board.press("call")
        board.wait_call("ANSWERED")  # it is none the worse for it


def test_a_stream_without_a_board(tmp_path, tone):
    done = tincall("stream", tmp_path / "nowhere", "--play", tone)
    assert done.status == 1
    assert "no board runs in" in done.complaint() and "tincall emulate --folder" in done.complaint()
    assert tincall("stream", tmp_path).status == 2


def test_a_phone_whose_clip_is_wrong_ends_the_call_and_says_why(own_relay, tmp_path):
    path = tmp_path / "eight-bit.wav"
    path.write_bytes(FILES["eight-bit.wav"][0])
    relay = own_relay([{"id": "alice", "answer_after_ms": 100, "speak": str(path)}])
    with relay.board("cpython") as board:
        board.press("call")
        ended = board.wait_call("ENDED")
        assert ended["cause"] == 41
        record = relay.settled(board.sn, lambda record: record["worker_report"] is not None)
        assert (record["state"], record["cause"], record["released_by"]) == ("ended", 41, "phone")
        assert "8-bit" in record["worker_report"]["error"]
        assert "8-bit" in relay.run("calls", record["call_id"]).out
    assert relay.stop() == 0
    assert "Traceback" not in relay.log()

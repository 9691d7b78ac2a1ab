"""Any RTP player can play what a board sends: FFmpeg does, from a live call, by the SDP file that was written for it."""

import socket
import threading

import numpy as np
import pytest
from chain import with_phones
from support.checkout import CHECKOUT

from tincall import wav
from tincall.cli import stream_rtp
from tincall.measure import speech

RATE_HZ = 16000
SPEECH = CHECKOUT / ".cache" / "speech" / "librivox-0870.wav"
LISTEN_S = 7.0

av = pytest.importorskip("av")


class Player(threading.Thread):
    """FFmpeg as a player: plays an SDP file until no more comes.

    Args:
        sdp: the file.
    """

    def __init__(self, sdp):
        super().__init__(daemon=True)
        self.sdp, self.heard, self.fault = sdp, [], None

    def run(self):
        options = {"protocol_whitelist": "file,udp,rtp", "reorder_queue_size": "0"}
        try:
            with av.open(str(self.sdp), format="sdp", options=options, timeout=(15.0, 2.0)) as played:
                step = av.AudioResampler("s16", "mono", RATE_HZ)
                for frame in played.decode(audio=0):
                    self.heard += [part.to_ndarray()[0] for part in step.resample(frame)]
        except av.error.FFmpegError as error:
            self.fault = error  # the end: nothing came for two seconds

    def sound(self):
        return np.concatenate(self.heard) if self.heard else np.zeros(0, np.int16)


def two_free_ports():
    """Find an even port with its neighbour, for RTP and RTCP."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
        ):
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                if port % 2 == 0:
                    two.bind(("127.0.0.1", port + 1))
                    return port
            except OSError:
                pass


@pytest.mark.alone
@with_phones("answers")
def test_ffmpeg_plays_a_call(relay, tmp_path):
    port = two_free_ports()
    sdp = tmp_path / "call.sdp"
    with relay.board("unix", "--mic", SPEECH) as board:
        board.press("call")
        board.wait_call("ANSWERED")
        codec = relay.run("calls", "--json").document()["live"][0]["codec"]
        sdp.write_text(stream_rtp.describe(codec, "127.0.0.1", port))
        player = Player(sdp)
        player.start()
        done = relay.run(
            "stream", "--rtp", f"127.0.0.1:{port}", "--sdp", tmp_path / "same.sdp", "--seconds", LISTEN_S, "--json"
        )
        player.join(20)
        board.press("end")
        board.wait_call("ENDED")
    told = done.document()
    assert told["codec"] == codec == "G722" and told["packets"] > 0.8 * LISTEN_S * 50
    assert (tmp_path / "same.sdp").read_text() == sdp.read_text()
    heard = player.sound()
    assert len(heard) > 0.7 * LISTEN_S * RATE_HZ, player.fault
    assert "an operator listens" in relay.log()
    # listening begins as soon as the command has started: before the first word, or three seconds later on a slow machine
    said = wav.load(SPEECH, RATE_HZ)[3 * RATE_HZ : 6 * RATE_HZ]
    score = speech.score(said, _most_like(said, heard), RATE_HZ, speech.WIDE)
    assert score is not None and score > 3.5


def _most_like(said, heard):
    """Cut a piece of speech out of a recording that began anywhere."""
    line = np.concatenate([heard, np.zeros(len(said), np.int16)])
    size = 1 << (len(line) + len(said)).bit_length()
    alike = np.fft.irfft(np.fft.rfft(line, size) * np.conj(np.fft.rfft(said.astype(float), size)), size)
    begin = int(np.argmax(alike[: len(heard)]))
    return line[begin : begin + len(said)]

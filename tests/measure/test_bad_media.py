"""A far side that loses packets: what a seed says is lost, everything else comes in order, and every fate is told."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tincall.measure import bad_media
from tincall.simulator.impair import FrameProfile
from tincall.worker.protocol import MAX_MEDIA_BYTES

PATIENCE_S = 20
GOOD = FrameProfile()
ECHO = """
import argparse, socket, sys
parser = argparse.ArgumentParser()
parser.add_argument("--control-fd", type=int)
parser.add_argument("--media-fd", type=int)
parser.add_argument("--room-end")
given = parser.parse_args()
control, media = (socket.socket(fileno=fd) for fd in (given.control_fd, given.media_fd))
control.send(b"ready " + given.room_end.encode())
came = 0
media.setblocking(False)
while word := control.recv(4096):
    while True:  # what was sent before the word is here already
        try:
            media.send(media.recv(2048))
        except BlockingIOError:
            break
        came += 1
    control.send(word + b" %d" % came)
    if word == b"release":
        sys.exit(3)
sys.exit(4)
"""


class Relay:
    """A relay's ends of the sockets of a worker that stands behind a far side."""

    def __init__(self, folder, up, down):
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in ("control", "media")]
        (self.control, control), (self.media, media) = pairs
        numbers = ["--control-fd", str(control.fileno()), "--media-fd", str(media.fileno())]
        command = bad_media.command(folder, (up, down), [sys.executable, "-c", ECHO, "--room-end", "plan"])
        self.process = subprocess.Popen([*command, *numbers], pass_fds=(control.fileno(), media.fileno()))
        control.close()
        media.close()
        self.control.settimeout(PATIENCE_S)
        self.media.settimeout(PATIENCE_S)

    def say(self, word):
        """Say a word; gives the answer."""
        self.control.send(word)
        return self.control.recv(4096)

    def sent_back(self):
        """Give the packets that have come back."""
        found = []
        self.media.setblocking(False)
        while True:
            try:
                packet = self.media.recv(MAX_MEDIA_BYTES)
            except BlockingIOError:
                return found
            if not packet:
                return found
            found.append(packet)

    def close(self):
        self.control.close()
        self.media.close()
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def relay(tmp_path):
    """Give a function that makes a relay; its processes end with the test."""
    made = []

    def make(up=GOOD, down=GOOD):
        made.append(Relay(tmp_path, up, down))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_without_faults_everything_comes_in_the_order_of_both_sockets(relay, tmp_path):
    one = relay()
    assert one.control.recv(4096) == b"ready plan"
    sent = [bytes([number]) * 172 for number in range(12)]
    for packet in sent[:10]:
        one.media.send(packet)
    assert one.say(b"start") == b"start 10"  # packets before the word have been taken before it
    for packet in sent[10:]:
        one.media.send(packet)
    assert one.say(b"release") == b"release 12"
    assert one.sent_back() == sent  # and come back before the answer
    assert one.close() == 3
    fates = {"taken": 12, "lost": 0, "doubled": 0, "overtaken": 0, "given": 12, "refused": 0}
    assert bad_media.figures(tmp_path) == {"up": fates, "down": fates}


def test_what_a_seed_loses_is_lost_each_time_and_counted(relay, tmp_path):
    came = []
    for _ in range(2):
        one = relay(up=FrameProfile(loss=0.3, seed=5), down=FrameProfile(loss=0.2, seed=6))
        one.control.recv(4096)
        for number in range(15):
            one.media.send(bytes([number]) * 100)
        one.say(b"release")
        came.append(one.sent_back())
        one.close()
    assert came[0] == came[1] and 3 < len(came[0]) < 15
    up, down = (bad_media.figures(tmp_path)[way] for way in bad_media.WAYS)
    assert up["taken"] == 15 == up["lost"] + up["given"] and up["lost"] > 0
    assert down["taken"] == up["given"] and down["given"] == len(came[0]) and down["lost"] > 0


def test_a_relay_that_goes_ends_the_worker_and_the_far_side_with_its_status(relay):
    one = relay()
    one.control.recv(4096)
    assert one.close() == 4


def test_a_worker_that_dies_ends_the_far_side_with_its_status(relay):
    one = relay()
    one.control.recv(4096)
    children = Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    assert one.control.recv(4096) == b""  # by which the relay learns of it
    assert one.process.wait(PATIENCE_S) != 0


def test_spare_workers_have_no_figures(tmp_path):
    assert bad_media.figures(tmp_path) is None
    nothing = {way: {"taken": 0} for way in bad_media.WAYS}
    (tmp_path / "1.json").write_text(json.dumps(nothing))
    assert bad_media.figures(tmp_path) is None
    talked = {"up": {"taken": 0}, "down": {"taken": 4}}
    (tmp_path / "2.json").write_text(json.dumps(talked))
    assert bad_media.figures(tmp_path) == talked

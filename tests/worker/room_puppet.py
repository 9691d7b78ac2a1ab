"""A room end that does one thing wrong, or all of them right: `python room_puppet.py BEHAVIOUR [FILE]`.

FILE, if given, gets what it was told to open, and how it saw the end.
"""

import json
import os
import sys
import time

behaviour = sys.argv[1]
source, sink = sys.stdin.buffer, sys.stdout.buffer
FRAME = bytes(range(256)) * 2 + bytes(128)


def say(**message):
    data = json.dumps(message).encode()
    sink.write(b"J" + len(data).to_bytes(2, "little") + data)
    sink.flush()


def frame():
    sink.write(b"P\x80\x02" + FRAME)
    sink.flush()


def hear():
    """Give the next message; frames are passed over, the end ends the process."""
    while True:
        head = source.read(3)
        if len(head) < 3:
            note("end of pipe")
            sys.exit(0)
        payload = source.read(int.from_bytes(head[1:], "little"))
        if head[:1] == b"J":
            return json.loads(payload)


def note(text):
    if len(sys.argv) > 2:
        with open(sys.argv[2], "a") as file:
            file.write(text + "\n")


def ready():
    opening = hear()
    note(json.dumps(opening))
    note(f"pid {os.getpid()} fds {sorted(os.listdir('/proc/self/fd'))} argv {sys.argv} env {sorted(os.environ)}")
    say(t="ready", kind="puppet", version="1")


def close():
    while hear()["t"] != "close":
        pass
    say(t="closed")


def good():
    ready()
    assert hear()["t"] == "join"
    for number in (0, 1, 2):
        say(t="status", number=number)
    frame()
    message = hear()
    if message["t"] == "hangup":
        note(f"hangup {message['reason']}")
        say(t="status", number=5)
    close()


def declines():
    ready()
    note(json.dumps(hear()))
    close()


def decline_fails():
    ready()
    hear()
    say(t="failed", step="listener_hangup", number=3, text="no such call")
    close()


def join_fails():
    ready()
    hear()
    say(t="failed", step="join", number=15, text="no appid")
    close()


def exit_early():
    sys.exit(3)


def never_ready():
    time.sleep(600)


def fails_to_open():
    hear()
    say(t="failed", step="open", number=9, text="the clock is wrong")
    hear()


def garbage():
    sink.write(b"hello, world")
    sink.flush()
    time.sleep(600)


def never_joins():
    ready()
    while True:
        hear()


def dies_in_the_room():
    ready()
    hear()
    say(t="status", number=2)
    sys.exit(4)


def talks_out_of_turn():
    ready()
    hear()
    say(t="status", number=2)
    time.sleep(600)


def never_closes():
    ready()
    hear()
    say(t="status", number=2)
    while True:
        hear()


def deaf_in_the_room():
    ready()
    hear()
    say(t="status", number=2)
    time.sleep(600)


def closes_but_stays():
    ready()
    close()
    time.sleep(600)


globals()[behaviour]()

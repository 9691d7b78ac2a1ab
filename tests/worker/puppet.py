"""A worker that does one thing wrong, or all of them right: `python puppet.py BEHAVIOUR --control-fd N --media-fd M`."""

import json
import socket
import sys
import time

behaviour = sys.argv[1]
control = socket.socket(fileno=int(sys.argv[sys.argv.index("--control-fd") + 1]))
media = socket.socket(fileno=int(sys.argv[sys.argv.index("--media-fd") + 1]))
PACKET = b"\x80\x08" + bytes(170)


def say(**message):
    control.send(json.dumps(message).encode())


def hear():
    datagram = control.recv(4096)
    if not datagram:
        sys.exit(0)
    return json.loads(datagram)


def ready():
    say(t="ready", v=1, kind="puppet", codecs=["PCMA"])


def never_ready():
    time.sleep(600)


def exit_early():
    sys.exit(3)


def wrong_version():
    say(t="ready", v=2, kind="puppet", codecs=["PCMA"])
    hear()


def garbage():
    control.send(b"\xff\x00 not a message")
    time.sleep(600)


def die_as_spare():
    ready()
    sys.exit(0)


def talk_as_spare():
    ready()
    say(t="ringing")
    hear()


def media_as_spare():
    ready()
    media.send(PACKET)
    hear()


def garbage_in_call():
    ready()
    hear()
    control.send(b"{")
    time.sleep(600)


def flood_control():
    ready()
    hear()
    while True:
        say(t="ringing")


def flood_media():
    ready()
    start = hear()
    say(t="answer", media=start["media"])
    while True:
        media.send(PACKET)


def long_packet():
    ready()
    start = hear()
    say(t="answer", media=start["media"])
    media.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    media.send(bytes(2049))
    time.sleep(600)


def mute():
    # answers, hears the release, and never reports nor ends
    ready()
    start = hear()
    say(t="answer", media=start["media"])
    while True:
        time.sleep(600)


def stays():
    # reports in order, but does not end
    ready()
    hear()
    hear()
    say(t="report", figures={"sent": 0, "received": 0})
    time.sleep(600)


def good():
    ready()
    start = hear()
    say(t="ringing")
    say(t="answer", media=start["media"])
    for _ in range(5):
        media.send(PACKET)
    while hear()["t"] != "release":
        pass
    say(t="report", figures={"sent": 5, "received": 0})


globals()[behaviour]()

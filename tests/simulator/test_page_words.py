"""The page's vocabulary: who may say what, and nothing else gets through."""

import json

import pytest

from callcore.errors import LocalError, MessageError
from tincall.simulator.page_words import CONSENTS, GATE, PAGE, TEXT_MAX_BYTES, WORDS
from tincall.simulator.room import ENDS

ROOM = "r" * 128


def heard(**message):
    return WORDS.decode(json.dumps(message).encode(), PAGE)


@pytest.mark.parametrize(
    "message",
    [
        {"t": "hello", "v": 1, "token": "x"},
        {"t": "answer", "room": ROOM},
        {"t": "call", "sn": "sn-1", "kind": "video"},
        {"t": "mute", "room": ROOM, "on": False},
        {"t": "consent", "sn": "sn-1", "allow": True},
        {"t": "report", "room": ROOM, "figures": {"delayMs": 1.5, "played": 7}},
        {"t": "ping", "n": 0},
    ],
)
def test_what_a_page_says_is_read_as_it_was(message):
    assert heard(**message) == message


@pytest.mark.parametrize(
    "message",
    [
        {"t": "hello", "v": 2, "token": "x"},
        {"t": "hello", "v": 1},
        {"t": "answer"},
        {"t": "answer", "room": ""},
        {"t": "answer", "room": "r" * 129},
        {"t": "answer", "room": "r\n"},
        {"t": "call", "sn": "sn-1", "kind": "fax"},
        {"t": "mute", "room": ROOM, "on": 1},
        {"t": "report", "room": ROOM, "figures": {"a": "b"}},
        {"t": "report", "room": ROOM, "figures": {str(n): n for n in range(25)}},
        {"t": "ping", "n": -1},
        {"t": "ring", "call": {}},
        {"t": "dance"},
        {},
    ],
)
def test_anything_else_is_refused(message):
    with pytest.raises(MessageError):
        heard(**message)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"t":"ping","n":1,"n":2}', b"x" * (TEXT_MAX_BYTES + 1)])
def test_what_is_no_message_is_refused(data):
    with pytest.raises(MessageError):
        WORDS.decode(data, PAGE)


def test_every_end_of_a_room_can_be_told():
    for why in (*ENDS, "lost"):
        assert json.loads(WORDS.encode({"t": "over", "room": "r", "why": why}, GATE))["why"] == why
    with pytest.raises(LocalError):
        WORDS.encode({"t": "over", "room": "r", "why": "tired"}, GATE)


def test_consents_are_the_three_that_the_page_shows():
    assert CONSENTS == ("unasked", "allowed", "refused")

"""The words between relay and worker: everything allowed passes unchanged, nothing else passes."""

import json

import pytest

from callcore.errors import LocalError, MessageError
from tincall.leg import Media
from tincall.worker import protocol
from tincall.worker.protocol import FROM_RELAY, FROM_WORKER, decode, encode

MEDIA = {"codec": "PCMA", "ptime": 20, "ssrc": 1, "remote_ssrc": 0xFFFFFFFF}
START = {"t": "start", "call": "c-1", "role": "callee", "phone": {"id": "mum"}, "media": MEDIA, "ring_ms": 5000}
READY = {"t": "ready", "v": 1, "kind": "simulator", "codecs": ["PCMA", "PCMU"]}


@pytest.mark.parametrize(
    ("message", "sender"),
    [
        (READY, FROM_WORKER),
        (START, FROM_RELAY),
        ({"t": "ringing"}, FROM_RELAY),
        ({"t": "ringing"}, FROM_WORKER),
        ({"t": "answer", "media": MEDIA}, FROM_RELAY),
        ({"t": "answer", "media": MEDIA}, FROM_WORKER),
        ({"t": "release", "cause": 16}, FROM_RELAY),
        ({"t": "release", "cause": 999}, FROM_WORKER),
        ({"t": "release", "cause": 16, "reason": 1}, FROM_RELAY),
        ({"t": "room", "room": {"room_id": "r"}}, FROM_RELAY),
        ({"t": "status", "number": 0}, FROM_WORKER),
        ({"t": "report", "figures": {"sent": 1, "heard": "Grüße.wav"}}, FROM_WORKER),
    ],
)
def test_what_is_allowed_comes_through(message, sender):
    assert decode(encode(message, sender), sender) == message


def test_fields_that_nobody_knows_are_dropped():
    assert decode(json.dumps({**READY, "colour": 3}).encode(), FROM_WORKER) == READY


WRONG = [
    ({}, FROM_RELAY, "no control message"),
    ({"t": "dance"}, FROM_RELAY, "'dance'"),
    ({"t": ["ready"]}, FROM_WORKER, "no control message"),
    ({"t": "x" * 500}, FROM_RELAY, "no control message"),
    (READY, FROM_RELAY, "does not come from the relay"),
    (START, FROM_WORKER, "does not come from the worker"),
    ({"t": "report", "figures": {}}, FROM_RELAY, "does not come from"),
    ({**READY, "v": 2}, FROM_WORKER, "wrong 'v'"),
    ({**READY, "v": True}, FROM_WORKER, "wrong 'v'"),
    ({**READY, "kind": ""}, FROM_WORKER, "wrong 'kind'"),
    ({**READY, "kind": "a\nb"}, FROM_WORKER, "wrong 'kind'"),
    ({**READY, "codecs": []}, FROM_WORKER, "wrong 'codecs'"),
    ({**READY, "codecs": "PCMA"}, FROM_WORKER, "wrong 'codecs'"),
    ({**READY, "codecs": ["PCMA"] * 17}, FROM_WORKER, "wrong 'codecs'"),
    ({"t": "release"}, FROM_WORKER, "lacks 'cause'"),
    ({"t": "release", "cause": 0}, FROM_WORKER, "wrong 'cause'"),
    ({"t": "release", "cause": 16.0}, FROM_WORKER, "wrong 'cause'"),
    ({"t": "release", "cause": "16"}, FROM_WORKER, "wrong 'cause'"),
    ({"t": "release", "cause": 16, "reason": -1}, FROM_RELAY, "wrong 'reason'"),
    ({"t": "release", "cause": 16, "reason": None}, FROM_RELAY, "wrong 'reason'"),
    ({"t": "room", "room": "r"}, FROM_RELAY, "wrong 'room'"),
    ({"t": "room", "room": {}}, FROM_WORKER, "does not come from the worker"),
    ({"t": "status", "number": "2"}, FROM_WORKER, "wrong 'number'"),
    ({"t": "status", "number": 1000}, FROM_WORKER, "wrong 'number'"),
    ({"t": "status", "number": 2}, FROM_RELAY, "does not come from the relay"),
    ({"t": "report", "figures": [1]}, FROM_WORKER, "wrong 'figures'"),
    ({**START, "call": "x" * 65}, FROM_RELAY, "wrong 'call'"),
    ({**START, "role": "guest"}, FROM_RELAY, "wrong 'role'"),
    ({**START, "role": None}, FROM_RELAY, "wrong 'role'"),
    ({**START, "phone": "mum"}, FROM_RELAY, "wrong 'phone'"),
    ({**START, "ring_ms": 0}, FROM_RELAY, "wrong 'ring_ms'"),
    ({**START, "media": {**MEDIA, "codec": "MP3"}}, FROM_RELAY, "wrong 'media'"),
    ({**START, "media": {**MEDIA, "codec": ["PCMA"]}}, FROM_RELAY, "wrong 'media'"),
    ({**START, "media": {**MEDIA, "ptime": 30}}, FROM_RELAY, "wrong 'media'"),
    ({**START, "media": {**MEDIA, "ssrc": -1}}, FROM_RELAY, "wrong 'media'"),
    ({**START, "media": {**MEDIA, "remote_ssrc": 1 << 32}}, FROM_RELAY, "wrong 'media'"),
    ({**START, "media": None}, FROM_RELAY, "wrong 'media'"),
]


@pytest.mark.parametrize(("message", "sender", "sentence"), WRONG)
def test_what_is_not_allowed_is_an_event_when_heard_and_a_bug_when_said(message, sender, sentence):
    with pytest.raises(MessageError, match=sentence):
        decode(json.dumps(message).encode(), sender)
    with pytest.raises(LocalError, match=sentence):
        encode(message, sender)


@pytest.mark.parametrize(
    "datagram",
    [b"", b"{", b"\xff\xfe", b"[]", b"3", b"null", b'"ready"', b'{"t":"ringing","t":"ringing"}', b"[" * 4096]
    + [b'{"t":"release","cause":NaN}', b'{"t":"release","cause":' + b"9" * 4000 + b"}", b" " * 4097],
)
def test_what_is_no_message_is_refused(datagram):
    with pytest.raises(MessageError):
        decode(datagram, FROM_WORKER)


def test_a_message_that_is_too_long_is_refused_on_both_sides():
    report = {"t": "report", "figures": {"heard": "x" * 4096}}
    with pytest.raises(MessageError, match="4096"):
        decode(json.dumps(report).encode(), FROM_WORKER)
    with pytest.raises(LocalError, match="at most 4096"):
        encode(report, FROM_WORKER)


@pytest.mark.parametrize("figure", [float("nan"), {1, 2}, "\ud800"])
def test_what_json_cannot_hold_is_a_bug(figure):
    with pytest.raises(LocalError, match="cannot be written"):
        encode({"t": "report", "figures": {"sent": figure}}, FROM_WORKER)


def test_media_goes_through_its_fields():
    media = Media("PCMU", 40, 1, 2)
    assert protocol.media_of({**protocol.media_fields(media), "more": 1}) == media
    noisy = Media("PCMU", 40, 1, 2, cn=True)
    assert protocol.media_of(protocol.media_fields(noisy)) == noisy


def test_comfort_noise_is_true_or_false():
    fields = protocol.media_fields(Media("PCMU", 40, 1, 2))
    with pytest.raises(MessageError):
        decode(json.dumps({"t": "answer", "media": {**fields, "cn": 1}}).encode(), FROM_WORKER)

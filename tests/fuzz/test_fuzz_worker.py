"""Any bytes from a worker are a message or the named error, and any packet is counted, never more."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from callcore.errors import MessageError
from tincall.leg import Media
from tincall.worker.media import TICK_SAMPLES, PhoneAudio
from tincall.worker.protocol import FROM_RELAY, FROM_WORKER, MESSAGES, decode, encode

SENDERS = st.sampled_from([FROM_RELAY, FROM_WORKER])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(sorted({field for _, fields in MESSAGES.values() for field in fields}))


def judge(datagram, sender):
    try:
        message = decode(datagram, sender)
    except MessageError:
        return
    assert decode(encode(message, sender), sender) == message


@given(st.binary(max_size=5000), SENDERS)
def test_any_bytes(datagram, sender):
    judge(datagram, sender)


@given(st.sampled_from(sorted(MESSAGES)), st.dictionaries(FIELDS, VALUES, max_size=6), SENDERS)
def test_any_fields(name, fields, sender):
    judge(json.dumps({**fields, "t": name}).encode(), sender)


@given(
    st.lists(
        st.binary(max_size=200)
        | st.builds(
            lambda seq: b"\x80\x08" + seq + bytes(4) + b"\0\0\0\2" + bytes(160), st.binary(min_size=2, max_size=2)
        ),
        max_size=40,
    )
)
def test_any_packets(given_packets):
    audio = PhoneAudio(Media("PCMA", 20, 1, 2), lambda packet: True, 0, 0)
    silence = np.zeros(TICK_SAMPLES, dtype=np.int16)
    for tick, packet in enumerate(given_packets):
        audio.take(packet, tick * 20)
        assert audio.tick(tick * 20, silence).shape == (TICK_SAMPLES,)
    figures = audio.figures()
    assert figures["received"] == len(given_packets) and figures["sent"] == len(given_packets)
    assert min(value for value in figures.values()) >= 0

"""Numbering of packets: golden headers in a row, wraps, and no heap."""

import binascii
import json

from callcore import wire
from callcore.compat import MICROPYTHON
from callcore.packetizer import Packetizer

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/rtp.json") as file:
    VECTORS = json.load(file)


def test_headers_of_a_stream_are_the_golden_ones():
    packetizer = Packetizer(8, 160, 0x5CA1AB1E, 0x4567, 0x00C0FFEE)
    buf = bytearray(16)
    for case in VECTORS["headers"][:2]:
        assert packetizer.header(buf, 3, case["marker"]) == 15
        assert buf[3:15] == binascii.unhexlify(case["header"]), case["name"]
    assert packetizer.sent == 2
    assert buf[:3] == bytes(3) and buf[15] == 0


def test_numbers_wrap():
    for case in VECTORS["advances"]:
        seq, stamp, ssrc = case["state"]
        packetizer = Packetizer(0, case["samples"], ssrc, seq, stamp)
        buf = bytearray(12)
        for seq, stamp, ssrc in [case["state"]] + case["next"]:
            packetizer.header(buf, 0, 0)
            assert wire.seq(buf, 0) == seq, case
            assert buf[4:8] == stamp.to_bytes(4, "big"), case
            assert buf[8:12] == ssrc.to_bytes(4, "big"), case


def test_marker_and_payload_type_are_those_asked_for():
    for payload_type in (0, 8, 127):
        packetizer = Packetizer(payload_type, 160, 1, 0, 0)
        buf = bytearray(12)
        for marker in (1, 0, 1):
            packetizer.header(buf, 0, marker)
            assert wire.marker(buf, 0) == marker
            assert wire.payload_type(buf, 0) == payload_type
            assert wire.check(buf, 0, 12) == wire.SOUND


def test_two_streams_do_not_share_a_state():
    one = Packetizer(8, 160, 1, 10, 0)
    two = Packetizer(8, 160, 2, 20, 0)
    buf = bytearray(12)
    one.header(buf, 0, 0)
    two.header(buf, 0, 0)
    assert wire.seq(buf, 0) == 20
    one.header(buf, 0, 0)
    assert wire.seq(buf, 0) == 11
    assert (one.sent, two.sent) == (2, 1)


def test_silence_passes_time_and_noise_takes_none():
    packetizer = Packetizer(8, 160, 1, 65535, 0xFFFFFFF0)
    buf = bytearray(12)

    def told():
        return wire.seq(buf, 0), int.from_bytes(buf[4:8], "big"), wire.payload_type(buf, 0), wire.marker(buf, 0)

    assert packetizer.noise(buf, 0) == 12
    assert told() == (65535, 0xFFFFFFF0, 13, 0)
    packetizer.skip(1)
    packetizer.header(buf, 0, 1)
    assert told() == (0, 0x90, 8, 1)
    packetizer.skip(3)
    packetizer.skip(-1)
    packetizer.header(buf, 0, 0)
    assert told() == (1, 0x130 + 320, 8, 0)
    packetizer.skip(-6)
    packetizer.header(buf, 0, 0)
    assert told() == (2, 0x1D0 + 320 - 960 & 0xFFFFFFFF, 8, 0)
    assert packetizer.sent == 4


if MICROPYTHON:
    import micropython

    def under_lock(packetizer, buf):
        micropython.heap_lock()
        try:
            for _ in range(400):
                packetizer.header(buf, 0, 0)
        finally:
            micropython.heap_unlock()

    def test_a_talk_across_both_wraps_takes_no_heap():
        packetizer = Packetizer(8, 160, 2**32 - 1, 65400, 2**32 - 20000)
        under_lock(packetizer, bytearray(12))
        assert packetizer.sent == 400

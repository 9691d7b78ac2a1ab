"""The RTP header: golden bytes, wraps, what is refused, and no heap."""

import binascii
import json
from array import array

from callcore import wire
from callcore.compat import MICROPYTHON

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/rtp.json") as file:
    VECTORS = json.load(file)


def stamped(stamp):
    """A packet with a timestamp and nothing else."""
    packet = bytearray(12)
    wire.write_header(packet, 0, 0, 0, array("I", [0, stamp, 0]))
    return packet


def test_headers_byte_for_byte_at_every_alignment():
    for case in VECTORS["headers"]:
        state = array("I", case["state"])
        for off in (0, 1, 2, 3, 7):
            buf = bytearray(b"\xa5" * 24)
            end = wire.write_header(buf, off, case["marker"], case["payload_type"], state)
            assert end == off + wire.RTP_HEADER_BYTES
            assert buf[off:end] == binascii.unhexlify(case["header"]), case["name"]
            assert buf[:off] == b"\xa5" * off and buf[end:] == b"\xa5" * (24 - end), case["name"]
        assert list(state) == case["state"], case["name"]


def test_fields_are_read_back():
    for case in VECTORS["headers"]:
        buf = bytearray(3) + bytearray(binascii.unhexlify(case["header"]))
        assert wire.seq(buf, 3) == case["state"][0], case["name"]
        assert wire.payload_type(buf, 3) == case["payload_type"], case["name"]
        assert wire.marker(buf, 3) == case["marker"], case["name"]
        assert wire.check(buf, 3, 12) == wire.SOUND, case["name"]


def test_a_state_advances_and_wraps():
    for case in VECTORS["advances"]:
        state = array("I", case["state"])
        for expected in case["next"]:
            wire.advance(state, case["samples"])
            assert list(state) == expected, case


def test_differences_of_timestamps():
    for case in VECTORS["deltas"]:
        later = bytearray(5) + stamped(case["stamp"])
        base = bytearray(2) + stamped(case["base"])
        assert wire.stamp_delta(later, 5, base, 2) == case["delta"], case


def test_far_timestamps_are_clipped_to_their_side():
    for case in VECTORS["clipped"]:
        delta = wire.stamp_delta(stamped(case["stamp"]), 0, stamped(case["base"]), 0)
        if case["sign"] > 0:
            assert 2**29 - 65536 <= delta < 2**29, case
        else:
            assert -(2**29) <= delta < 65536 - 2**29, case


def test_what_is_a_packet():
    for case in VECTORS["checks"]:
        packet = binascii.unhexlify(case["packet"])
        assert wire.check(b"\x80\x80" + packet, 2, len(packet)) == case["verdict"], case["name"]


def test_the_ssrc_is_told_byte_by_byte():
    state = array("I", [0, 0, 0x89ABCDEF])
    packet = bytearray(13)
    wire.write_header(packet, 1, 0, 8, state)
    assert wire.ssrc_equal(packet, 1, state) == 1
    for at in range(9, 13):
        for bit in (0x01, 0x80):
            packet[at] ^= bit
            assert wire.ssrc_equal(packet, 1, state) == 0, at
            packet[at] ^= bit
    assert wire.ssrc_equal(packet, 1, array("I", [7, 7, 0x89ABCDEF])) == 1


if MICROPYTHON:
    import micropython

    def under_lock(buf, base, state):
        micropython.heap_lock()
        try:
            wire.write_header(buf, 1, 1, 127, state)
            wire.advance(state, 160)
            wire.check(buf, 1, 12)
            wire.seq(buf, 1)
            wire.payload_type(buf, 1)
            wire.marker(buf, 1)
            wire.stamp_delta(buf, 1, base, 0)
            wire.stamp_delta(base, 0, buf, 1)
            wire.ssrc_equal(buf, 1, state)
        finally:
            micropython.heap_unlock()

    def test_numbers_of_32_bits_take_no_heap():
        for seq, stamp in ((0, 0), (65535, 2**32 - 1), (32768, 2**31), (1, 2**30)):
            under_lock(bytearray(16), stamped(stamp ^ 0x80000000), array("I", [seq, stamp, 2**32 - 1]))

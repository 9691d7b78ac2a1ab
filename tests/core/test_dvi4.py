"""DVI4 against golden packets made by the IMA's own words and table; loss, bad headers, guard bytes."""

import binascii
import json

from callcore import dvi4
from callcore.compat import MICROPYTHON

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/dvi4.json") as file:
    VECTORS = json.load(file)

GUARD = 0xA5


def unhex(text):
    return bytearray(binascii.unhexlify(text))


def test_the_steps_are_those_that_the_ima_printed():
    assert list(dvi4.Dvi4()._words)[:89] == VECTORS["steps"]


def test_golden_streams_are_coded_bit_for_bit():
    for case in VECTORS["streams"]:
        one, pcm, heard = dvi4.Dvi4(), unhex(case["pcm"]), bytearray()
        for k, want in enumerate(case["packets"]):
            packet, sound = bytearray(84), bytearray(320)
            assert one.encode(pcm, k * 320, packet, 0, 160) == 84
            assert packet == unhex(want), (case["name"], k)
            assert one.decode(packet, 0, sound, 0, 160) == 160
            heard += sound
        assert heard == unhex(case["decoded"]), case["name"]


def test_forty_ms_have_one_header():
    case, packet = VECTORS["forty_ms"], bytearray(164)
    assert dvi4.Dvi4().encode(unhex(case["pcm"]), 0, packet, 0, 320) == 164
    assert packet == unhex(case["packet"])


def test_a_packet_that_is_lost_spoils_no_other():
    for case in VECTORS["streams"]:
        last, sound = case["packets"][-1], bytearray(320)
        dvi4.Dvi4().decode(unhex(last), 0, sound, 0, 160)
        assert sound == unhex(case["decoded"])[-320:], case["name"]


def test_packets_that_no_encoder_makes_are_decoded_by_the_same_rule():
    for case in VECTORS["decode_only"]:
        packet = unhex(case["packet"])
        samples = 2 * (len(packet) - 4)
        sound = bytearray(2 * samples)
        dvi4.Dvi4().decode(packet, 0, sound, 0, samples)
        assert sound == unhex(case["decoded"]), case["packet"][:8]


def test_every_place_in_the_table_is_safe_with_every_code():
    for place in range(256):
        packet = bytearray(b"\x00\x00\x00\x00" + bytes(range(0, 256, 17)))
        packet[2] = place
        sound = bytearray([GUARD] * 68)
        assert dvi4.Dvi4().decode(packet, 0, sound, 2, 32) == 32
        assert sound[:2] == sound[66:] == bytes([GUARD] * 2), place


def test_nothing_is_written_beside_the_block():
    case = VECTORS["streams"][4]
    packet = bytearray([GUARD] * 90)
    dvi4.Dvi4().encode(bytearray(4) + unhex(case["pcm"]), 4, packet, 3, 160)
    assert packet[:3] == packet[87:] == bytes([GUARD] * 3)
    assert packet[3:87] == unhex(case["packets"][0])
    sound = bytearray([GUARD] * 328)
    dvi4.Dvi4().decode(packet, 3, sound, 4, 160)
    assert sound[:4] == sound[324:] == bytes([GUARD] * 4)
    assert sound[4:324] == unhex(case["decoded"])[:320]


def test_hearing_does_not_disturb_speaking():
    case, noise = VECTORS["streams"][1], VECTORS["streams"][4]
    one, pcm = dvi4.Dvi4(), unhex(case["pcm"])
    for k, want in enumerate(case["packets"]):
        packet = bytearray(84)
        one.encode(pcm, k * 320, packet, 0, 160)
        assert packet == unhex(want)
        one.decode(unhex(noise["packets"][k]), 0, bytearray(320), 0, 160)


def code_with_the_heap_locked(one, pcm, packet):
    import micropython

    micropython.heap_lock()
    for _ in range(4):
        one.encode(pcm, 0, packet, 0, 160)
        one.decode(packet, 0, pcm, 0, 160)
    micropython.heap_unlock()


def test_coding_takes_no_heap():
    if MICROPYTHON:
        code_with_the_heap_locked(dvi4.Dvi4(), unhex(VECTORS["streams"][3]["pcm"]), bytearray(84))

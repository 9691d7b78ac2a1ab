"""G.722 against golden streams made by the Recommendation's block diagram, overload included, in frames of any size."""

import binascii
import json

from callcore import g722
from callcore.compat import MICROPYTHON

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/g722.json") as file:
    VECTORS = json.load(file)

GUARD = 0xA5


def encoded(pcm, samples=320, words=None):
    """Encode a whole stream in frames of `samples`."""
    words = words or g722.state(samples)
    codes = bytearray(len(pcm) // 4)
    for at in range(0, len(pcm) // 2, samples):
        assert g722.encode(words, pcm, at * 2, codes, at // 2, samples) == samples // 2
    return bytes(codes)


def decoded(codes, samples=320):
    """Decode a whole stream in frames of `samples`."""
    words = g722.state(samples)
    pcm = bytearray(len(codes) * 4)
    for at in range(0, len(codes) * 2, samples):
        assert g722.decode(words, codes, at // 2, pcm, at * 2, samples) == samples
    return bytes(pcm)


def test_golden_streams_are_coded_bit_for_bit():
    for case in VECTORS["streams"]:
        codes = binascii.unhexlify(case["codes"])
        assert encoded(bytearray(binascii.unhexlify(case["pcm"]))) == codes, case["name"]
        assert decoded(bytearray(codes)) == binascii.unhexlify(case["decoded"]), case["name"]


def test_codes_that_no_encoder_makes_are_decoded_by_the_same_rule():
    for case in VECTORS["decode_only"]:
        codes = bytearray(binascii.unhexlify(case["codes"]))
        assert decoded(codes) == binascii.unhexlify(case["decoded"]), case["codes"][:8]


def test_the_size_of_a_frame_does_not_matter():
    case = VECTORS["streams"][3]
    pcm, codes = bytearray(binascii.unhexlify(case["pcm"])), bytearray(binascii.unhexlify(case["codes"]))
    for samples in (2, 10, 32, 640):
        assert encoded(pcm, samples) == bytes(codes), samples
        assert decoded(codes, samples) == binascii.unhexlify(case["decoded"]), samples


def test_a_state_serves_shorter_frames_than_it_was_made_for():
    case = VECTORS["streams"][6]
    pcm = bytearray(binascii.unhexlify(case["pcm"]))
    assert encoded(pcm, 160, g722.state(320)) == binascii.unhexlify(case["codes"])


def test_nothing_is_written_beside_the_frame():
    case = VECTORS["streams"][5]
    pcm = bytearray(binascii.unhexlify(case["pcm"]))
    codes = bytearray([GUARD] * 324)
    g722.encode(g722.state(640), pcm, 0, codes, 2, 640)
    assert codes[:2] == codes[322:] == bytes([GUARD] * 2)
    assert bytes(codes[2:322]) == binascii.unhexlify(case["codes"])
    sound = bytearray([GUARD] * 1288)
    g722.decode(g722.state(640), codes, 2, sound, 4, 640)
    assert sound[:4] == sound[1284:] == bytes([GUARD] * 4)
    assert bytes(sound[4:1284]) == binascii.unhexlify(case["decoded"])


def test_silence_stays_silence():
    codes = encoded(bytearray(640 * 2))
    pcm = decoded(bytearray(codes))
    # the quantiser has no level at 0: what is left is a few of 32,768
    assert all(pcm[k] <= 8 and pcm[k + 1] == 0 or pcm[k] >= 248 and pcm[k + 1] == 255 for k in range(0, 1280, 2))


def test_states_do_not_meet():
    case = VECTORS["streams"][1]
    pcm = bytearray(binascii.unhexlify(case["pcm"]))
    other = bytearray(binascii.unhexlify(VECTORS["streams"][5]["pcm"]))
    mine, theirs = g722.state(320), g722.state(320)
    codes, waste = bytearray(320), bytearray(160)
    for at in (0, 320):
        g722.encode(mine, pcm, at * 2, codes, at // 2, 320)
        g722.encode(theirs, other, at * 2, waste, 0, 320)
    assert bytes(codes) == binascii.unhexlify(case["codes"])


def code_with_the_heap_locked(words, back, pcm, codes):
    import micropython

    micropython.heap_lock()
    for _ in range(4):
        g722.encode(words, pcm, 0, codes, 0, 320)
        g722.decode(back, codes, 0, pcm, 0, 320)
    micropython.heap_unlock()


def test_coding_takes_no_heap():
    if not MICROPYTHON:
        return
    pcm = bytearray(binascii.unhexlify(VECTORS["streams"][3]["pcm"]))
    code_with_the_heap_locked(g722.state(320), g722.state(320), pcm, bytearray(160))

"""G.711 against the ITU rule written a second time, over every input, and against golden bytes."""

import binascii
import hashlib
import json

from callcore import g711
from callcore.compat import MICROPYTHON

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/g711.json") as file:
    VECTORS = json.load(file)


def every_sample():
    """All 65,536 samples, -32768 to 32767, as PCM."""
    pcm = bytearray(131072)
    for i in range(65536):
        word = (i - 32768) & 0xFFFF
        pcm[2 * i] = word & 255
        pcm[2 * i + 1] = word >> 8
    return pcm


def sample_at(pcm, k):
    word = pcm[2 * k] | pcm[2 * k + 1] << 8
    return word - 65536 if word > 32767 else word


def itu_alaw(sample):
    """alaw_compress of G.191, step by step."""
    size = (~sample if sample < 0 else sample) >> 4
    if size > 15:
        exponent = 1
        while size > 31:
            size >>= 1
            exponent += 1
        size = size - 16 + (exponent << 4)
    return (size | (0x80 if sample >= 0 else 0)) ^ 0x55


def itu_alaw_expand(code):
    """alaw_expand of G.191."""
    bits = (code ^ 0x55) & 0x7F
    exponent = bits >> 4
    mantissa = bits & 15
    if exponent > 0:
        mantissa += 16
    mantissa = (mantissa << 4) + 8
    if exponent > 1:
        mantissa <<= exponent - 1
    return mantissa if code > 127 else -mantissa


def itu_ulaw(sample):
    """ulaw_compress of G.191, step by step."""
    size = min(((~sample if sample < 0 else sample) >> 2) + 33, 0x1FFF)
    segment = 1
    rest = size >> 6
    while rest:
        segment += 1
        rest >>= 1
    return ((8 - segment) << 4) | (15 - ((size >> segment) & 15)) | (0x80 if sample >= 0 else 0)


def itu_ulaw_expand(code):
    """ulaw_expand of G.191."""
    exponent = (~code >> 4) & 7
    step = 4 << (exponent + 1)
    size = (0x80 << exponent) + step * (~code & 15) + step // 2 - 4 * 33
    return size if code >= 0x80 else -size


def encoded(encode):
    codes = bytearray(65536)
    assert encode(every_sample(), 0, codes, 0, 65536) == 65536
    return codes


def decoded(decode):
    pcm = bytearray(512)
    assert decode(bytes(range(256)), 0, pcm, 0, 256) == 256
    return pcm


def test_alaw_encodes_every_sample_by_the_rule():
    codes = encoded(g711.alaw_encode)
    wrong = [k - 32768 for k in range(65536) if codes[k] != itu_alaw(k - 32768)]
    assert not wrong, "%d samples, first %d" % (len(wrong), wrong[0])
    assert hashlib.sha256(codes).digest() == binascii.unhexlify(VECTORS["PCMA"]["encode_sha256"])


def test_ulaw_encodes_every_sample_by_the_rule():
    codes = encoded(g711.ulaw_encode)
    wrong = [k - 32768 for k in range(65536) if codes[k] != itu_ulaw(k - 32768)]
    assert not wrong, "%d samples, first %d" % (len(wrong), wrong[0])
    assert hashlib.sha256(codes).digest() == binascii.unhexlify(VECTORS["PCMU"]["encode_sha256"])


def test_alaw_decodes_every_code_by_the_rule():
    pcm = decoded(g711.alaw_decode)
    for code in range(256):
        assert sample_at(pcm, code) == itu_alaw_expand(code), code
    assert [sample_at(pcm, code) for code in range(256)] == VECTORS["PCMA"]["decode"]


def test_ulaw_decodes_every_code_by_the_rule():
    pcm = decoded(g711.ulaw_decode)
    for code in range(256):
        assert sample_at(pcm, code) == itu_ulaw_expand(code), code
    assert [sample_at(pcm, code) for code in range(256)] == VECTORS["PCMU"]["decode"]


def test_decision_values():
    pcm = bytearray(2)
    out = bytearray(1)
    for name, encode in (("PCMA", g711.alaw_encode), ("PCMU", g711.ulaw_encode)):
        for sample, code in VECTORS[name]["encode"]:
            pcm[0] = sample & 255
            pcm[1] = (sample >> 8) & 255
            encode(pcm, 0, out, 0, 1)
            assert out[0] == code, (name, sample)


def test_a_code_survives_the_round_trip():
    # mu-law has two codes for zero; the negative one comes back as the positive
    for encode, decode, twin in (
        (g711.alaw_encode, g711.alaw_decode, -1),
        (g711.ulaw_encode, g711.ulaw_decode, 0x7F),
    ):
        back = bytearray(256)
        encode(decoded(decode), 0, back, 0, 256)
        for code in range(256):
            assert back[code] == (0xFF if code == twin else code), code


def test_offsets_are_kept_and_nothing_else_is_touched():
    pcm = every_sample()
    for encode, decode in ((g711.alaw_encode, g711.alaw_decode), (g711.ulaw_encode, g711.ulaw_decode)):
        whole = encoded(encode)
        codes = bytearray(b"\xa5" * 200)
        encode(pcm, 2 * 30000, codes, 13, 160)
        assert codes[13:173] == whole[30000:30160]
        assert codes[:13] == b"\xa5" * 13 and codes[173:] == b"\xa5" * 27
        words = bytearray(b"\x5a" * 400)
        decode(codes, 13, words, 26, 160)
        assert words[:26] == b"\x5a" * 26 and words[346:] == b"\x5a" * 54
        apart = bytearray(320)
        decode(bytes(codes[13:173]), 0, apart, 0, 160)
        assert words[26:346] == apart


def test_nothing_to_do_does_nothing():
    out = bytearray(b"\x11\x22")
    for step in (g711.alaw_encode, g711.alaw_decode, g711.ulaw_encode, g711.ulaw_decode):
        assert step(b"\x01\x02", 0, out, 0, 0) == 0
    assert out == b"\x11\x22"


def test_views_serve_as_buffers():
    store = bytearray(640)
    view = memoryview(store)
    codes = bytearray(160)
    g711.alaw_encode(view, 320, codes, 0, 160)
    assert codes == b"\xd5" * 160
    g711.alaw_decode(memoryview(codes), 0, view, 320, 160)
    assert store[320:322] == b"\x08\x00"


if MICROPYTHON:
    import micropython

    def under_lock(pcm, codes):
        """One frame through all four functions while the heap refuses everything."""
        micropython.heap_lock()
        try:
            g711.alaw_encode(pcm, 0, codes, 0, 160)
            g711.alaw_decode(codes, 0, pcm, 0, 160)
            g711.ulaw_encode(pcm, 0, codes, 0, 160)
            g711.ulaw_decode(codes, 0, pcm, 0, 160)
        finally:
            micropython.heap_unlock()

    def test_a_frame_takes_no_heap():
        g711.prepare_ulaw()
        under_lock(bytearray(320), bytearray(160))

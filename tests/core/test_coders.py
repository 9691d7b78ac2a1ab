"""A board's coders: 16 kHz in, 16 kHz out, and in between the payload the codec's own functions give."""

import math
import sys

from callcore import coders, dvi4, g711, g722, media, pcm
from callcore.compat import MICROPYTHON
from callcore.level import MUTE

SAMPLES = 320
EVERY = ("G722", "PCMA", "PCMU", "DVI4", "L16")


def sound(frames, seed=3):
    """Noise over a quarter of the range."""
    made = bytearray(frames * SAMPLES * 2)
    state = seed
    for k in range(frames * SAMPLES):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        word = (((state >> 8) & 0x3FFF) - 0x2000) & 0xFFFF
        made[2 * k] = word & 255
        made[2 * k + 1] = word >> 8
    return made


def test_g722_is_given_16_khz_as_it_is():
    said, one = sound(4), coders.coder("G722", SAMPLES)
    up, down = g722.state(SAMPLES), g722.state(SAMPLES)
    for frame in range(4):
        codes, want, heard, expected = bytearray(160), bytearray(160), bytearray(640), bytearray(640)
        assert one.encode(said, frame * 640, codes, 0, SAMPLES) == 160
        g722.encode(up, said, frame * 640, want, 0, SAMPLES)
        assert one.decode(codes, 0, heard, 0, SAMPLES) == SAMPLES
        g722.decode(down, want, 0, expected, 0, SAMPLES)
        assert codes == want and heard == expected


def test_g711_stands_behind_the_filters():
    laws = {"PCMA": (g711.alaw_encode, g711.alaw_decode), "PCMU": (g711.ulaw_encode, g711.ulaw_decode)}
    for name in ("PCMA", "PCMU"):
        said, one = sound(4), coders.coder(name, SAMPLES)
        down, up = pcm.down_state(SAMPLES), pcm.up_state()
        narrow, want, expected = bytearray(320), bytearray(160), bytearray(640)
        codes, heard = bytearray(160), bytearray(640)
        for frame in range(4):
            assert one.encode(said, frame * 640, codes, 0, SAMPLES) == 160
            pcm.resample(frame * 640, 0, pcm.UNITY, down, said, narrow, SAMPLES, 0)
            laws[name][0](narrow, 0, want, 0, 160)
            assert one.decode(codes, 0, heard, 0, SAMPLES) == SAMPLES
            laws[name][1](want, 0, narrow, 0, 160)
            pcm.resample(0, 0, 0, up, narrow, expected, 160, 0)
            assert codes == want and heard == expected, (name, frame)


def test_dvi4_stands_behind_the_filters_too():
    said, one, plain = sound(4), coders.coder("DVI4", SAMPLES), dvi4.Dvi4()
    down, up = pcm.down_state(SAMPLES), pcm.up_state()
    narrow, want, expected = bytearray(320), bytearray(84), bytearray(640)
    codes, heard = bytearray(84), bytearray(640)
    for frame in range(4):
        assert one.encode(said, frame * 640, codes, 0, SAMPLES) == 84
        pcm.resample(frame * 640, 0, pcm.UNITY, down, said, narrow, SAMPLES, 0)
        plain.encode(narrow, 0, want, 0, 160)
        assert one.decode(codes, 0, heard, 0, SAMPLES) == SAMPLES
        plain.decode(want, 0, narrow, 0, 160)
        pcm.resample(0, 0, 0, up, narrow, expected, 160, 0)
        assert codes == want and heard == expected, frame


def narrowed(gains, hz=400, amplitude=4634):
    """Encode a tone, a frame at each gain, by a law; gives what its bytes stand for, at 8 kHz."""
    one, heard = coders.coder("PCMA", SAMPLES), bytearray(320)
    made, k = [], 0
    for gain_mdb in gains:
        frame, codes = bytearray(SAMPLES * 2), bytearray(160)
        for at in range(SAMPLES):
            word = int(amplitude * math.sin(2 * math.pi * hz * k / 16000)) & 0xFFFF
            frame[2 * at] = word & 255
            frame[2 * at + 1] = word >> 8
            k += 1
        one.gain_mdb = gain_mdb
        assert one.encode(frame, 0, codes, 0, SAMPLES) == 160
        g711.alaw_decode(codes, 0, heard, 0, 160)
        words = [heard[2 * at] | heard[2 * at + 1] << 8 for at in range(160)]
        made += [(word ^ 0x8000) - 0x8000 for word in words]
    return made


def test_no_change_of_the_gain_clicks_behind_the_filters():
    for first, second in ((0, -30000), (-30000, 0), (0, MUTE), (MUTE, 0), (0, -12000), (0, 3000), (3000, 0)):
        found = narrowed([first] * 4 + [second] * 4)
        steepest = 4634 * 2 * math.pi * 400 / 8000 * (1.42 if first + second == 3000 else 1)
        # a step of the law at this height is 256; at the old gain or the new one, at once, it would be 3,000
        assert max(abs(found[k + 1] - found[k]) for k in range(1279)) < steepest + 400, (first, second)
        # the last frame is at the new gain, within what the law leaves
        db = 10 * math.log10(max(sum(word * word for word in found[1120:]) / 160, 1) / (4634 * 4634 / 2))
        assert abs(db - second / 1000) < 0.5 or second == MUTE and not [word for word in found[1120:] if abs(word) > 8]


def test_a_gain_that_falls_far_has_fallen_within_4_ms_behind_the_filters():
    found = narrowed([0] * 4 + [-30000] * 2)
    assert max(abs(word) for word in found[600:640]) > 4000
    assert max(abs(word) for word in found[640 + 32 :]) <= 4634 * 0.0317 + 8


def test_a_frame_may_be_brought_to_a_gain_from_any_place():
    said, codes = sound(2), [bytearray(160) for _ in range(2)]
    for number in range(2):
        one = coders.coder("PCMU", SAMPLES)
        one.gain_mdb = -20000
        one.encode(said if number else said[640:], 640 * number, codes[number], 0, SAMPLES)
    assert codes[0] == codes[1]


def test_l16_is_the_samples_with_the_upper_byte_first():
    said, one = sound(1), coders.coder("L16", SAMPLES)
    codes, heard = bytearray(644), bytearray(640)
    assert one.encode(said, 0, codes, 2, SAMPLES) == 640
    assert [codes[2 + k] for k in range(640)] == [said[k ^ 1] for k in range(640)]
    assert codes[:2] == codes[642:] == b"\x00\x00"
    assert one.decode(codes, 2, heard, 0, SAMPLES) == SAMPLES
    assert heard == said


def test_payloads_have_the_size_that_media_says():
    for name in EVERY:
        for ptime in media.PTIMES_MS:
            samples = 16 * ptime
            codes = bytearray(2000)
            assert coders.coder(name, samples).encode(
                bytearray(samples * 2), 0, codes, 0, samples
            ) == media.frame_bytes(name, ptime)


def test_calls_do_not_meet():
    said = sound(2)
    for name in EVERY:
        one, other = coders.coder(name, SAMPLES), coders.coder(name, SAMPLES)
        first, again, waste = bytearray(1280), bytearray(1280), bytearray(640)
        for frame in range(2):
            one.encode(said, frame * 640, first, frame * 640, SAMPLES)
        for frame in range(2):
            other.encode(said, frame * 640, again, frame * 640, SAMPLES)
            one.encode(said, 0, waste, 0, SAMPLES)
        assert first == again, name


def test_what_is_offered_is_best_first_and_never_l16():
    assert coders.NAMES == ("G722", "PCMA", "PCMU", "DVI4")


def test_an_unknown_codec_is_refused_with_what_is_possible():
    for name in ("opus", "CN"):
        try:
            coders.coder(name, SAMPLES)
            raise AssertionError("it was made")
        except Exception as error:
            assert type(error).__name__ == "LocalError" and "G722, PCMA, PCMU, DVI4, L16" in str(error)


class FakeOpus:
    """Stands for the module of a build that has Opus; its coder repeats every tenth byte of what it is given."""

    class Coder:
        def __init__(self, samples, count):
            self.given = (samples, count)

        def encode(self, src, soff, dst, doff, n):
            for k in range(self.given[1]):
                dst[doff + k] = src[soff + 10 * k]
            return self.given[1]

        def decode(self, src, soff, dst, doff, n):
            for k in range(2 * n):
                dst[doff + k] = src[soff + k * self.given[1] // (2 * n)]
            return n


def with_opus(check):
    """Run a check on `coders` as a build with Opus loads it."""
    sys.modules["opus"] = FakeOpus
    del sys.modules["callcore.coders"]
    try:
        __import__("callcore.coders")
        check(sys.modules["callcore.coders"])
    finally:
        del sys.modules["opus"]
        sys.modules["callcore.coders"] = coders
        sys.modules["callcore"].coders = coders


def test_a_build_with_opus_offers_it_first():
    def check(loaded):
        assert loaded.NAMES == ("opus",) + coders.NAMES
        for ptime in media.PTIMES_MS:
            one = loaded.coder("opus", 16 * ptime)
            payload_bytes = media.frame_bytes("opus", ptime)
            assert one.given == (16 * ptime, payload_bytes)
            said, codes, heard = sound(2), bytearray(payload_bytes), bytearray(32 * ptime)
            assert one.encode(said, 0, codes, 0, 16 * ptime) == payload_bytes
            assert codes[7] == said[70]
            assert one.decode(codes, 0, heard, 0, 16 * ptime) == 16 * ptime

    with_opus(check)
    assert "opus" not in coders.NAMES


if MICROPYTHON:
    import micropython

    def under_lock(one, said, codes):
        micropython.heap_lock()
        try:
            for gain_mdb in range(-24000, 0, 6000):
                if type(one) is coders.Narrow:
                    one.gain_mdb = gain_mdb
                one.encode(said, 0, codes, 0, SAMPLES)
                one.decode(codes, 0, said, 0, SAMPLES)
        finally:
            micropython.heap_unlock()

    def test_a_frame_takes_no_heap():
        for name in EVERY:
            under_lock(coders.coder(name, SAMPLES), sound(1), bytearray(640))

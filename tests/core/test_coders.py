"""A board's coders: 16 kHz in, 16 kHz out, and in between the payload the codec's own functions give."""

from callcore import coders, g711, g722, media, pcm
from callcore.compat import MICROPYTHON

SAMPLES = 320


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
            pcm.down(down, said, frame * 640, narrow, 0, SAMPLES)
            laws[name][0](narrow, 0, want, 0, 160)
            assert one.decode(codes, 0, heard, 0, SAMPLES) == SAMPLES
            laws[name][1](want, 0, narrow, 0, 160)
            pcm.up(up, narrow, 0, expected, 0, 160)
            assert codes == want and heard == expected, (name, frame)


def test_payloads_have_the_size_that_media_says():
    for name in coders.NAMES:
        for ptime in media.PTIMES_MS:
            samples = 16 * ptime
            codes = bytearray(2000)
            assert coders.coder(name, samples).encode(
                bytearray(samples * 2), 0, codes, 0, samples
            ) == media.frame_bytes(name, ptime)


def test_calls_do_not_meet():
    said = sound(2)
    for name in coders.NAMES:
        one, other = coders.coder(name, SAMPLES), coders.coder(name, SAMPLES)
        first, again, waste = bytearray(320), bytearray(320), bytearray(160)
        for frame in range(2):
            one.encode(said, frame * 640, first, frame * 160, SAMPLES)
        for frame in range(2):
            other.encode(said, frame * 640, again, frame * 160, SAMPLES)
            one.encode(said, 0, waste, 0, SAMPLES)
        assert first == again, name


def test_an_unknown_codec_is_refused_with_what_is_possible():
    try:
        coders.coder("L16", SAMPLES)
        raise AssertionError("it was made")
    except Exception as error:
        assert type(error).__name__ == "LocalError" and "G722, PCMA, PCMU" in str(error)


if MICROPYTHON:
    import micropython

    def under_lock(one, said, codes):
        micropython.heap_lock()
        try:
            for _ in range(4):
                one.encode(said, 0, codes, 0, SAMPLES)
                one.decode(codes, 0, said, 0, SAMPLES)
        finally:
            micropython.heap_unlock()

    def test_a_frame_takes_no_heap():
        for name in coders.NAMES:
            under_lock(coders.coder(name, SAMPLES), sound(1), bytearray(160))

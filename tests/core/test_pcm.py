"""The step between 16 and 8 kHz: what passes, what does not, how late it is, and that frames leave no seam."""

import math
from array import array

from callcore import pcm
from callcore.compat import MICROPYTHON

TAPS = {0: 0.5, 1: 5229, 3: -1649, 5: 899, 7: -554, 9: 351, 11: -218, 13: 128, 15: -90}


def tone(hz, rate_hz, samples, amplitude=16000.0):
    made = array("h", [0] * samples)
    for k in range(samples):
        made[k] = int(math.floor(amplitude * math.sin(2 * math.pi * hz * k / rate_hz) + 0.5))
    return bytearray(bytes(made))


def noise(samples, seed=5):
    made = array("h", [0] * samples)
    state = seed
    for k in range(samples):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        made[k] = ((state >> 8) & 0xFFFF) - 32768
    return bytearray(bytes(made))


def sample(sound, k):
    word = sound[2 * k] | sound[2 * k + 1] << 8
    return word - 65536 if word > 32767 else word


def halved(sound, size=320, q=pcm.UNITY):
    """Run `resample` down over a stream, `size` samples at a time."""
    words = pcm.down_state(size)
    out = bytearray(len(sound) // 2)
    for at in range(0, len(sound) // 2, size):
        assert pcm.resample(at * 2, at, q, words, sound, out, size, 0) == size // 2
    return out


def doubled(sound, size=160):
    """Run `resample` up over a stream, `size` samples at a time."""
    words = pcm.up_state()
    out = bytearray(len(sound) * 2)
    for at in range(0, len(sound) // 2, size):
        assert pcm.resample(at * 2, at * 4, 0, words, sound, out, size, 0) == size * 2
    return out


def power(sound, first, last):
    """Mean square of the samples `first` to `last`."""
    return sum(sample(sound, k) ** 2 for k in range(first, last)) / (last - first)


def snr_db(said, heard, delay, first, last):
    wrong = sum((sample(heard, k) - sample(said, k - delay)) ** 2 for k in range(first, last)) / (last - first)
    return 10 * math.log10(power(said, first - delay, last - delay) / max(wrong, 1e-9))


def test_telephone_speech_passes_and_what_would_fold_does_not():
    for hz, least_db, most_db in (
        (300, -0.06, 0.06),
        (1000, -0.06, 0.06),
        (3400, -0.06, 0.06),
        (4700, -99, -38),
        (7000, -99, -38),
    ):
        sound = halved(tone(hz, 16000, 1600))
        db = 10 * math.log10(max(power(sound, 100, 800), 1e-3) / (16000.0 * 16000 / 2))
        assert least_db < db < most_db, (hz, db)


def test_doubling_leaves_no_image():
    for hz in (500, 3300):
        wide = doubled(tone(hz, 8000, 800))
        # 15 samples late: what is not the tone itself is its image
        assert snr_db(tone(hz, 16000, 1600), wide, 15, 200, 1500) > 35, hz


def test_down_and_up_again_is_the_same_sound_30_samples_later():
    said = tone(1000, 16000, 1600)
    assert snr_db(said, doubled(halved(said)), 30, 200, 1500) > 40


def test_every_output_is_the_sum_of_the_taps():
    sound = noise(64)
    wide, narrow = doubled(noise(32), 32), halved(sound, 64)
    said = noise(32)
    for k in range(32):
        total = 16384 * (sample(sound, 2 * k - 15) if 2 * k >= 15 else 0) >> 1
        twice = 0
        for far in range(1, 16, 2):
            for at in (2 * k - 15 - far, 2 * k - 15 + far):
                total += TAPS[far] * (sample(sound, at) if at >= 0 else 0)
            for at in (k - 7 - (far + 1) // 2, k - 8 + (far + 1) // 2):
                twice += TAPS[far] * (sample(said, at) if at >= 0 else 0)
        assert sample(narrow, k) == max(-32768, min(32767, (total + 8192) >> 14)), k
        assert sample(wide, 2 * k) == max(-32768, min(32767, (twice + 4096) >> 13)), k
        assert sample(wide, 2 * k + 1) == (sample(said, k - 7) if k >= 7 else 0), k


def test_the_size_of_a_frame_does_not_matter():
    sound = noise(640)
    narrow, wide = halved(sound, 640), doubled(sound, 640)
    for size in (2, 10, 16, 320):
        assert halved(sound, size) == narrow, size
        assert doubled(sound, size) == wide, size


def test_a_gain_on_the_way_down_is_the_product_rounded_down():
    sound = noise(320)
    for k in range(320):
        # an eighth of full scale, so that nothing saturates
        word = (sample(sound, k) >> 4) & 0xFFFF
        sound[2 * k] = word & 255
        sound[2 * k + 1] = word >> 8
    plain = halved(sound)
    for gain in (0, 1, 700, 2047, 2048, 2049, 9000, 16383):
        louder = halved(sound, q=gain << 8)
        for k in range(160):
            assert sample(louder, k) == max(-32768, min(32767, sample(plain, k) * gain >> 11)), (gain, k)


def test_a_gain_goes_evenly_from_sample_to_sample():
    sound = bytearray(b"\x00\x10" * 320)
    out = bytearray(320)
    # 1 to 2 in 160 steps
    pcm.resample(0, 0, pcm.UNITY, pcm.down_state(320), sound, out, 320, pcm.UNITY // 160)
    for k in range(20, 160):
        assert abs(sample(out, k) - 4096 * (161 + k) / 160) <= 4, k


def test_full_scale_saturates_and_does_not_wrap():
    square = bytearray(b"".join(b"\xff\x7f" * 16 + b"\x00\x80" * 16 for _ in range(10)))
    for sound in (halved(square), doubled(square)):
        found = [sample(sound, k) for k in range(len(sound) // 2)]
        assert 32767 in found and -32768 in found
        # a wrap would jump over the whole range within a plateau
        assert not any(abs(found[k] - found[k + 1]) > 65000 for k in range(60, len(found) - 1))


def test_the_most_gain_saturates_and_does_not_wrap():
    square = bytearray(b"".join(b"\xff\x7f" * 16 + b"\x00\x80" * 16 for _ in range(10)))
    plain, louder = halved(square), halved(square, q=16383 << 8)
    for k in range(160):
        if abs(sample(plain, k)) > 4200:
            assert sample(louder, k) == (32767 if sample(plain, k) > 0 else -32768), k


def test_nothing_is_written_beside_the_frame():
    out = bytearray(b"\xa5" * 328)
    pcm.resample(0, 4, pcm.UNITY, pcm.down_state(320), noise(320), out, 320, 0)
    assert out[:4] == out[324:] == b"\xa5" * 4
    out = bytearray(b"\xa5" * 648)
    pcm.resample(0, 4, 0, pcm.up_state(), noise(160), out, 160, 0)
    assert out[:4] == out[644:] == b"\xa5" * 4


def test_swapping_turns_each_sample_around_and_nothing_else():
    there = bytearray(b"......")
    assert pcm.swap(b"x\x01\x02\x03\x04", 1, there, 2, 2) == 2
    assert there == b"..\x02\x01\x04\x03"


def test_the_level_is_the_mean_magnitude():
    assert pcm.level(bytearray(640), 0, 320) == 0
    assert pcm.level(bytearray(b"\x00\x80" * 320), 0, 320) == 32768
    assert pcm.level(bytearray(b"\xff\x7f\x01\x80" * 160), 0, 320) == 32767
    assert pcm.level(bytearray(b"\x0a\x00\xf6\xff\x00\x00\x00\x00"), 0, 2) == 10
    assert pcm.level(bytearray(b"\x0a\x00\xf6\xff\x00\x00\x00\x00"), 4, 2) == 0
    assert pcm.level(bytearray(b"\x00\x80" * 16384), 0, 16384) == 32768


if MICROPYTHON:
    import micropython

    def under_lock(down, up, wide, narrow):
        micropython.heap_lock()
        try:
            pcm.resample(0, 0, pcm.UNITY, down, wide, narrow, 320, 0)
            pcm.resample(0, 0, 0, up, narrow, wide, 160, 0)
            return pcm.level(wide, 0, 320)
        finally:
            micropython.heap_unlock()

    def test_a_frame_takes_no_heap():
        assert under_lock(pcm.down_state(320), pcm.up_state(), bytearray(b"\x00\x40" * 320), bytearray(320)) > 0

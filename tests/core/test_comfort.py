"""Comfort noise: as loud as it shall be, a little dark, the same everywhere, and only where it shall be."""

from array import array

from callcore.comfort import Comfort, amplitude
from callcore.compat import MICROPYTHON


def made(level, n=8000, seed=1):
    buf = bytearray(n * 2)
    Comfort(seed).fill(buf, 0, n, level)
    return list(array("h", bytes(buf)))


def test_the_level_is_what_is_asked_for():
    for level in range(10, 78):
        noise = made(level)
        want = 32768 * 10 ** (-level / 20)
        rms = (sum(x * x for x in noise) / len(noise)) ** 0.5
        # a decibel; where the noise is a few steps high, two
        assert (0.89 if level < 66 else 0.75) < rms / want < (1.12 if level < 66 else 1.3), (level, rms, want)
        assert abs(sum(noise) / len(noise)) < want * 0.1 + 0.5


def test_the_amplitude_halves_every_6_decibels():
    for level in range(128):
        assert abs(amplitude(level) - 32768 * 2 ** (-level / 6)) <= 32768 * 2 ** (-level / 6) * 0.062 + 1
    assert amplitude(0) == 32768 and amplitude(91) == amplitude(127) == 0


def test_the_faintest_is_silence_and_the_loudest_stays_below_full_scale():
    assert made(127) == made(100) == [0] * 8000
    for level in (0, 5, 9):
        noise = made(level)
        assert 28000 < max(noise) < 32767 and -32768 < min(noise) < -28000
        # a wrap would jump from one end to the other
        assert max(abs(noise[k] - noise[k - 1]) for k in range(1, 8000)) < 50000


def test_low_tones_are_louder():
    noise = made(30)
    low = sum((noise[k] + noise[k - 1]) ** 2 for k in range(1, 8000))
    high = sum((noise[k] - noise[k - 1]) ** 2 for k in range(1, 8000))
    assert 2.5 < low / high < 3.5


def test_no_tone_and_no_echo_is_in_it():
    noise = made(30, 4000)
    power = sum(x * x for x in noise)
    for lag in range(12, 400, 3):
        assert abs(sum(noise[k] * noise[k - lag] for k in range(lag, 4000))) < 0.12 * power, lag


def test_each_frame_is_another_one_and_as_loud():
    comfort = Comfort(1)
    frames = []
    for _ in range(50):
        buf = bytearray(320)
        comfort.fill(buf, 0, 160, 40)
        frames.append(list(array("h", bytes(buf))))
    for k, frame in enumerate(frames):
        assert frames.index(frame) == k
    rms = (sum(x * x for frame in frames for x in frame) / 8000) ** 0.5
    assert 0.9 < rms / 327.68 < 1.1


def test_seeds_differ_and_nothing_is_written_beside_the_frame():
    assert made(40, 100) != made(40, 100, 2)
    buf = bytearray(b"\xa5" * 84)
    Comfort(1).fill(buf, 2, 40, 30)
    assert buf[:2] == buf[82:] == b"\xa5\xa5"
    Comfort(1).fill(buf, 2, 0, 30)


def test_every_interpreter_makes_the_same_noise():
    assert made(20, 6, 77) == [-4060, -5499, -6024, -2956, -3783, 1278]


if MICROPYTHON:
    import micropython

    def under_lock(comfort, buf):
        micropython.heap_lock()
        try:
            for level in range(128):
                comfort.fill(buf, 0, 320, level)
        finally:
            micropython.heap_unlock()

    def test_noise_takes_no_heap():
        under_lock(Comfort(5), bytearray(640))

"""Levels, speech and silence: what a frame measures, how the floor follows, and what is sent of silence."""

import math
from array import array

from callcore import vad
from callcore.compat import MICROPYTHON
from callcore.vad import NOISE, NOTHING, SEND, SEND_BOTH, SILENT, Dtx, Vad


def noise(dbov, samples=320, seed=1):
    """White noise of a level, and where its generator stands after it."""
    rms = 32768 * 10 ** (dbov / 20)
    made = array("h", [0] * samples)
    for k in range(samples):
        total = 0
        for _ in range(4):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            total += ((seed >> 8) & 0xFFFF) - 32768
        made[k] = max(-32768, min(32767, int(math.floor(total * rms / 37837 + 0.5))))
    return bytearray(bytes(made)), seed


def tone(hz, dbov, samples=320, phase=0.0):
    top = 32768 * 10 ** (dbov / 20) * math.sqrt(2)
    made = array("h", [0] * samples)
    for k in range(samples):
        made[k] = int(math.floor(top * math.sin(2 * math.pi * hz * k / 16000 + phase) + 0.5))
    return bytearray(bytes(made))


def hear(ears, dbov, ms, seed=1):
    """Let a Vad hear noise; gives what it said of the frames."""
    said = []
    for _ in range(ms // 20):
        sound, seed = noise(dbov, 320, seed)
        said.append(ears.frame(sound, 0))
    return said


def test_decibels_are_decibels():
    assert vad.decibels(0) == vad.decibels(1) == 0
    for value in list(range(1, 700)) + [10**k for k in range(3, 10)] + [2**29 - 1, 2**30 - 1]:
        want = 10000 * math.log(value) / math.log(10)
        assert abs(vad.decibels(value) - want) < 45, (value, vad.decibels(value), want)


def test_the_level_is_in_dbov():
    ears = Vad(320)
    ears.frame(bytearray(b"\x00\x80" * 320), 0)
    assert ears.level == 0
    ears.frame(bytearray(640), 0)
    assert ears.level == SILENT
    for dbov in (-4, -10, -26, -40, -60, -75):
        for hz in (200, 440, 1000, 1600, 2000, 3200, 4000, 5000):
            ears.frame(tone(hz, dbov, 320, 0.4), 0)
            assert abs(ears.level - dbov) <= 2, (hz, dbov, ears.level)
    total = 0
    seed = 9
    for _ in range(40):
        sound, seed = noise(-50, 320, seed)
        ears.frame(sound, 0)
        assert abs(ears.level + 50) <= 4, ears.level
        total += ears.level
    assert abs(total / 40 + 50) < 0.7, total


def test_the_level_does_not_hang_on_the_size_of_the_frame_or_where_it_lies():
    sound = tone(700, -20, 640)
    ears = Vad(640)
    ears.frame(sound, 0)
    assert abs(ears.level + 20) <= 1
    moved = bytearray(b"\xff\x7f" * 10) + tone(700, -20)
    ears = Vad(320)
    ears.frame(moved, 20)
    assert abs(ears.level + 20) <= 1


def test_only_the_frame_is_read():
    ears = Vad(320)
    sound = bytearray(b"\xff\x7f" * 16) + bytearray(640) + bytearray(b"\xff\x7f" * 16)
    ears.frame(sound, 32)
    assert ears.level == SILENT and ears.peak == 0


def test_the_floor_finds_the_noise_from_above_and_from_below():
    ears = Vad(320)
    hear(ears, -65, 400)
    assert abs(ears.floor + 65) <= 2, ears.floor
    # 10 dB more noise is speech at first, and noise once the floor has come up at 3 dB/s
    said = hear(ears, -55, 6000, 3)
    assert said[0] and not said[-1]
    assert abs(ears.floor + 55) <= 2, ears.floor


def test_the_floor_rises_slowly_under_what_is_far_above_it():
    ears = Vad(320)
    hear(ears, -70, 400)
    hear(ears, -35, 10000)
    # 7.5 dB up by now; at 3 dB/s it would be 30
    assert hear(ears, -62, 300)[-1] is False and not ears.is_active
    assert hear(ears, -50, 20) == [True] and ears.is_active


def test_digital_silence_does_not_pull_the_floor_down():
    ears = Vad(320)
    hear(ears, -60, 400)
    for _ in range(100):
        assert not ears.frame(bytearray(640), 0) or ears.level == SILENT
    assert abs(ears.floor + 60) <= 2
    assert hear(ears, -60, 100) == [False] * 5


def test_speech_is_heard_at_once_and_held_for_12_frames():
    ears = Vad(320)
    assert hear(ears, -65, 600)[-1] is False
    assert hear(ears, -40, 20) == [True] and ears.is_active
    after = hear(ears, -65, 400, 7)
    assert after == [True] * 12 + [False] * 8
    assert not ears.is_active


def test_40_ms_frames_are_held_as_long():
    ears = Vad(640)
    for level, count, want in ((-65, 20, None), (-40, 1, [True]), (-65, 8, [True] * 6 + [False] * 2)):
        said = []
        for k in range(count):
            said.append(ears.frame(noise(level, 640, 50 + k)[0], 0))
        assert want is None or said == want, said


def test_between_6_and_9_db_speech_goes_on_and_does_not_begin():
    ears = Vad(320)
    hear(ears, -65, 600)
    # the floor that counts is a dB or so below the noise, whose level is known
    for above, want in ((6, False), (12, True), (6, True), (2, False), (6, False)):
        ears.frame(tone(500, ears.floor + above), 0)
        assert ears.is_active is want, above


def test_much_noise_is_told_and_untold():
    ears = Vad(320)
    hear(ears, -70, 400)
    assert not ears.is_noisy
    hear(ears, -38, 60000)
    assert ears.is_noisy and abs(ears.floor + 38) <= 2
    hear(ears, -60, 400)
    assert not ears.is_noisy


class Ears:
    """What a Dtx looks at, without ears."""

    def __init__(self, level, floor):
        self.level = level
        self.floor = floor
        self.is_noisy = False


def decide(dtx, speech):
    return [dtx.frame(bool(one)) for one in speech]


def test_silence_is_one_packet_of_noise_each_160_ms():
    dtx = Dtx(Ears(-64, -64), 20)
    said = decide(dtx, [1, 1] + [0] * 17)
    assert said == [SEND, SEND] + ([NOISE] + [NOTHING] * 7) * 2 + [NOISE]
    assert dtx.noise_level == 64
    assert decide(Dtx(Ears(-64, -64), 40), [0] * 9) == ([NOISE] + [NOTHING] * 3) * 2 + [NOISE]


def test_the_frame_before_a_word_is_sent_with_it_once():
    dtx = Dtx(Ears(-64, -64), 20)
    assert decide(dtx, [0, 0, 0, 1, 1, 1]) == [NOISE, NOTHING, NOTHING, SEND_BOTH, SEND, SEND]


def test_a_time_that_noise_has_taken_is_not_given_twice():
    dtx = Dtx(Ears(-64, -64), 20)
    assert decide(dtx, [1, 0, 1]) == [SEND, NOISE, SEND]


def test_a_frame_that_gets_louder_is_not_noise():
    ears = Ears(-64, -64)
    dtx = Dtx(ears, 20)
    decide(dtx, [0] * 8)
    ears.level = -58
    assert decide(dtx, [0]) == [NOTHING]
    assert decide(dtx, [1]) == [SEND_BOTH]
    # yet it is not put off for ever
    assert decide(dtx, [0] * 18) == [NOISE] + [NOTHING] * 15 + [NOISE, NOTHING]


def test_noise_that_changes_by_3_db_is_told_at_once():
    ears = Ears(-64, -64)
    dtx = Dtx(ears, 20)
    decide(dtx, [0, 0])
    ears.level = ears.floor = -62
    assert decide(dtx, [0]) == [NOTHING]
    ears.level = ears.floor = -61
    assert decide(dtx, [0, 0]) == [NOISE, NOTHING] and dtx.noise_level == 61


def test_noise_is_as_loud_as_it_was_between_words():
    dtx = Dtx(Ears(-64, -64), 20)
    assert dtx.frame(False, 12) == NOISE and dtx.noise_level == 52
    assert dtx.frame(False, 12) == NOTHING
    assert dtx.frame(False, 15) == NOISE and dtx.noise_level == 49
    assert Dtx(Ears(-5, -5), 20).frame(False, 18) == NOISE


def test_in_noise_every_frame_is_sent():
    ears = Ears(-40, -42)
    ears.is_noisy = True
    assert decide(Dtx(ears, 20), [0, 1, 0, 0]) == [SEND] * 4


if MICROPYTHON:
    import micropython

    def under_lock(ears, dtx, sound):
        micropython.heap_lock()
        try:
            for _ in range(40):
                dtx.frame(ears.frame(sound, 0))
            return ears.level
        finally:
            micropython.heap_unlock()

    def test_a_frame_takes_no_heap():
        ears = Vad(320)
        assert under_lock(ears, Dtx(ears, 20), noise(-20)[0]) < 0
        assert under_lock(ears, Dtx(ears, 20), noise(-70)[0]) < 0

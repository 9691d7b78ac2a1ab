"""Gain, automatic level and the echo suppressor, on frames of 320 samples and on made conversations."""

import math
from array import array

from callcore import level
from callcore.compat import MICROPYTHON
from callcore.level import MUTE, UNITY, Agc, Fader, Suppressor
from callcore.vad import Vad

FRAME = 320


def tone(hz, dbov, samples=FRAME, at=0):
    top = 32767 * 10 ** (dbov / 20) * math.sqrt(2)
    made = array("h", [0] * samples)
    for k in range(samples):
        one = int(math.floor(top * math.sin(2 * math.pi * hz * (k + at) / 16000) + 0.5))
        made[k] = max(-32768, min(32767, one))
    return bytearray(bytes(made))


def words(sound):
    return array("h", bytes(sound))


def db_of(sound):
    found = words(sound)
    power = sum(float(one) * one for one in found) / len(found)
    return 10 * math.log10(max(power, 1e-3) / 32768.0**2)


def test_unity_changes_nothing_not_even_the_extremes():
    sound = bytearray(bytes(array("h", [-32768, 32767, -1, 0, 1, 12345, -12345, 7] * 40)))
    for q in (UNITY, UNITY):
        before = bytes(sound)
        level.gain(sound, 0, FRAME, q, q)
        assert bytes(sound) == before


def test_a_steady_gain_is_the_product_rounded_down():
    sound = array("h", [0] * 64)
    for k in range(64):
        sound[k] = (k * 2731 - 32768) % 65536 - 32768
    for q in (0, 1, 64, 1023, 2047, 2049, 4096, 9999, 16383):
        made = bytearray(bytes(sound))
        level.gain(made, 0, 64, q, q)
        found = words(made)
        for k in range(64):
            assert found[k] == max(-32768, min(32767, sound[k] * q >> 11)), (q, k)


def test_a_ramp_goes_evenly_and_ends_where_it_should():
    flat = bytearray(bytes(array("h", [8000] * FRAME)))
    level.gain(flat, 0, FRAME, 0, UNITY)
    found = words(flat)
    assert found[FRAME - 1] == 8000
    assert max(abs(found[k + 1] - found[k]) for k in range(FRAME - 1)) <= 801
    level.gain(flat, 0, FRAME, UNITY, 0)
    assert words(flat)[FRAME - 1] == 0


def test_nothing_is_written_beside_the_frame():
    guarded = bytearray(b"\x11\x22" * (FRAME + 16))
    level.gain(guarded, 16, FRAME, 16383, 100)
    assert guarded[:16] == b"\x11\x22" * 8 == guarded[656:]


def test_the_factor_is_the_power_of_ten():
    for mdb in range(-60000, 18001, 250):
        want = 2048 * 10 ** (mdb / 20000)
        assert abs(level.factor(mdb) - want) <= 2 + want / 250, (mdb, want, level.factor(mdb))
    assert level.factor(0) == UNITY
    assert level.factor(MUTE) == level.factor(MUTE - 40000) == 0
    assert level.factor(60000) == 16383


def test_the_volume_has_ten_steps_and_nothing():
    assert level.volume(10) == 0 and level.volume(9) == -3000 and level.volume(1) == -27000
    assert level.factor(level.volume(0)) == 0


def seams(sound, samples):
    """The largest step from one sample to the next, over the largest that was in the tone at full size."""
    found = words(sound)
    return max(abs(found[k + 1] - found[k]) for k in range(samples - 1))


def test_no_change_of_gain_clicks():
    for first, second in ((0, -30000), (-30000, 0), (0, MUTE), (MUTE, 0), (0, -12000), (0, 3000)):
        fader = Fader(FRAME)
        whole = bytearray()
        for k in range(8):
            sound = tone(400, -20, FRAME, k * FRAME)
            fader.frame(sound, 0, first if k < 4 else second)
            whole += sound
        steepest = 32767 * 0.1 * math.sqrt(2) * 2 * math.pi * 400 / 16000
        if second > 0:
            steepest *= 1.5
        # a step of the gain lasts 4 samples when it falls and 32 when it rises
        assert seams(whole, 8 * FRAME) < steepest + 32767 * 0.1 * math.sqrt(2) * 0.11, (first, second)
        assert abs(db_of(whole[7 * FRAME * 2 :]) - (-20 + second / 1000)) < 0.2 or second == MUTE


def test_unity_costs_nothing_and_mute_leaves_nothing():
    fader = Fader(FRAME)
    sound = tone(400, -10)
    before = bytes(sound)
    fader.frame(sound, 0, 0)
    assert bytes(sound) == before
    fader.frame(sound, 0, MUTE)
    sound = tone(400, -10)
    fader.frame(sound, 0, MUTE)
    assert not any(words(sound))


class Spoken:
    """What an Agc looks at, without ears."""

    def __init__(self, dbov, is_active=True, peak_dbov=None):
        self.level = dbov
        self.is_active = is_active
        self.peak = int(2**27 * 10 ** ((dbov + 3 if peak_dbov is None else peak_dbov) / 10))


def run(agc, heard, ms, far_speaks=False):
    made = 0
    for _ in range(ms // 20):
        made = agc.frame(heard, far_speaks)
    return made


def test_a_quiet_voice_comes_up_by_3_db_a_second_to_the_target():
    agc = Agc(20)
    assert run(agc, Spoken(-32), 1000) == 3000
    assert abs(run(agc, Spoken(-32), 6000) - 12000) <= 200
    assert run(Agc(20), Spoken(-50), 10000) == 18000


def test_a_loud_voice_comes_down_by_10_db_a_second_and_never_below_0_db():
    agc = Agc(20)
    run(agc, Spoken(-50, peak_dbov=-40), 10000)
    assert run(agc, Spoken(-15, peak_dbov=-20), 1000) == 8000
    assert run(agc, Spoken(-15), 3000) == 0


def test_noise_and_the_far_voice_leave_the_gain_alone():
    agc = Agc(20)
    assert run(agc, Spoken(-50, False), 3000) == 0
    assert run(agc, Spoken(-50), 3000, True) == 0
    assert run(agc, Spoken(-50), 1000) == 3000
    assert run(agc, Spoken(-50, False), 3000) == 3000


def test_40_ms_frames_move_as_fast():
    agc = Agc(40)
    for _ in range(25):
        made = agc.frame(Spoken(-40), False)
    assert made == 3000


def test_a_sudden_loud_frame_stays_below_1_dbov():
    agc, fader, ears = Agc(20), Fader(FRAME), Vad(FRAME)
    for _ in range(20):
        ears.frame(tone(500, -75), 0)
    for k in range(350):
        sound = tone(500, -40, FRAME, k * FRAME)
        ears.frame(sound, 0)
        fader.frame(sound, 0, agc.frame(ears, False))
    assert abs(db_of(sound) + 22) < 1  # 18 dB up
    loud = tone(500, -10)
    ears.frame(loud, 0)
    fader.frame(loud, 0, agc.frame(ears, False))
    # but for the 4 ms in which the gain falls
    assert max(abs(one) for one in words(loud)[64:]) <= 32768 * 0.891
    # and the gain comes back before long
    for k in range(40):
        sound = tone(500, -40, FRAME, k * FRAME)
        ears.frame(sound, 0)
        fader.frame(sound, 0, agc.frame(ears, False))
    assert db_of(sound) > -24


class Room:
    """A board in a room: what the loudspeaker plays comes back `delay` frames later, `coupling` dB down, on the near voice."""

    def __init__(self, coupling, delay=4, noise=True):
        self.near, self.far = Vad(FRAME), Vad(FRAME)
        self.suppressor = Suppressor(20, 60)
        self.up, self.down = Fader(FRAME), Fader(FRAME)
        self.air = [bytearray(2 * FRAME) for _ in range(delay)]
        self.coupling = 10 ** (coupling / 20)
        self.hiss = 1
        self.echo_db = self.sent_db = self.played_db = -99.0

    def frame(self, far, near):
        """Play a frame of the far voice, and send one of the microphone."""
        suppressor = self.suppressor
        sound = bytearray(far)
        self.far.frame(sound, 0)
        suppressor.played(self.far.level + suppressor.duck // 1000, self.far.is_active)
        self.down.frame(sound, 0, suppressor.duck)
        self.played_db = db_of(sound)
        self.air.append(sound)
        echo, said = words(self.air.pop(0)), words(near)
        mixed = array("h", [0] * FRAME)
        for k in range(FRAME):
            self.hiss = (self.hiss * 1103515245 + 12345) & 0x7FFFFFFF
            one = int(echo[k] * self.coupling) + said[k] + (self.hiss >> 16) % 33 - 16
            mixed[k] = max(-32768, min(32767, one))
        sound = bytearray(bytes(mixed))
        self.echo_db = db_of(sound)
        self.near.frame(sound, 0)
        self.up.frame(sound, 0, suppressor.heard(self.near.level, self.near.is_active))
        self.sent_db = db_of(sound)


def test_it_stays_open_between_two_words():
    suppressor = Suppressor(20, 60)
    for _ in range(3):
        suppressor.played(-30, True)
        gain = suppressor.heard(-5, True)
    assert gain == 0
    for _ in range(8):
        suppressor.played(-30, True)
        assert suppressor.heard(-60, False) == 0


def voice(k, dbov, hz):
    """A voice of sorts: 160 ms loud, 80 ms 12 dB softer, 60 ms nothing."""
    part = k % 15
    if part > 11:
        return bytearray(2 * FRAME)
    return tone(hz, dbov if part < 8 else dbov - 12, FRAME, k * FRAME)


SILENCE = bytearray(2 * FRAME)


def converse(room, frames, far_db, near_db, first=0):
    """Give what was sent, what the microphone heard and what was played, in dBov, frame by frame."""
    sent, heard, played = [], [], []
    for k in range(first, first + frames):
        room.frame(
            voice(k, far_db, 500) if far_db else SILENCE, tone(330, near_db, FRAME, k * FRAME) if near_db else SILENCE
        )
        sent.append(room.sent_db)
        heard.append(room.echo_db)
        played.append(room.played_db)
    return sent, heard, played


def test_the_far_voice_does_not_come_back():
    for coupling in (-10, -20, 0):
        room = Room(coupling)
        converse(room, 20, 0, 0)
        sent, heard, _ = converse(room, 150, -18, 0)
        for k in range(150):
            if heard[k] > -55:
                assert sent[k] < heard[k] - 29.5, (coupling, k, heard[k], sent[k])
        assert coupling <= room.suppressor.coupling / 1000 <= coupling + 4, (coupling, room.suppressor.coupling)


def test_the_near_voice_opens_within_60_ms_and_ducks_the_far_one():
    room = Room(-10)
    converse(room, 20, 0, 0)
    converse(room, 150, -20, 0)
    sent, heard, played = converse(room, 30, -20, -14, 150)
    assert sent[0] < heard[0] - 25
    # the third frame opens by a ramp, and all of the fourth is open
    assert all(abs(sent[k] - heard[k]) < 0.1 for k in range(3, 30)), sent
    assert all(played[k] < -31 for k in range(3, 30)), played


def test_silence_at_the_far_end_leaves_the_near_voice_alone():
    room = Room(-10)
    converse(room, 20, 0, 0)
    sent, heard, _ = converse(room, 30, 0, -30)
    assert sent == heard


def test_the_microphone_opens_again_after_the_far_voice():
    room = Room(-10)
    converse(room, 20, 0, 0)
    converse(room, 60, -20, 0)
    sent, heard, _ = converse(room, 30, 0, -60)
    assert sent[5] < heard[5] - 25
    assert sent[-1] == heard[-1]
    assert not room.suppressor.far_speaks and room.suppressor.duck == 0


def test_a_room_that_gets_louder_is_learnt():
    room = Room(-25)
    converse(room, 20, 0, 0)
    converse(room, 150, -18, 0)
    room.coupling = 10 ** (-15 / 20)
    converse(room, 600, -18, 0, 150)
    sent, heard, _ = converse(room, 100, -18, 0, 750)
    closed = sum(1 for k in range(100) if sent[k] < heard[k] - 25 or heard[k] < -55)
    assert closed == 100


def test_room_noise_does_not_open():
    room = Room(-30)
    converse(room, 20, 0, 0)
    for _ in range(100):
        room.suppressor.played(-20, True)
        assert room.suppressor.heard(-45, False) == -30000


if MICROPYTHON:
    import micropython

    def under_lock(ears, suppressor, agc, fader, sound):
        micropython.heap_lock()
        try:
            made = 0
            for _ in range(40):
                ears.frame(sound, 0)
                suppressor.played(ears.level, ears.is_active)
                made = suppressor.heard(ears.level, ears.is_active)
                fader.frame(sound, 0, made + agc.frame(ears, suppressor.far_speaks))
                fader.frame(sound, 0, level.volume(3))
            return made
        finally:
            micropython.heap_unlock()

    def test_a_frame_takes_no_heap():
        ears = Vad(FRAME)
        for dbov in (-10, -30):
            under_lock(ears, Suppressor(20, 60), Agc(20), Fader(FRAME), tone(440, dbov))

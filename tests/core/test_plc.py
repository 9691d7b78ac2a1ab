"""Concealment: the sound goes on, fades to noise, comes back without a click, and frames change length by whole periods."""

from array import array

from callcore.compat import MICROPYTHON
from callcore.plc import MAX_PERIOD_SAMPLES, Concealer


class Random:
    """Numbers that are the same on every interpreter."""

    def __init__(self, seed):
        self._state = seed

    def below(self, n):
        self._state = (self._state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._state >> 8) % n


def words(values):
    return bytearray(bytes(array("h", values)))


def samples(sound):
    return list(array("h", bytes(sound)))


def voice(n, period, scale=1, drift=0, rate=16000):
    """A voice: pulses into two resonances, 500 and 1500 Hz at 16 kHz, in integers; the period grows by `drift` per pulse."""
    made = [0] * n
    a1 = a2 = b1 = b2 = 0
    next_pulse = 0
    c1, c2 = (32000, 26300) if rate == 16000 else (29300, 12200)
    random = Random(3)
    for k in range(n):
        pulse = random.below(200) - 100
        if k == next_pulse:
            pulse += 4000
            next_pulse += period
            period += drift
        a1, a2 = pulse + (c1 * a1 - 15900 * a2) // 16384, a1
        b1, b2 = pulse + (c2 * b1 - 15400 * b2) // 16384, b1
        made[k] = max(-32768, min(32767, (a1 + b1) * scale // 4))
    return made


def periodic(n, period, amplitude=8000):
    """A triangle with a dent: exactly periodic."""
    one = [amplitude * (2 * min(k, period - k) - period // 2) * 2 // period for k in range(period)]
    one[period // 3] = one[period // 3] * 3 // 4
    return [one[k % period] for k in range(n)]


def hiss(n, amplitude, seed=9):
    random = Random(seed)
    return [random.below(2 * amplitude + 1) - amplitude for _ in range(n)]


def rms(values):
    return (sum(x * x for x in values) / max(len(values), 1)) ** 0.5


class Stream:
    """A signal through a Concealer, frame by frame, with guards around each frame."""

    def __init__(self, size=320, rate=16000):
        self.size = size
        self.concealer = Concealer(size, rate)
        self.out = []

    def frame(self, kind, values=None, level=60):
        guard = b"\xa5" * 6
        buf = bytearray(guard + bytes(words(values) if values else b"\x5a" * (self.size * 2)) + guard)
        if kind == "h":
            self.concealer.heard(buf, 6)
        elif kind == "l":
            self.concealer.lost(buf, 6)
        else:
            self.concealer.quiet(buf, 6, level)
        assert buf[:6] == guard and buf[-6:] == guard
        made = samples(buf[6:-6])
        self.out += made
        return made

    def run(self, signal, kinds, level=60):
        for k, kind in enumerate(kinds):
            self.frame(kind, signal[k * self.size : (k + 1) * self.size], level)
        return self.out


def worst_step(out, first=1):
    """The largest step between neighbours over the rms of the 5 ms on both sides."""
    worst = 0.0
    squares = [0]
    for x in out:
        squares.append(squares[-1] + x * x)
    for k in range(first, len(out)):
        low, high = max(0, k - 80), min(len(out), k + 80)
        local = ((squares[high] - squares[low]) / (high - low)) ** 0.5
        step = abs(out[k] - out[k - 1])
        if step > 16:  # a step of the least bits over silence is no click
            worst = max(worst, step / max(local, 1))
    return worst


SQUARE = [32767 if k // 40 % 2 else -32768 for k in range(320 * 16)]
SIGNALS = {
    "voice": voice(320 * 16, 130),
    "high voice": voice(320 * 16, 67, 1, 1),
    "low voice": voice(320 * 16, 220, 2, -1),
    "periodic": periodic(320 * 16, 100),
    "longer than any period": periodic(320 * 16, 500),
    "shorter": periodic(320 * 16, 12),
    "hiss": hiss(320 * 16, 3000),
    "nothing": [0] * (320 * 16),
    "square": SQUARE,
    "onset": [0] * (320 * 3 + 111) + voice(320 * 13 - 111, 100, 3),
}


def test_the_good_path_leaves_every_frame_as_it_is():
    for name in ("voice", "square"):
        assert Stream().run(SIGNALS[name], "h" * 16) == SIGNALS[name]


def test_a_period_goes_on_where_it_stopped():
    # periods that the search meets exactly: all of 16 kHz it does to a sample
    for period in (40, 58, 100, 163, 232):
        signal = periodic(320 * 6, period)
        out = Stream().run(signal, "hhhl")
        # all but the head of each period, and what fades
        for k in range(3 * 320, 3 * 320 + 160):
            assert out[k] == signal[k] or (k - 960) % period < 32, (period, k)


def test_the_sound_fades_by_a_fifth_per_10_ms_after_10_ms():
    stream = Stream()
    out = stream.run(hiss(320, 20) + periodic(320 * 3, 80), "hhhhllll")
    full = rms(out[960:1120])
    for k, least, most in ((0, 0.9, 1.05), (1, 0.8, 1.0), (2, 0.6, 0.8), (3, 0.4, 0.6), (4, 0.2, 0.4), (5, 0.0, 0.2)):
        assert least < rms(out[1280 + 160 * k : 1440 + 160 * k]) / full < most, k


def test_after_60_ms_there_is_the_noise_of_the_background():
    for loud in (0, 60, 600):
        stream = Stream()
        stream.run(hiss(320 * 250, loud) + voice(320 * 4, 100), "h" * 254 + "lllll")
        left = rms(stream.out[-480:])
        if loud:
            assert 0.4 < left / rms(hiss(4000, loud)) < 1.6, (loud, left)
        else:
            assert left < 3
        assert worst_step(stream.out, 320 * 254) < 4


def test_no_seam_clicks():
    for name, signal in SIGNALS.items():
        for kinds in ("hhhlhhhllhhhllll", "hhlhlhlhllhllhhh", "hhhqqhhqqqlhhlqh", "lhqhlqqhhlllllhh"):
            signal_steps = worst_step(signal)
            worst = worst_step(Stream().run(signal, kinds))
            # hiss has steps of its own, and while it fades they look larger
            assert worst <= max(4, signal_steps * 1.2), (name, kinds, worst)


def test_the_frame_after_a_gap_is_itself_after_8_ms():
    for size, rate, fade in ((320, 16000, 15386468), (640, 16000, 1642795), (160, 8000, 14625088)):
        signal = voice(size * 6, 100, rate=rate)
        for kinds in ("hhl", "hhq", "hhlll", "hhqql"):
            stream = Stream(size, rate)
            stream.run(signal, kinds)
            frame = signal[size * 5 : size * 6]
            made = stream.frame("h", frame)
            assert made[fade:] == frame[fade:] and made[:fade] != frame[:fade]
            assert stream.frame("h", frame) == frame


def test_quiet_is_noise_of_its_level_within_8_ms():
    for level in (30, 45, 62, 70):
        stream = Stream()
        stream.run(SIGNALS["voice"], "hhhqqqqqqqqq", level)
        want = 32768 * 10 ** (-level / 20)
        assert 0.85 < rms(stream.out[960 + 128 :]) / want < 1.15, level
        # and no longer than that
        assert 0.6 < rms(stream.out[960 + 128 : 960 + 448]) / want < 1.5, level


def test_before_any_sound_there_is_silence():
    assert Stream().run([0] * 960, "lll") == [0] * 960
    # and the first sound is not led in
    assert Stream().frame("h", SIGNALS["voice"][:320]) == SIGNALS["voice"][:320]


def test_a_frame_loses_or_gains_a_whole_period():
    for size in (320, 640):
        for period in (40, 58, 100, 163, 232):
            signal = periodic(size * 4, period)
            for change, sign in ((Concealer.shorten, -1), (Concealer.lengthen, 1)):
                stream = Stream(size)
                stream.run(signal, "hhh")
                buf = bytearray(b"\xa5" * 2) + words(signal[2 * size : 3 * size])
                buf += b"\xa5" * (MAX_PERIOD_SAMPLES * 2 + 2)
                n = change(stream.concealer, buf, 2, size)
                taken = (n - size) * sign
                assert taken and taken % period == 0 and taken <= MAX_PERIOD_SAMPLES, (size, period, n)
                # of what is exactly periodic nothing can be seen but its length
                assert samples(buf[2 : 2 + n * 2]) == signal[2 * size : 2 * size + n]
                if sign > 0:
                    assert buf[2 + n * 2 :] == b"\xa5" * (len(buf) - 2 - n * 2)
                assert buf[:2] == b"\xa5" * 2
                # and the next frame goes on where this one ended
                following = stream.frame("h", signal[3 * size :])
                assert following == signal[3 * size :]


def test_the_period_is_met_within_a_sample():
    for period in range(41, 232, 10):
        stream = Stream()
        buf = words(periodic(960, period)[640:]) + bytearray(MAX_PERIOD_SAMPLES * 2)
        stream.run(periodic(640, period), "hh")
        stream.concealer.heard(buf, 0)
        taken = 320 - stream.concealer.shorten(buf, 0, 320)
        times = (taken + period // 2) // period
        assert times and abs(taken - times * period) <= 2, (period, taken)


def test_a_change_of_length_does_not_click():
    for name in ("voice", "high voice", "low voice", "nothing"):
        signal = SIGNALS[name]
        for change in (Concealer.shorten, Concealer.lengthen):
            stream = Stream()
            out = []
            changed = 0
            for k in range(16):
                frame = signal[k * 320 : (k + 1) * 320]
                stream.frame("h", frame)
                buf = words(frame) + bytearray(MAX_PERIOD_SAMPLES * 2)
                n = change(stream.concealer, buf, 0, 320)
                changed += n != 320
                out += samples(buf[: n * 2])
            assert changed >= 5, (name, changed)
            assert worst_step(out) <= max(4, worst_step(signal)), name


def test_what_has_no_period_keeps_its_length_unless_it_is_quiet():
    stream = Stream()
    stream.run(hiss(320 * 40, 30), "h" * 40)
    buf = words(hiss(320, 30, 4)) + bytearray(MAX_PERIOD_SAMPLES * 2)
    stream.concealer.heard(buf, 0)
    assert stream.concealer.shorten(buf, 0, 320) < 320
    buf = words(hiss(320, 9000)) + bytearray(MAX_PERIOD_SAMPLES * 2)
    before = bytes(buf)
    stream.concealer.heard(buf, 0)
    assert stream.concealer.shorten(buf, 0, 320) == stream.concealer.lengthen(buf, 0, 320) == 320
    assert buf == before


def test_a_concealed_frame_keeps_its_length():
    stream = Stream()
    stream.run(SIGNALS["voice"], "hhh")
    buf = bytearray(640 + MAX_PERIOD_SAMPLES * 2)
    stream.concealer.lost(buf, 0)
    before = bytes(buf)
    assert stream.concealer.shorten(buf, 0, 320) == stream.concealer.lengthen(buf, 0, 320) == 320
    assert buf == before


def test_whatever_comes_nothing_is_written_beside_the_frame():
    random = Random(11)
    guard = bytes(range(64))
    for size, rate in ((320, 16000), (640, 16000), (160, 8000)):
        concealer = Concealer(size, rate)
        room = MAX_PERIOD_SAMPLES * 2
        for _ in range(40):
            loud = (1, 2, 200, 32767)[random.below(4)]
            frame = words([random.below(2 * loud + 1) - loud for _ in range(size)])
            if random.below(4) == 0:
                frame = words([(-32768, 32767)[k // 30 % 2] for k in range(size)])
            buf = bytearray(guard) + frame + bytearray(room) + bytearray(guard)
            kind = random.below(4)
            if kind < 2:
                concealer.heard(buf, 64)
            elif kind == 2:
                concealer.lost(buf, 64)
            else:
                concealer.quiet(buf, 64, random.below(128))
            assert buf[64 + size * 2 : -64] == bytearray(room)
            n = concealer.shorten(buf, 64, size)
            assert buf[64 + size * 2 : -64] == bytearray(room)
            if n == size:
                n = concealer.lengthen(buf, 64, size)
                assert not any(buf[64 + n * 2 : -64])
            assert abs(n - size) <= MAX_PERIOD_SAMPLES and buf[:64] == buf[-64:] == guard


def test_every_interpreter_makes_the_same_sound():
    for size, rate, want in ((320, 16000, 15386468), (640, 16000, 1642795), (160, 8000, 14625088)):
        total = 0
        for name in ("voice", "high voice", "hiss", "square"):
            for x in Stream(size, rate).run(SIGNALS[name][: size * 8], "hhlhllqh"):
                total = (total * 31 + x) & 0xFFFFFF
        assert total == want, (size, rate, total)


if MICROPYTHON:
    import micropython

    def under_lock(concealer, buf):
        changed = 0
        micropython.heap_lock()
        try:
            for k in range(12):
                if k % 4 == 1:
                    concealer.lost(buf, 0)
                elif k % 4 == 2:
                    concealer.quiet(buf, 0, 60)
                else:
                    concealer.heard(buf, 0)
                changed += concealer.shorten(buf, 0, 320) != 320
                changed += concealer.lengthen(buf, 0, 320) != 320
            return changed
        finally:
            micropython.heap_unlock()

    def test_a_frame_takes_no_heap():
        buf = words(SIGNALS["periodic"][:320]) + bytearray(MAX_PERIOD_SAMPLES * 2)
        assert under_lock(Concealer(320), buf)

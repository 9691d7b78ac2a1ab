"""What every concealer does, on the board and on the host; the rule is at the head of `callcore/plc.py`.

A kit is a stream of 16-bit samples through one concealer. `test_concealment_contract.py` runs every case of this file for each
implementation, rate and size of a frame.
"""

from abc import ABC, abstractmethod

import numpy as np

from callcore import plc
from callcore.plc import MAX_PERIOD_SAMPLES
from tincall.worker import concealment


class Kit(ABC):
    """A concealer; frames are int16 arrays.

    Args:
        size: samples of a frame.
        rate_hz: 8000 or 16000.
    """

    def __init__(self, size, rate_hz):
        self.size = size
        self.rate_hz = rate_hz
        self.per_ms = rate_hz // 1000

    @abstractmethod
    def heard(self, frame):
        """Give what is played of a frame that is here."""

    @abstractmethod
    def lost(self):
        """Give what is played for one that is missing."""

    @abstractmethod
    def quiet(self, level):
        """Give comfort noise."""

    @abstractmethod
    def shorten(self, frame):
        """Give the frame that `heard` gave last, shorter."""

    @abstractmethod
    def lengthen(self, frame):
        """Give the frame that `heard` gave last, longer."""

    def run(self, signal, kinds, level=60):
        """Play a signal: for each frame `h` it is heard, `l` lost, `q` quiet."""
        out = []
        for k, kind in enumerate(kinds):
            frame = signal[k * self.size : (k + 1) * self.size]
            out.append(self.heard(frame) if kind == "h" else self.lost() if kind == "l" else self.quiet(level))
        return np.concatenate(out)


class BoardKit(Kit):
    """callcore's."""

    def __init__(self, size, rate_hz):
        super().__init__(size, rate_hz)
        self._concealer = plc.Concealer(size, rate_hz)

    def _do(self, what, frame, room=0, more=()):
        buf = bytearray((len(frame) + room) * 2)
        buf[: len(frame) * 2] = frame.astype("<i2").tobytes()
        n = what(buf, 0, *more)
        return np.frombuffer(buf, "<i2").astype(np.int16)[: len(frame) if n is None else n]

    def heard(self, frame):
        return self._do(self._concealer.heard, frame)

    def lost(self):
        return self._do(self._concealer.lost, np.zeros(self.size))

    def quiet(self, level):
        return self._do(self._concealer.quiet, np.zeros(self.size), more=(level,))

    def shorten(self, frame):
        return self._do(self._concealer.shorten, frame, more=(len(frame),))

    def lengthen(self, frame):
        return self._do(self._concealer.lengthen, frame, MAX_PERIOD_SAMPLES, (len(frame),))


class HostKit(Kit):
    """The worker's."""

    def __init__(self, size, rate_hz):
        super().__init__(size, rate_hz)
        concealer = concealment.Concealer(size, rate_hz)
        self.heard = concealer.heard
        self.lost = concealer.lost
        self.quiet = concealer.quiet
        self.shorten = concealer.shorten
        self.lengthen = concealer.lengthen

    heard = lost = quiet = shorten = lengthen = None


def rms(sound):
    return float(np.sqrt(np.mean(np.square(sound.astype(float)))))


def tone(kit, period_ms, frames, amplitude=8000.0):
    """A sound of three harmonics; exactly periodic when its period is whole samples."""
    turn = 2 * np.pi * np.arange(frames * kit.size) / (period_ms * kit.per_ms)
    return (amplitude * (np.sin(turn) + 0.5 * np.sin(2 * turn + 1) + 0.25 * np.sin(3 * turn)) / 1.5).astype(np.int16)


def hiss(kit, frames, amplitude):
    made = np.random.default_rng(5).normal(0, amplitude, frames * kit.size)
    return np.clip(made, -32768, 32767).astype(np.int16)


def speech_like(kit, frames):
    """A tone whose pitch and loudness wander, with hiss and pauses."""
    at = np.arange(frames * kit.size) / kit.rate_hz
    turn = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 2 * at)) / kit.rate_hz
    voiced = np.sin(turn) + 0.6 * np.sin(3 * turn) + 0.4 * np.sin(7 * turn)
    loud = np.clip(np.sin(2 * np.pi * 3 * at), 0.0, 1.0)
    return (6000 * voiced * loud + hiss(kit, frames, 20)).astype(np.int16)


def square(kit, frames):
    half = 2 * kit.per_ms
    return np.where(np.arange(frames * kit.size) // half % 2, 32767, -32768).astype(np.int16)


def worst_step(kit, sound, more_than=16):
    """The largest step over the rms of the 5 ms on both sides."""
    reach = 5 * kit.per_ms
    squares = np.concatenate(([0.0], np.cumsum(np.square(sound.astype(float)))))
    steps = np.abs(np.diff(sound.astype(int)))
    at = np.arange(1, len(sound))
    low, high = np.maximum(at - reach, 0), np.minimum(at + reach, len(sound))
    local = np.sqrt((squares[high] - squares[low]) / (high - low))
    return float(np.max(np.where(steps > more_than, steps / np.maximum(local, 1), 0)))


def case_the_good_path_leaves_frames_as_they_are(kit):
    for signal in (speech_like(kit, 8), square(kit, 8)):
        before = signal.copy()
        assert np.array_equal(kit.run(signal, "h" * 8), before)
        assert np.array_equal(signal, before)


def case_no_seam_clicks(kit):
    for signal in (speech_like(kit, 12), square(kit, 12), tone(kit, 7.5, 12), tone(kit, 2.5, 12), hiss(kit, 12, 0)):
        for kinds in ("hhlhllhlllhh", "lhhlhqqhlhqh", "hqlhlqlqhllh"):
            made = kit.run(signal, kinds)
            assert worst_step(kit, made) <= max(4, 1.2 * worst_step(kit, signal)), kinds


def case_a_tone_goes_on(kit):
    signal = tone(kit, 5, 5)
    made = kit.run(signal, "hhhhl")
    ten_ms = slice(4 * kit.size, 4 * kit.size + 10 * kit.per_ms)
    wrong = rms(made[ten_ms].astype(int) - signal[ten_ms])
    assert wrong < 0.3 * rms(signal), wrong / rms(signal)


def case_the_sound_fades_by_a_fifth_per_10_ms(kit):
    kit.run(hiss(kit, 400, 30), "h" * 400)
    signal = tone(kit, 5, 3)
    full = rms(signal)
    kit.run(signal, "hhh")
    made = np.concatenate([kit.lost() for _ in range(80 * kit.per_ms // kit.size)])
    for k, (least, most) in enumerate(((0.9, 1.1), (0.8, 1.0), (0.6, 0.8), (0.4, 0.6), (0.2, 0.4), (0.0, 0.2))):
        part = rms(made[10 * k * kit.per_ms : 10 * (k + 1) * kit.per_ms])
        assert least < part / full < most, (k, part / full)
    # what is left is the background
    left = rms(made[60 * kit.per_ms :])
    assert 10 < left < 50, left
    assert 10 < rms(kit.lost()) < 50


def case_silence_is_concealed_by_silence(kit):
    made = kit.run(hiss(kit, 300, 0), "h" * 300)
    assert not made.any()
    assert max(np.abs(kit.lost()).max(), np.abs(kit.lost()).max()) <= 2


def case_before_any_sound_nothing_is_made(kit):
    assert not kit.run(hiss(kit, 3, 0), "lll").any()


def case_the_frame_after_a_gap_is_itself_after_8_ms(kit):
    signal = speech_like(kit, 10) + tone(kit, 6, 10, 2000)
    fade = 8 * kit.per_ms
    for kinds in ("hhhl", "hhlllll", "hhqqq", "hhlql"):
        kit.run(signal, kinds)
        frame = signal[8 * kit.size : 9 * kit.size]
        made = kit.heard(frame)
        assert np.array_equal(made[fade:], frame[fade:]) and not np.array_equal(made[:fade], frame[:fade])
        following = signal[9 * kit.size :]
        assert np.array_equal(kit.heard(following), following)


def case_quiet_is_noise_of_its_level(kit):
    for level in (30, 45, 60, 70):
        kit.run(tone(kit, 6, 3), "hhh")
        made = np.concatenate([kit.quiet(level) for _ in range(20)])
        want = 32768 * 10 ** (-level / 20)
        assert 0.85 < rms(made[8 * kit.per_ms :]) / want < 1.17, level
        assert np.abs(made[9 * kit.per_ms :]).max() < 5 * want + 2, "the sound has not gone within 8 ms"


def case_a_frame_changes_by_one_period(kit):
    for period_ms in (5, 8, 12.5):
        signal = tone(kit, period_ms, 6)
        period = period_ms * kit.per_ms
        kit.run(signal, "hh")
        frame = kit.heard(signal[2 * kit.size : 3 * kit.size])
        shorter, longer = kit.shorten(frame), kit.lengthen(frame)
        for n, sign in ((len(shorter), -1), (len(longer), 1)):
            taken = (n - kit.size) * sign
            assert 0 < taken <= MAX_PERIOD_SAMPLES
            times = round(taken / period)
            assert times and abs(taken - times * period) <= 1.5, (taken, period)
        for made in (shorter, longer):
            assert made[0] == frame[0] and abs(int(made[-1]) - int(frame[-1])) < 300
            wrong = made.astype(int) - signal[2 * kit.size : 2 * kit.size + len(made)]
            assert rms(wrong) < 0.3 * rms(signal), rms(wrong) / rms(signal)


def case_a_stretched_stream_does_not_click(kit):
    signal = speech_like(kit, 20)
    for change in (kit.shorten, kit.lengthen):
        made = [change(kit.heard(signal[k * kit.size : (k + 1) * kit.size])) for k in range(20)]
        assert sum(len(frame) != kit.size for frame in made) >= 8
        worst = worst_step(kit, np.concatenate(made))
        assert worst <= max(4, 1.1 * worst_step(kit, signal)), worst


def case_hiss_keeps_its_length_unless_it_is_the_background(kit):
    kit.run(hiss(kit, 60, 30), "h" * 60)
    assert len(kit.shorten(kit.heard(hiss(kit, 1, 30)))) < kit.size
    loud = kit.heard(hiss(kit, 1, 6000))
    assert len(kit.shorten(loud)) == len(kit.lengthen(loud)) == kit.size


def case_what_is_concealed_keeps_its_length(kit):
    kit.run(tone(kit, 5, 3), "hhh")
    for made in (kit.lost(), kit.quiet(50)):
        assert len(kit.shorten(made)) == len(kit.lengthen(made)) == kit.size


def case_a_frame_changes_its_length_once(kit):
    kit.run(tone(kit, 5, 2), "hh")
    for change in (kit.shorten, kit.lengthen):
        once = change(kit.heard(tone(kit, 5, 1)))
        assert len(once) != kit.size
        assert np.array_equal(kit.shorten(once), once) and np.array_equal(kit.lengthen(once), once)


CASES = [value for name, value in globals().items() if name.startswith("case_")]

"""The host's concealer beside the board's: near the same sound, its arguments left alone."""

import numpy as np
import pytest

from callcore import plc
from tincall.worker.concealment import Concealer

RATES = [(320, 16000), (640, 16000), (160, 8000)]


def speech_like(n, rate_hz):
    at = np.arange(n) / rate_hz
    turn = 2 * np.pi * np.cumsum(140 + 50 * np.sin(2 * np.pi * 1.5 * at)) / rate_hz
    voiced = np.sin(turn) + 0.5 * np.sin(2 * turn + 1) + 0.3 * np.sin(5 * turn)
    loud = 0.2 + np.clip(np.sin(2 * np.pi * 2 * at), 0.0, 0.8)
    return (7000 * voiced * loud).astype(np.int16)


def on_board(signal, kinds, size, rate_hz):
    """Play as the board does."""
    concealer = plc.Concealer(size, rate_hz)
    out = []
    for k, kind in enumerate(kinds):
        buf = bytearray(signal[k * size : (k + 1) * size].astype("<i2").tobytes())
        if kind == "h":
            concealer.heard(buf, 0)
        else:
            concealer.lost(buf, 0)
        out.append(np.frombuffer(buf, "<i2"))
    return np.concatenate(out)


@pytest.mark.parametrize(("size", "rate_hz"), RATES)
def test_it_sounds_as_the_board_does(size, rate_hz):
    kinds = "hhhlhhllhhhhlllhhhhl"
    signal = speech_like(size * len(kinds), rate_hz)
    concealer = Concealer(size, rate_hz)
    ours = [
        concealer.heard(signal[k * size : (k + 1) * size]) if kind == "h" else concealer.lost()
        for k, kind in enumerate(kinds)
    ]
    theirs = on_board(signal, kinds, size, rate_hz).astype(int)
    # but for rounding and for the noise, which differs
    apart = np.concatenate(ours) - theirs
    assert np.sqrt(np.mean(apart**2)) < 0.02 * np.sqrt(np.mean(theirs**2))


def test_what_is_given_is_never_changed_and_what_is_made_is_no_view_of_it():
    signal = speech_like(320 * 6, 16000)
    before = signal.copy()
    signal.flags.writeable = False
    concealer = Concealer(320, 16000)
    for k, kind in enumerate("hhlhlh"):
        frame = signal[k * 320 : (k + 1) * 320]
        made = concealer.heard(frame) if kind == "h" else concealer.lost()
        assert made.dtype == np.int16 and made.shape == (320,)
        longer = concealer.lengthen(made)
        shorter = concealer.shorten(made)
        assert longer.dtype == shorter.dtype == np.int16
        if kind == "l":
            made[:] = 32767
    assert np.array_equal(signal, before)
    # spoiling what was played spoils nothing that comes
    assert np.abs(concealer.lost().astype(int)).max() < 20000


def test_the_good_path_copies_nothing():
    signal = speech_like(320 * 3, 16000)
    concealer = Concealer(320, 16000)
    frame = signal[:320]
    assert concealer.heard(frame) is frame


def test_seeds_make_other_noise():
    made = [Concealer(320, 16000, seed).quiet(40) for seed in (1, 1, 2)]
    assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])


def test_the_noise_is_dark_as_the_board_makes_it():
    concealer = Concealer(320, 16000)
    made = np.concatenate([concealer.quiet(30) for _ in range(100)]).astype(float)
    low, high = np.mean((made[1:] + made[:-1]) ** 2), np.mean((made[1:] - made[:-1]) ** 2)
    assert 2.5 < low / high < 3.5

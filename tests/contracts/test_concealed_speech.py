"""Human speech with frames lost at random, concealed on the board and on the host: no click, and a frame later all is as sent.

A click is a step between neighbours of more than four times the root mean square of the 10 ms around it which the sound that
is repeated or comes back has not itself.
"""

import numpy as np
import pytest
from support.checkout import CHECKOUT

from contracts.concealment_contract import BoardKit, HostKit
from tincall.wav import load
from tincall.worker import transcode

CLIPS = ("cards-003", "goforward", "librivox-0880", "librivox-0920", "numbers")
FADE_MS = 8


def losses(pattern, frames, seed):
    """Tell of each frame whether it is lost: a share at random, or bursts of 2.5 frames in the mean."""
    chance = np.random.default_rng(seed)
    share, is_bursty = pattern
    if not is_bursty:
        lost = chance.random(frames) < share
    else:
        lost, state = np.zeros(frames, dtype=bool), False
        for k in range(frames):
            state = chance.random() > 0.4 if state else chance.random() < 0.4 * share / (1 - share)
            lost[k] = state
    lost[0] = False
    return lost


def decoded(codec, ptime_ms, sound, lost, rate_hz):
    """Give what the coder of the far end makes of the frames that came, at `rate_hz`; None for the others."""
    far, near = transcode.coder(codec, ptime_ms), transcode.coder(codec, ptime_ms)
    is_stepped = rate_hz != far.rate_hz
    down, up = transcode.Downsampler(), transcode.Upsampler()
    frames = []
    for k, is_lost in enumerate(lost):
        payload = b""
        for tick in range(k * ptime_ms // 20, (k + 1) * ptime_ms // 20):
            part = sound[tick * 320 : (tick + 1) * 320]
            payload += far.encode(down(part) if far.rate_hz == transcode.NARROW_HZ else part)
        if is_lost:
            frames.append(None)
        else:
            frame = near.decode(payload)
            frames.append(up(frame) if is_stepped else frame)
    return frames


def played(kit, frames, dtx):
    """Play frames through a concealer, None as lost.

    Returns:
        What is heard; where it is not what was decoded; and at each of these places the largest step of what it is made of:
        of the sound before the gap that is repeated, and of the frame itself.
    """
    fade = FADE_MS * kit.per_ms
    past = kit.size + 5 * kit.per_ms  # what a concealer remembers
    heard = np.zeros(past, dtype=np.int16)
    touched, own = [np.zeros(past, dtype=bool)], [np.zeros(past)]
    before = 0.0
    for k, frame in enumerate(frames):
        is_first = k > 0 and frames[k - 1] is not None
        if frame is None:
            if is_first:
                before = steps_of(heard[-past:]).max()
            made = kit.quiet(62) if dtx else kit.lost()
            touched.append(np.ones(kit.size, dtype=bool))
            own.append(np.full(kit.size, before))
        else:
            made = kit.heard(frame)
            begin = 0 if is_first or not k else fade
            assert np.array_equal(made[begin:], frame[begin:]), "it has not recovered within the frame"
            touched.append(np.arange(kit.size) <= (begin or -1))
            own.append(np.maximum(before if begin else 0, np.abs(steps_of(frame))))
        heard = np.concatenate((heard, made))
    return heard, np.concatenate(touched), np.concatenate(own)


def steps_of(sound):
    return np.abs(np.diff(sound.astype(int), prepend=int(sound[0])))


def clicks(kit, heard, touched, own):
    """Give the worst step that is not the sound's own, where it is not as it came, over the rms around."""
    reach = 5 * kit.per_ms
    squares = np.concatenate(([0.0], np.cumsum(np.square(heard.astype(float)))))
    at = np.arange(len(heard))
    low, high = np.maximum(at - reach, 0), np.minimum(at + reach, len(heard))
    local = np.sqrt((squares[high] - squares[low]) / (high - low))
    steps = steps_of(heard)
    # voices have steps of their own, one a period; a step of the least bits is no click
    is_new = touched & (steps > 16) & (steps > 1.1 * own)
    return float(np.max(np.where(is_new, steps / np.maximum(local, 1), 0)))


def test_a_click_is_found():
    kit = HostKit(320, 16000)
    heard = np.rint(3000 * np.sin(np.arange(1600) / 8)).astype(np.int16)
    touched, own = np.ones(1600, dtype=bool), np.full(1600, 375.0)
    assert clicks(kit, heard, touched, own) == 0
    heard[800:] //= -20  # from the crest through nought, as what is silenced at once or turned round
    heard[800] = -12000
    assert clicks(kit, heard, touched, own) > 4


@pytest.mark.parametrize("ptime_ms", [20, 40])
@pytest.mark.parametrize("codec", ["L16", "PCMA", "PCMU", "G722", "DVI4"])
@pytest.mark.parametrize("make", [BoardKit, HostKit])
def test_lost_speech_does_not_click(make, codec, ptime_ms):
    if codec not in transcode.codecs(transcode.WIDE_HZ):
        pytest.skip("needs PyAV")
    rate_hz = transcode.WIDE_HZ if make is BoardKit else transcode.coder(codec, ptime_ms).rate_hz
    size = ptime_ms * rate_hz // 1000
    for seed, clip in enumerate(CLIPS):
        sound = load(CHECKOUT / ".cache" / "speech" / f"{clip}.wav", 16000)[: 16000 * 3]
        count = len(sound) * 1000 // 16000 // ptime_ms
        for pattern in ((0.05, False), (0.2, False), (0.1, True)):
            lost = losses(pattern, count, seed)
            kit = make(size, rate_hz)
            worst = clicks(kit, *played(kit, decoded(codec, ptime_ms, sound, lost, rate_hz), dtx=seed == 4))
            assert worst <= 4, (clip, pattern)

"""The board's ear for speech over human speech in noise: what it may miss, and what it has to save."""

import numpy as np
import pytest

from tincall.measure import silence
from tincall.measure.silence import FRAME, VOICE_DBOV


@pytest.fixture(scope="module")
def found():
    return {(kind, ratio_db): sent for kind, ratio_db, sent in silence.table()}


def test_a_quiet_room_loses_nothing_and_saves_a_third(found):
    quiet = found["quiet", VOICE_DBOV - silence.HISS_DBOV]
    assert quiet.missed <= 0.002
    assert quiet.sent <= 0.65
    assert quiet.noise <= 0.06


@pytest.mark.parametrize(
    ("kind", "ratio_db", "missed", "sent"),
    [
        ("white", 30, 0.005, 0.60),
        ("pink", 30, 0.005, 0.65),
        ("white", 20, 0.016, 0.66),
        ("pink", 20, 0.016, 0.66),
        ("voices", 20, 0.01, 0.88),
    ],
)
def test_moderate_noise_loses_little(found, kind, ratio_db, missed, sent):
    assert found[kind, ratio_db].missed <= missed
    assert found[kind, ratio_db].sent <= sent


@pytest.mark.parametrize("kind", ["white", "voices"])
def test_in_loud_noise_silence_is_left_in(found, kind):
    assert found[kind, 10].noisy > 0.85
    assert found[kind, 10].missed <= 0.002


def test_half_of_a_conversation_is_speech():
    chance = np.random.default_rng(3)
    clip = np.sin(np.arange(100 * FRAME)) * 2000
    sound, speech = silence.conversation([silence.levelled(clip.astype(np.int16))] * 3, chance)
    assert len(sound) == len(speech) * FRAME
    assert 0.42 < speech.mean() < 0.48


def test_a_frame_that_is_not_sent_is_missed():
    # a word 6 dB above the noise: too soft for any ear of this kind
    chance = np.random.default_rng(4)
    sound = chance.standard_normal(400 * FRAME) * 60
    sound[300 * FRAME : 310 * FRAME] *= 2
    speech = np.zeros(400, dtype=bool)
    speech[300:310] = True
    assert silence.judge(sound, speech).missed == 1.0
    sound[300 * FRAME : 310 * FRAME] *= 4
    heard = silence.judge(sound, speech)
    assert heard.missed == 0.0
    # the ten, the twelve after them, and the one before
    assert heard.sent == pytest.approx(23 / 400)

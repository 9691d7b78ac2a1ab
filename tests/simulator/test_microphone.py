"""Frames of a clip: nothing lost, nothing added, and silence around it."""

import numpy as np
import pytest

from tincall.simulator.microphone import Microphone


def clip(length):
    return np.arange(1, length + 1, dtype=np.int16)


def hear(microphone, frames):
    return np.concatenate([microphone.next_frame() for _ in range(frames)])


@pytest.mark.parametrize("length", [1, 159, 160, 161, 1000])
@pytest.mark.parametrize("wait", [0, 1, 160, 230])
def test_the_whole_clip_comes_after_the_wait_and_then_silence(length, wait):
    microphone = Microphone(clip(length), 160, wait, False)
    assert microphone.clip_at == wait
    heard = hear(microphone, 12)
    assert np.array_equal(heard[wait : wait + length], clip(length))
    assert not heard[:wait].any() and not heard[wait + length :].any()
    assert microphone.is_spoken


def test_it_is_spoken_when_its_last_sample_has_gone_and_not_before():
    microphone = Microphone(clip(320), 160, 0, False)
    microphone.next_frame()
    assert not microphone.is_spoken
    microphone.next_frame()
    assert microphone.is_spoken


def test_a_repeating_clip_has_no_pause_and_no_end():
    microphone = Microphone(clip(100), 160, 20, True)
    heard = hear(microphone, 10)
    assert np.array_equal(heard[20:], np.resize(clip(100), len(heard) - 20))
    assert not microphone.is_spoken


def test_without_a_clip_there_is_silence_for_ever():
    microphone = Microphone(clip(0), 160, 0, True)
    assert not hear(microphone, 5).any() and not microphone.is_spoken

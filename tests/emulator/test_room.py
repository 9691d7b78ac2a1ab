"""In a room the microphone hears the speaker, less loud, and noise."""

import numpy as np

from tincall.emulator.room import NOISE_LEVEL, Room


def test_the_speaker_is_heard_by_so_much_less():
    room = Room(20.0)
    room.hear(np.full(256, 10_000, dtype="<i2").tobytes())
    block = room.block(256)
    assert abs(int(block.astype(int).mean()) - 1000) < 3 and np.abs(block.astype(int) - 1000).max() <= NOISE_LEVEL


def test_there_is_noise_where_nobody_plays():
    quiet = Room(0.0).block(256)
    assert len(set(quiet.tolist())) > 8 and np.abs(quiet).max() <= NOISE_LEVEL


def test_full_range_stays_in_range_and_a_short_piece_is_no_trouble():
    room = Room(0.0)
    room.hear(np.array([32767, -32768], dtype="<i2").tobytes())
    block = room.block(256)
    assert block[0] > 32000 and block[1] < -32000 and np.abs(block[2:]).max() <= NOISE_LEVEL


def test_what_nobody_hears_is_dropped():
    room = Room(0.0)
    for number in range(100):
        room.hear(np.full(256, number * 100, dtype="<i2").tobytes())
    assert room.block(256)[0] > 8000

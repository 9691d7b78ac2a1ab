"""Runs on a board: the ring and the other tones, into a speaker of invented time."""

import json
import struct

from board_world import World

from callcore.compat import MICROPYTHON
from handset import diag, tones

BYTES_PER_MS = 32
ROOM = 1536


class Speaker:
    """Plays by the world's clock out of a buffer of 48 ms; keeps what it was given."""

    def __init__(self, world):
        self.world = world
        self.heard = bytearray()
        self.closed = False
        self.error = None
        self._opened = world.now

    def write(self, buf, off, n):
        assert not self.closed
        if self.error:
            raise self.error
        room = (self.world.now - self._opened) * BYTES_PER_MS + ROOM - len(self.heard)
        n = min(n, room)
        self.heard.extend(memoryview(buf)[off : off + n])
        return n

    def deinit(self):
        self.closed = True


class Desk:
    """A world with tones in it."""

    def __init__(self):
        self.world = World()
        tones.asyncio = self.world
        self.said = []
        diag.print = lambda text: self.said.append(json.loads(text))
        self.opened = []
        self.error = None
        self.tones = tones.Tones(self._open)

    def _open(self):
        if self.error:
            raise self.error
        self.opened.append(Speaker(self.world))
        return self.opened[-1]


def samples(speaker):
    return struct.unpack("<%dh" % (len(speaker.heard) // 2), bytes(speaker.heard))


def waves(part):
    """Count how often a wave begins."""
    return sum(1 for at in range(1, len(part)) if part[at - 1] <= 0 < part[at])


def test_a_ring_is_two_tones_by_turns_and_then_silence_over_and_over():
    desk = Desk()
    desk.tones.start(tones.RING, 10)
    desk.world.run(4500)
    heard = samples(desk.opened[0])
    assert len(heard) >= 4500 * 16
    assert 46 <= waves(heard[:960]) <= 49 and 58 <= waves(heard[960:1920]) <= 61
    assert 15000 < max(heard) <= 16384 and -16384 <= min(heard) < -15000
    assert max(heard[15360:48000]) == min(heard[15360:48000]) == 0
    assert heard[48000:72000] == heard[:24000]


def test_a_ring_is_without_clicks():
    desk = Desk()
    desk.tones.start(tones.RING, 10)
    desk.world.run(1500)
    heard = samples(desk.opened[0])
    assert max(abs(heard[at] - heard[at - 1]) for at in range(1, len(heard))) < 6800


def test_it_is_silent_at_once_when_stopped_and_the_speaker_is_free():
    desk = Desk()
    desk.tones.start(tones.RING, 10)
    desk.world.run(500)
    desk.tones.stop()
    size = len(desk.opened[0].heard)
    desk.world.run(5000)
    assert desk.opened[0].closed and len(desk.opened[0].heard) == size
    desk.tones.stop()
    desk.tones.start(tones.BEEP, 10)
    desk.world.run(100)
    assert len(desk.opened) == 2 and not desk.opened[1].closed


def test_another_tone_takes_the_place_of_the_first():
    desk = Desk()
    desk.tones.start(tones.RING, 10)
    desk.world.run(100)
    desk.tones.start(tones.BEEP, 10)
    desk.world.run(500)
    assert desk.opened[0].closed and 7000 < max(samples(desk.opened[1])) <= 8192


def test_a_beep_ends_by_itself_after_it_was_heard():
    desk = Desk()
    desk.tones.start(tones.BEEP, 10)
    desk.world.run(2000)
    heard = samples(desk.opened[0])
    assert desk.opened[0].closed and len(heard) == 14 * 320 and max(heard[3200:]) == 0 < max(heard[:3200])


def test_the_volume_is_six_db_for_two_steps():
    loud = []
    for volume in (10, 8, 6, 4, 2, 0):
        desk = Desk()
        desk.tones.start(tones.RING, volume)
        desk.world.run(100)
        loud.append(max(samples(desk.opened[0])))
    assert loud[-1] == 0
    for at in range(4):
        assert 1.9 < loud[at] / loud[at + 1] < 2.1, loud


def test_a_speaker_that_cannot_be_had_or_fails_is_told_and_no_more():
    desk = Desk()
    for error in (OSError(12), MemoryError()):
        desk.error = error
        desk.tones.start(tones.RING, 10)
    desk.error = None
    desk.tones.start(tones.RING, 10)
    desk.opened[0].error = OSError(5)
    desk.world.run(1000)
    assert desk.opened[0].closed
    assert [line["step"] for line in desk.said] == ["tone"] * 3


def test_playing_takes_no_memory():
    if not MICROPYTHON:
        return
    import gc

    class Full:
        def write(self, buf, off, n):
            return n if self.left() else 0

        def left(self):
            self.n -= 1
            return self.n > 0

        def deinit(self):
            pass

    playing = tones.Tones(None)
    playing._speaker = speaker = Full()
    speaker.n = 5
    nap = object()
    tones.clock.sleep_ms = lambda ms: Pause(nap)
    frames = bytes(640), bytes(640), bytes(640)
    task = playing._play(frames, 48, 150)
    task.send(None)
    speaker.n = 1000
    pause = Pause(nap)
    tones.clock.sleep_ms = lambda ms: pause
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    task.send(None)
    grown = gc.mem_alloc() - before
    gc.enable()
    task.close()
    assert grown < 256, grown  # for a thousand frames: what the call of `send` itself takes


class Pause:
    """What may be awaited, any number of times."""

    def __init__(self, word):
        self._word = word
        self._slept = False

    def __iter__(self):
        return self

    __await__ = __iter__

    def __next__(self):
        self._slept = not self._slept
        if self._slept:
            return self._word
        raise StopIteration

"""Sound between board and room: a beat one way, as it comes the other way, and what is counted."""

import asyncio

import numpy as np
import pytest
from support.legs import MEDIA, packets, run, until

from callcore.errors import LocalError
from tincall.leg import Media
from tincall.wechat import sound
from tincall.wechat.sound import Sound

TONE = (9000 * np.sin(np.arange(320) / 4)).astype("<i2").tobytes()


class Both:
    """Where the sound goes."""

    def __init__(self, media=MEDIA):
        self.packets, self.frames, self.told = [], [], []
        self.sound = Sound(media, self._packet, self._frame, self.told.append)

    def _packet(self, packet):
        self.packets.append(packet)
        return True

    def _frame(self, frame):
        self.frames.append(frame)
        return True


def play(scene, media=MEDIA):
    async def main():
        both = Both(media)
        both.sound.start()
        try:
            await scene(both)
        finally:
            both.sound.stop()

    run(main())


def test_a_frame_of_the_room_is_a_packet_at_once():
    async def scene(both):
        both.sound.flow()
        for _ in range(3):
            both.sound.speak(TONE)
        assert [len(packet) for packet in both.packets] == [172] * 3
        assert both.sound.figures()["sent"] == 3

    play(scene)


def test_two_frames_of_the_room_are_a_packet_of_40_ms():
    async def scene(both):
        both.sound.flow()
        for _ in range(4):
            both.sound.speak(TONE)
        assert [len(packet) for packet in both.packets] == [332] * 2

    play(scene, Media("PCMA", 40, 1, 2))


def test_nothing_reaches_room_or_board_before_the_room_talks():
    async def scene(both):
        both.sound.speak(TONE)
        for packet in packets(10):
            both.sound.take(packet)
            await asyncio.sleep(0.02)
        assert both.packets == [] and both.frames == []
        figures = both.sound.figures()
        # they were played to nobody, in time, so that nothing old comes when the room talks
        assert figures["received"] == 10 and figures["played"] >= 4 and "heard_t0_ns" not in figures
        both.sound.flow()
        await until(lambda: both.frames)
        assert both.sound.figures()["heard_t0_ns"] > 0

    play(scene)


def test_the_rooms_frames_have_16_khz_and_come_every_20_ms():
    async def scene(both):
        both.sound.flow()
        began_s = asyncio.get_running_loop().time()
        for packet in packets(25):
            both.sound.take(packet)
            await asyncio.sleep(0.02)
        passed_s = asyncio.get_running_loop().time() - began_s
        assert {len(frame) for frame in both.frames} == {640}
        assert abs(len(both.frames) + both.sound.figures()["skipped_ticks"] - passed_s / 0.02) < 3
        assert sum(any(frame) for frame in both.frames) >= 15

    play(scene)


def test_stopped_it_sends_nothing_more():
    async def scene(both):
        both.sound.flow()
        await until(lambda: len(both.frames) > 2)
        both.sound.stop()
        both.sound.stop()
        both.sound.speak(TONE)
        count = len(both.frames)
        await asyncio.sleep(0.06)
        assert len(both.frames) == count and both.packets == []

    play(scene)


def test_a_room_end_that_falls_silent_is_told_once(monkeypatch):
    monkeypatch.setattr(sound, "SILENCE_NS", 60_000_000)

    async def scene(both):
        both.sound.flow()
        await until(lambda: both.told)
        await asyncio.sleep(0.1)
        assert len(both.told) == 1 and "sent no sound" in both.told[0]

    play(scene)


def test_a_codec_that_nobody_speaks_is_an_error():
    async def main():
        with pytest.raises(LocalError, match="MP3"):
            Both(Media("MP3", 20, 1, 2))

    run(main())

"""The scripted phone at 16 kHz: answers, declines, speaks, records, calls, vanishes; its files tell when."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from sim import APPID, FRAME, EndWitness, run, until

from tincall import wav
from tincall.errors import OperatorError
from tincall.leg import IN, OUT
from tincall.simulator.callee import ScriptedPhone
from tincall.simulator.phone import PhoneScript
from tincall.simulator.room import Order, Times
from tincall.simulator.service import Service


class Scene:
    """A service with one scripted phone, and a room end."""

    def __init__(self, service, **script):
        self.service = service
        self.rooms = service.rooms
        self.phone = ScriptedPhone(self.rooms, PhoneScript(id="o1", **script), service.clock, service.ledger)
        self.end = EndWitness()

    def ring(self, joins=True):
        room = self.rooms.make(Order(OUT, APPID, "o1", "sn", "m", "pay"))
        if joins:
            self.join(room)
        self.rooms.ring(room)
        return room

    def join(self, room):
        keys = room.keys
        self.rooms.join(room.order.appid, keys.room_id, keys.session_key, keys.server_token, "pay", self.end)

    async def over(self, room):
        await until(lambda: room.state == "over", "the end")
        return self.service.ledger.of("phone_call")[-1]


def played(scene, times=None, **script):
    async def main():
        service = Service(times=times)
        made = Scene(service, **script)
        try:
            return await scene(made)
        finally:
            made.phone.close()
            await service.stop()

    return run(main())


def test_it_answers_talks_and_hangs_up():
    async def scene(it):
        room = it.ring()
        fact = await it.over(room)
        assert it.end.statuses == [0, 1, 2, 6]
        assert fact["why"] == "hung_up_by_phone" and fact["figures"]["sent"] == len(it.end.heard) > 5
        assert all(len(frame) == 640 for frame in it.end.heard)

    played(scene, answer_after_ms=30, hangup_after_ms=200)


@pytest.mark.parametrize(
    ("outcome", "why", "statuses"), [("reject", "rejected", [0, 1, 3]), ("busy", "busy", [0, 1, 8])]
)
def test_it_declines(outcome, why, statuses):
    async def scene(it):
        room = it.ring()
        fact = await it.over(room)
        assert (room.why, it.end.statuses, fact["figures"]) == (why, statuses, {})

    played(scene, outcome=outcome, answer_after_ms=20)


@pytest.mark.parametrize("outcome", ["no_answer", "silent"])
def test_it_lets_it_ring(outcome):
    async def scene(it):
        room = it.ring()
        await it.over(room)
        assert room.why == "timeout"

    played(scene, times=Times(ring_ms=80), outcome=outcome)


def test_it_lives_one_call_after_another():
    async def scene(it):
        for _ in range(3):
            it.end = EndWitness()
            room = it.ring()
            await it.over(room)
            assert it.end.statuses[-1] == 6
        assert len(it.service.ledger.of("phone_call")) == 3

    played(scene, answer_after_ms=10, hangup_after_ms=50)


def test_a_clip_is_spoken_recorded_and_followed_by_its_end(tmp_path):
    clip = np.rint(8000 * np.sin(np.arange(4000) / 7)).astype(np.int16)
    wav.save(tmp_path / "clip.wav", clip, 16_000)

    async def scene(it):
        room = it.ring()
        while room.state != "over":
            it.rooms.hear(room, FRAME)
            await asyncio.sleep(0.02)
        return it.service.ledger.of("phone_call")[-1]["figures"], b"".join(it.end.heard)

    script = {"speak": tmp_path / "clip.wav", "speak_after_ms": 60, "hangup_after_clip_ms": 100}
    figures, heard_by_board = played(scene, answer_after_ms=0, record=tmp_path / "rec", **script)
    spoke = wav.load(figures["spoke"], 16_000)
    timeline = json.loads(Path(figures["spoke"]).with_suffix(".json").read_text())
    start = timeline["clip_at_samples"]
    assert (start, timeline["rate_hz"]) == (960, 16_000)
    assert np.array_equal(spoke[start : start + len(clip)], clip)
    assert np.array_equal(np.frombuffer(heard_by_board, "<i2")[start : start + len(clip)], clip)
    heard = wav.load(figures["heard"], 16_000).astype("<i2").tobytes()
    assert FRAME in heard
    timeline = json.loads(Path(figures["heard"]).with_suffix(".json").read_text())
    assert timeline["t0_ns"] == figures["heard_t0_ns"]


def test_it_calls_a_device_and_gives_up():
    async def scene(it):
        it.rooms.place_call = lambda order: it.rooms.make(Order(IN, APPID, "o1", "sn", "m", "pay"))
        room = it.phone.call("sn", "m", "pay", "voice")
        it.rooms.ring(room)
        await it.over(room)
        assert room.why == "cancelled"

    played(scene, cancel_after_ms=60)


def test_it_calls_a_device_and_talks():
    async def scene(it):
        it.rooms.place_call = lambda order: it.rooms.make(Order(IN, APPID, "o1", "sn", "m", "pay"))
        room = it.phone.call("sn", "m", "pay", "voice")
        it.rooms.ring(room)
        it.join(room)
        await it.over(room)
        assert it.end.statuses == [2, 5] and it.end.heard

    played(scene, hangup_after_ms=100)


def test_a_phone_that_vanishes_is_silent_for_good():
    async def main():
        service = Service(times=Times(silence_ms=100))
        phone = ScriptedPhone(
            service.rooms, PhoneScript(id="o1", answer_after_ms=0), service.clock, service.ledger, vanish_after_ms=60
        )
        room = service.rooms.make(Order(OUT, APPID, "o1", "sn", "m", "pay"))
        service.rooms.ring(room)
        end = EndWitness()
        keys = room.keys
        service.rooms.join(APPID, keys.room_id, keys.session_key, keys.server_token, "pay", end)
        await until(lambda: end.statuses[-1] == 7, "the silence")
        assert service.rooms.phones() == []
        phone.close()
        await service.stop()

    run(main())


def test_vanishing_ends_with_the_call():
    async def main():
        service = Service()
        phone = ScriptedPhone(
            service.rooms,
            PhoneScript(id="o1", answer_after_ms=0, hangup_after_ms=20),
            service.clock,
            service.ledger,
            vanish_after_ms=150,
        )
        room = service.rooms.make(Order(OUT, APPID, "o1", "sn", "m", "pay"))
        keys = room.keys
        service.rooms.join(APPID, keys.room_id, keys.session_key, keys.server_token, "pay", EndWitness())
        service.rooms.ring(room)
        await until(lambda: room.why == "hung_up_by_phone", "the end")
        await asyncio.sleep(0.2)
        assert service.rooms.phones() == ["o1"]
        phone.close()
        await service.stop()

    run(main())


def test_it_does_not_talk_when_it_cannot_record(tmp_path):
    (tmp_path / "file").write_text("")

    async def scene(it):
        room = it.ring()
        await it.over(room)
        assert room.why == "hung_up_by_phone"
        assert "cannot record" in it.service.ledger.of("phone_failed")[0]["why"]

    played(scene, answer_after_ms=0, record=tmp_path / "file" / "folder")


def test_a_broken_clip_is_told_before_any_call(tmp_path):
    (tmp_path / "clip.wav").write_bytes(b"no sound")
    with pytest.raises(OperatorError, match="not a PCM WAV"):
        played(None, speak=tmp_path / "clip.wav")

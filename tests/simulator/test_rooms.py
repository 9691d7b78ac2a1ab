"""All rooms and the phones' lines: who is rung, busy lines, late joins, bounds, and that the books are put away."""

import re

import pytest
import sim
from sim import APPID, FRAME, EndWitness, PhoneWitness

from tincall.leg import IN, OUT
from tincall.simulator import numbers
from tincall.simulator import rooms as rooms_file
from tincall.simulator.numbers import Refused, RoomError
from tincall.simulator.room import OVER, TALKING, Order, Times


def out(rooms, openid="o1"):
    return rooms.make(Order(OUT, APPID, openid, "sn", "m", "pay"))


def join(rooms, room, end=None, **other):
    keys = {"appid": APPID, "room_id": room.keys.room_id, "session_key": room.keys.session_key}
    keys |= {"server_token": room.keys.server_token, "payload": "pay"}
    end = end or EndWitness()
    rooms.join(**{**keys, **other}, end=end)
    return end


def test_a_line_answers_talks_and_hangs_up():
    rooms, _ = sim.rooms()
    phone = PhoneWitness()
    line = rooms.attach("o1", phone)
    assert not line.answer() and not line.hang_up() and line.room is None
    room = out(rooms)
    end = join(rooms, room)
    rooms.ring(room)
    assert line.room is room and line.answer()
    assert rooms.hear(room, FRAME) and phone.heard == [FRAME]
    assert line.send(FRAME) and end.heard == [FRAME]
    line.mute(True)
    assert line.send(FRAME) and end.heard[-1] == bytes(640)
    line.mute(False)
    assert line.send(FRAME) and end.heard[-1] == FRAME
    with pytest.raises(ValueError, match="640"):
        line.send(FRAME[:-2])
    assert line.hang_up() and line.room is None
    assert not line.send(FRAME)
    assert phone.told == ["rings", "talks", "hung_up_by_phone"]


def test_a_phone_that_is_switched_on_late_rings_late():
    rooms, _ = sim.rooms()
    room = out(rooms)
    rooms.ring(room)
    phone = PhoneWitness()
    line = rooms.attach("o1", phone)
    assert phone.told == ["rings"] and line.answer()


def test_the_newest_phone_of_an_openid_is_it():
    rooms, _ = sim.rooms()
    older, newer = PhoneWitness(), PhoneWitness()
    rooms.attach("o1", older)
    rooms.attach("o1", newer)
    rooms.ring(out(rooms))
    assert (older.told, newer.told) == ([], ["rings"])


def test_a_phone_that_is_switched_off_talks_no_more():
    rooms, clock = sim.rooms(Times(silence_ms=100))
    phone = PhoneWitness()
    line = rooms.attach("o1", phone)
    room = out(rooms)
    end = join(rooms, room)
    rooms.ring(room)
    line.answer()
    line.leave()
    assert rooms.phones() == [] and not line.send(FRAME)
    rooms.hear(room, FRAME)
    assert phone.heard == []
    clock.advance(100)
    rooms.tick()
    assert end.statuses[-1] == numbers.ABORTED


def test_a_second_call_to_a_user_finds_the_line_busy():
    rooms, _ = sim.rooms()
    phone = PhoneWitness()
    rooms.attach("o1", phone)
    first, second = out(rooms), out(rooms)
    rooms.ring(first)
    end = join(rooms, second)
    rooms.ring(second)
    assert end.statuses == [numbers.IDLE, numbers.CALLING, numbers.BUSY]
    assert phone.told == ["rings"] and second.why == "busy"


def test_a_user_calls_one_device_at_a_time():
    rooms, _ = sim.rooms()
    phone = PhoneWitness()
    line = rooms.attach("o1", phone)
    room = line.call("sn", "m", "pay")
    assert line.room is room and room.order.direction == IN
    with pytest.raises(Refused):
        line.call("sn", "m", "pay")
    assert line.hang_up() and room.why == "cancelled"
    assert line.call("sn", "m", "pay") is not room


def test_a_user_without_a_phone_calls_and_cancels():
    rooms, _ = sim.rooms()
    room = rooms.place("o1", "sn", "m", "pay", "voice")
    assert rooms.cancel(room.keys.room_id)
    assert not rooms.cancel(room.keys.room_id)
    assert not rooms.cancel("no-such-room")
    assert not rooms.cancel(out(rooms, "o2").keys.room_id)


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"room_id": "x"}, numbers.NOT_FOUND),
        ({"appid": "wxf830863afde621eb"}, numbers.DATA_LOSS),
        ({"session_key": "x"}, numbers.INVALID_ARGUMENT),
        ({"server_token": "x"}, numbers.INVALID_ARGUMENT),
        ({"payload": "x"}, numbers.INVALID_ARGUMENT),
    ],
)
def test_a_wrong_key_opens_nothing(wrong, number):
    rooms, _ = sim.rooms()
    room = out(rooms)
    with pytest.raises(RoomError) as caught:
        join(rooms, room, **wrong)
    assert caught.value.number == number and not room.was_joined


def test_declining_goes_by_the_server_token():
    rooms, _ = sim.rooms()
    room = rooms.place("o1", "sn", "m", "pay", "voice")
    with pytest.raises(RoomError) as caught:
        rooms.listener_hang_up("", "x", "pay", 11)
    assert caught.value.number == numbers.NOT_FOUND
    with pytest.raises(RoomError) as caught:
        rooms.listener_hang_up("wxother", room.keys.server_token, "pay", 11)
    assert caught.value.number == numbers.DATA_LOSS
    assert rooms.listener_hang_up("", room.keys.server_token, "pay", 11) is room
    assert room.why == "rejected"


def test_what_is_over_is_put_away_and_written_down():
    rooms, clock = sim.rooms(Times(ring_ms=50))
    room = out(rooms)
    rooms.ring(room)
    assert rooms.next_wake_ms() == 50
    clock.advance(50)
    rooms.tick()
    assert (rooms.live(), rooms.next_wake_ms()) == ([], None)
    assert rooms.find(room.keys.room_id) is room
    assert join(rooms, room).statuses == [numbers.TIMEOUT]
    assert rooms.facts()[0]["why"] == "timeout"


def test_rooms_are_bounded(monkeypatch):
    monkeypatch.setattr(rooms_file, "LIVE_MAX", 3)
    monkeypatch.setattr(rooms_file, "KNOWN_MAX", 4)
    rooms, _ = sim.rooms()
    made = [out(rooms, f"o{number}") for number in range(3)]
    with pytest.raises(Refused) as caught:
        out(rooms)
    assert caught.value.number == 5
    for round_number in range(4):
        for room in rooms.live():
            rooms.refuse(room)
        rooms.tick()
        out(rooms, f"p{round_number}")
    assert len(rooms.facts()) == 4
    assert rooms.find(made[0].keys.room_id) is None
    with pytest.raises(RoomError):
        rooms.listener_hang_up("", made[0].keys.server_token, "pay", 11)


def test_frames_go_where_they_are_bent():
    rooms, _ = sim.rooms()
    bent = []
    rooms.up = lambda room, pcm: bent.append(("up", pcm))
    rooms.down = lambda room, pcm: bent.append(("down", pcm))
    line = rooms.attach("o1", PhoneWitness())
    room = out(rooms)
    assert not rooms.hear(room, FRAME)
    join(rooms, room)
    rooms.ring(room)
    line.answer()
    assert room.state == TALKING
    rooms.hear(room, FRAME)
    line.send(FRAME)
    assert bent == [("up", FRAME), ("down", FRAME)]


def test_a_late_frame_disturbs_nobody():
    rooms, _ = sim.rooms()
    phone = PhoneWitness()
    line = rooms.attach("o1", phone)
    room = out(rooms)
    end = join(rooms, room)
    rooms.ring(room)
    line.answer()
    line.hang_up()
    assert room.state == OVER
    rooms_file.deliver_up(room, FRAME)
    rooms_file.deliver_down(room, FRAME)
    assert (phone.heard, end.heard) == ([], [])


def test_room_ids_and_keys_look_like_the_platforms():
    rooms, _ = sim.rooms()
    first, second = out(rooms), out(rooms)
    assert re.fullmatch(r"wxf830863afde621ebWmpfVoip\d{15}", first.keys.room_id)
    assert len(first.keys.session_key) == 100 and first.keys.server_token.endswith("=")
    assert first.keys != second.keys

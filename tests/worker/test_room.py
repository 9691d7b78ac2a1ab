"""The room pipe's bytes: what either side may say passes unchanged, nothing else passes; more in tests/fuzz."""

import json

import pytest

from callcore.errors import LocalError, MessageError
from tincall.worker import room
from tincall.worker.room import FROM_ROOM_END, FROM_WORKER, RoomReader, pack_frame, pack_message

ROOM = {"room_id": "r-1", "session_key": "k/+=", "server_token": "t==", "payload": "p", "room_type": "voice"}
OPEN = {"t": "open", "data_dir": "/tmp/x", "appid": "wx0", "model_id": "", "sn": "", "flavor": 0}
FROM_WORKERS = [
    OPEN,
    {**OPEN, "url": "http://127.0.0.1:1"},
    {"t": "join", **ROOM},
    {"t": "join", **ROOM, "appid": "wx0", "model_id": "m", "sn": "sn-1"},
    {"t": "listener_hangup", "server_token": "t", "payload": "p", "reason": 11, "sn": "sn-1", "model_id": "m"},
    {"t": "hangup", "reason": 1},
    {"t": "close"},
]
FROM_ROOM_ENDS = [
    {"t": "ready", "kind": "simulator", "version": "1"},
    {"t": "status", "number": 2},
    {"t": "failed", "step": "join", "number": -10008, "text": ""},
    {"t": "closed"},
]
# a type byte with its length, and garbage behind it
BAD_RECORDS = [b"X\x00\x00", b"P\x7f\x02", b"P\x00\x00", b"J\x01\x10", b"\x00\x00\x00", b"\xff\xff\xff"]


def test_bytes_are_as_the_architecture_page_says():
    assert pack_message({"t": "close"}, FROM_WORKER) == b'J\x0d\x00{"t":"close"}'
    assert pack_frame(b"\x01" * 640) == b"P\x80\x02" + b"\x01" * 640


@pytest.mark.parametrize("message", FROM_ROOM_ENDS)
def test_what_a_room_end_says_comes_through(message):
    assert RoomReader(FROM_ROOM_END).feed(pack_message(message, FROM_ROOM_END)) == [message]


@pytest.mark.parametrize("message", [*FROM_WORKERS, *FROM_ROOM_ENDS])
def test_nobody_says_the_others_words(message):
    wrong = FROM_ROOM_END if message in FROM_WORKERS else FROM_WORKER
    with pytest.raises(LocalError, match="does not come from"):
        pack_message(message, wrong)


@pytest.mark.parametrize(
    "message",
    [
        {**OPEN, "flavor": 3},
        {**OPEN, "appid": None},
        {**OPEN, "data_dir": ""},
        {**OPEN, "url": 8},
        {"t": "join", **ROOM, "room_type": "both"},
        {"t": "join", **ROOM, "session_key": "k" * 513},
        {"t": "join", **ROOM, "payload": ""},
        {"t": "join", **ROOM, "sn": None},
        {"t": "join"},
        {"t": "hangup", "reason": -1},
        {"t": "hangup"},
    ],
)
def test_wrong_fields_are_refused_on_both_sides(message):
    with pytest.raises(LocalError):
        pack_message(message, FROM_WORKER)
    data = json.dumps(message).encode()
    with pytest.raises(MessageError):
        RoomReader(FROM_WORKER).feed(b"J" + len(data).to_bytes(2, "little") + data)


@pytest.mark.parametrize("record", BAD_RECORDS)
def test_a_wrong_header_is_refused_before_its_payload_came(record):
    with pytest.raises(MessageError):
        RoomReader(FROM_WORKER).feed(record)


def test_a_frame_has_one_size():
    for size in (0, 639, 641):
        with pytest.raises(LocalError, match="640"):
            pack_frame(bytes(size))


def test_half_a_record_is_waited_for():
    reader = RoomReader(FROM_WORKER)
    assert reader.feed(b"P\x80") == [] and not reader.is_between_records
    assert reader.feed(b"\x02" + bytes(639)) == []
    assert reader.feed(b"\x00") == [bytes(640)] and reader.is_between_records


def test_a_room_is_checked_whole_and_keeps_only_what_it_needs():
    assert room.check_room({**ROOM, "sn": "sn-1", "hat": 1}) == {**ROOM, "sn": "sn-1"}
    with pytest.raises(MessageError, match="the room: 'join' lacks 'session_key'") as heard:
        room.check_room({name: value for name, value in ROOM.items() if name != "session_key"})
    assert "t==" not in str(heard.value)

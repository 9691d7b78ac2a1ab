"""The room pipe under any cut of its stream, and under any bytes at all."""

from hypothesis import given
from hypothesis import strategies as st

from callcore.errors import MessageError
from tincall.worker import room
from tincall.worker.room import FRAME_BYTES, FROM_ROOM_END, FROM_WORKER, RoomReader, pack_frame, pack_message

WHOSE = {"appid": "wx0", "model_id": "", "sn": "sn-1"}
PUSH = {"room_id": "r-1", "session_key": "k/+=", "server_token": "t==", "payload": "p", "room_type": "voice"}
MESSAGES = [
    {"t": "open", "data_dir": "/tmp/x", "flavor": 0, **WHOSE, "url": "http://127.0.0.1:1"},
    {"t": "join", **PUSH, **WHOSE},
    {"t": "listener_hangup", "server_token": "t", "payload": "p", "reason": 11},
    {"t": "hangup", "reason": 1},
    {"t": "close"},
]
FRAMES = [bytes([n]) * FRAME_BYTES for n in range(len(MESSAGES))]


@given(st.lists(st.integers(1, 900), max_size=12))
def test_records_come_through_any_cut_of_the_stream(cuts):
    pairs = zip(MESSAGES, FRAMES, strict=True)
    stream = b"".join(pack_message(message, FROM_WORKER) + pack_frame(frame) for message, frame in pairs)
    reader, found, at = RoomReader(FROM_WORKER), [], 0
    for size in [*cuts, len(stream)]:
        found += reader.feed(stream[at : at + size])
        at += size
    assert found[::2] == MESSAGES and found[1::2] == FRAMES
    assert reader.is_between_records


@given(st.binary(max_size=3000), st.integers(0, 4))
def test_no_bytes_do_harm(data, sound):
    reader = RoomReader(FROM_ROOM_END)
    assert reader.feed(pack_frame(FRAMES[0]) * sound) == [FRAMES[0]] * sound
    try:
        for record in reader.feed(data):
            assert isinstance(record, bytes) or record["t"] in room.MESSAGES
    except MessageError as error:
        assert len(error.detail) < 200
        return
    # what is kept for later is never more than one record
    assert len(reader._rest) < room.HEADER_BYTES + room.MAX_JSON_BYTES

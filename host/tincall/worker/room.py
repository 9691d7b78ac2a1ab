"""The room pipe: what a worker and its room end say to each other, as bytes in pipes; no process, no clock.

A record is type (1 byte), length (2 bytes, little-endian), payload. `J` is a JSON object of at most `MAX_JSON_BYTES`, held
to the tables below; `P` is one frame: 20 ms of 16 kHz, 16-bit little-endian mono PCM, always `FRAME_BYTES`. Numbers of a
status, a hang-up reason or a failure are the platform's; nobody here knows what they mean.

Order: `open` once, answered by `ready`; then at most one of `join` and `listener_hangup`; `hangup` after `join`; `close`
last, answered by `closed`, after which the room end exits with 0. The end of the pipe means `hangup` and `close`. A room end
says `failed` when a step did not work; it still waits for `close`. Frames of either side count only while the status is 2.
`appid`, `model_id` and `sn` may be empty in `open` and come with the room, since a room end is warm before the call is known;
those of the room win.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callcore.errors import LocalError, MessageError
from tincall.worker.words import Fields, Words, number, one_of, text

RATE_HZ = 16000
FRAME_MS = 20
FRAME_SAMPLES = RATE_HZ * FRAME_MS // 1000
FRAME_BYTES = 2 * FRAME_SAMPLES

HEADER_BYTES = 3
MAX_JSON_BYTES = 4096
JSON = ord("J")
FRAME = ord("P")

FROM_WORKER = "worker"
FROM_ROOM_END = "room end"

# steps that can fail
OPEN = "open"
JOIN = "join"
LISTENER_HANGUP = "listener_hangup"
HANGUP = "hangup"
# the status in which frames flow
TALKING = 2

# platforms give tokens of some hundred characters; the platform's own demo holds each in 256 bytes
MAX_TOKEN_CHARS = 512
MAX_NUMBER = 999

_token = text(MAX_TOKEN_CHARS)
_name_or_empty = text(128, least=0)
_number = number(0, MAX_NUMBER)
# whose call it is: the mini program, the kind of board, the board
WHO: Fields = {"appid": _name_or_empty, "model_id": _name_or_empty, "sn": _name_or_empty}

# what names a room to a room end, beside whose call it is
ROOM: Fields = {
    "room_id": _token,
    "session_key": _token,
    "server_token": _token,
    "payload": _token,
    "room_type": one_of("voice", "video"),
}

# name: (who says it, what it carries)
MESSAGES: dict[str, tuple[tuple[str, ...], Fields]] = {
    "open": ((FROM_WORKER,), {"data_dir": text(1024), **WHO, "flavor": number(0, 2)}),
    "join": ((FROM_WORKER,), ROOM),
    "listener_hangup": ((FROM_WORKER,), {"server_token": _token, "payload": _token, "reason": _number}),
    "hangup": ((FROM_WORKER,), {"reason": _number}),
    "close": ((FROM_WORKER,), {}),
    "ready": ((FROM_ROOM_END,), {"kind": text(32), "version": text(64)}),
    "status": ((FROM_ROOM_END,), {"number": _number}),
    "failed": (
        (FROM_ROOM_END,),
        {
            "step": one_of(OPEN, JOIN, LISTENER_HANGUP, HANGUP),
            "number": number(-99_999_999, 99_999_999),
            "text": text(256, least=0),
        },
    ),
    "closed": ((FROM_ROOM_END,), {}),
}
OPTIONAL: dict[str, Fields] = {"open": {"url": text(1024)}, "join": WHO, "listener_hangup": WHO}

_WORDS = Words("room message", MAX_JSON_BYTES, MESSAGES, OPTIONAL)


def pack_message(message: Mapping[str, Any], sender: str) -> bytes:
    """Write a message as one record.

    Args:
        message: `t` and the fields of `MESSAGES`, and of `OPTIONAL`.
        sender: `FROM_WORKER` or `FROM_ROOM_END`.

    Raises:
        LocalError: the sender may not say this, or it is too long.
    """
    return _record(JSON, _WORDS.encode(message, sender))


def pack_frame(pcm: bytes) -> bytes:
    """Write a frame as one record.

    Args:
        pcm: exactly `FRAME_BYTES`.

    Raises:
        LocalError: another length.
    """
    if len(pcm) != FRAME_BYTES:
        raise LocalError(f"a frame has {FRAME_BYTES} bytes, not {len(pcm)}")
    return _record(FRAME, pcm)


class RoomReader:
    """Takes a stream of records apart.

    Args:
        sender: who writes the stream, `FROM_WORKER` or `FROM_ROOM_END`.
    """

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._rest = b""

    def feed(self, data: bytes) -> list[dict[str, Any] | bytes]:
        """Take bytes as they come; at most one record's worth is kept for later.

        Args:
            data: what was read, of any length.

        Returns:
            The records that are complete now, in order: messages as dictionaries, frames as `FRAME_BYTES` bytes.

        Raises:
            MessageError: the stream breaks the rules; what came before is lost, and it cannot be read on.
        """
        stream = self._rest + data
        found: list[dict[str, Any] | bytes] = []
        at = 0
        while len(stream) - at >= HEADER_BYTES:
            kind, length = stream[at], int.from_bytes(stream[at + 1 : at + HEADER_BYTES], "little")
            _check_header(kind, length)
            end = at + HEADER_BYTES + length
            if len(stream) < end:
                break
            payload = stream[at + HEADER_BYTES : end]
            found.append(payload if kind == FRAME else _WORDS.decode(payload, self._sender))
            at = end
        self._rest = stream[at:]
        return found

    @property
    def is_between_records(self) -> bool:
        """Whether the stream may end here."""
        return not self._rest


def check_room(room: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a room as `join` carries them.

    Raises:
        MessageError: one is missing or wrong.
    """
    try:
        _WORDS.encode({**room, "t": JOIN}, FROM_WORKER)
    except LocalError as error:
        raise MessageError(f"the room: {error.detail}") from None
    return {name: room[name] for name in (*ROOM, *WHO) if name in room}


def _check_header(kind: int, length: int) -> None:
    if kind == FRAME and length != FRAME_BYTES:
        raise MessageError(f"a frame of {length} bytes; it has {FRAME_BYTES}")
    if kind == JSON and length > MAX_JSON_BYTES:
        raise MessageError(f"room message of {length} bytes; at most {MAX_JSON_BYTES} are allowed")
    if kind not in (FRAME, JSON):
        raise MessageError(f"no record is of type {kind:#04x}")


def _record(kind: int, payload: bytes) -> bytes:
    return bytes((kind,)) + len(payload).to_bytes(2, "little") + payload

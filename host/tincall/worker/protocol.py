"""What relay and worker say to each other: control messages in, dictionaries out, both ways, both strict.

One datagram is one message. Control: one JSON object of at most `MAX_CONTROL_BYTES`, its key `t` names the message.
Media: one RTP packet of at most `MAX_MEDIA_BYTES`, not looked into here. The table below is the whole vocabulary: a
message of another name, from the wrong side, or without a field it must carry is an error; fields that the tables do
not name are dropped, so that a later version can add some.

`room` and `status` are for phones that are met in a room of some platform: what a room is and what its numbers mean is
between the worker and whoever owns the leg. `status` comes before the word it leads to, if any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from callcore import causes
from callcore.compat import json_loads
from callcore.errors import CallError, LocalError, MessageError
from callcore.media import CODECS, PTIMES_MS
from tincall.leg import Media

VERSION = 1
# the same limit as a signalling message of the wire has: no settings of a phone and no report come near it
MAX_CONTROL_BYTES = 4096
# the largest binary message of the wire
MAX_MEDIA_BYTES = 2048

FROM_RELAY = "relay"
FROM_WORKER = "worker"
CALLEE = "callee"
CALLER = "caller"

MAX_CALL_CHARS = 64
MAX_NAME_CHARS = 256
MAX_CODECS = 16
MAX_RING_MS = 600_000
MAX_NUMBER = 999


class WorkerError(CallError):
    """A worker would not start, broke the protocol or died.

    Args:
        detail: what happened, with the command where it matters.
        cause: the hangup cause of a call that meets this error.
    """


Check = Callable[[Any], bool]


def _text(limit: int) -> Check:
    def fits(value: Any) -> bool:
        return isinstance(value, str) and 0 < len(value) <= limit and value.isprintable()

    return fits


def _number(low: int, high: int) -> Check:
    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return fits


def _one_of(*words: str) -> Check:
    return lambda value: isinstance(value, str) and value in words


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_codecs(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MAX_CODECS and all(_text(32)(name) for name in value)


def _is_media(value: Any) -> bool:
    word = _number(0, 0xFFFFFFFF)
    return (
        isinstance(value, dict)
        and _one_of(*CODECS)(value.get("codec"))
        and _number(PTIMES_MS[0], PTIMES_MS[-1])(value.get("ptime"))
        and value["ptime"] in PTIMES_MS
        and word(value.get("ssrc"))
        and word(value.get("remote_ssrc"))
    )


# name: (who may say it, what it carries)
MESSAGES: dict[str, tuple[tuple[str, ...], dict[str, Check]]] = {
    "ready": ((FROM_WORKER,), {"v": _number(1, 1), "kind": _text(64), "codecs": _is_codecs}),
    "start": (
        (FROM_RELAY,),
        {
            "call": _text(MAX_CALL_CHARS),
            "role": _one_of(CALLEE, CALLER),
            "phone": _is_object,
            "media": _is_media,
            "ring_ms": _number(1, MAX_RING_MS),
        },
    ),
    "ringing": ((FROM_RELAY, FROM_WORKER), {}),
    "answer": ((FROM_RELAY, FROM_WORKER), {"media": _is_media}),
    "release": ((FROM_RELAY, FROM_WORKER), {"cause": _number(causes.LOWEST, causes.HIGHEST)}),
    "report": ((FROM_WORKER,), {"figures": _is_object}),
    "room": ((FROM_RELAY,), {"room": _is_object}),
    "status": ((FROM_WORKER,), {"number": _number(0, MAX_NUMBER)}),
}
# what may be missing: the platform's own word for the cause
OPTIONAL: dict[str, dict[str, Check]] = {"release": {"reason": _number(0, MAX_NUMBER)}}


def encode(message: Mapping[str, Any], sender: str) -> bytes:
    """Write one control message.

    Args:
        message: `t` and the fields of `MESSAGES`.
        sender: `FROM_RELAY` or `FROM_WORKER`.

    Returns:
        At most `MAX_CONTROL_BYTES`.

    Raises:
        LocalError: the sender may not say this, or it is too long.
    """
    fault = _fault(message, sender)
    if fault:
        raise LocalError(fault)
    try:
        data = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise LocalError(f"{message['t']!r} cannot be written as JSON: {error}") from error
    if len(data) > MAX_CONTROL_BYTES:
        raise LocalError(f"{message['t']!r} has {len(data)} bytes; at most {MAX_CONTROL_BYTES} are allowed")
    return data


def decode(datagram: bytes, sender: str) -> dict[str, Any]:
    """Read one control message.

    Args:
        datagram: what came in one datagram.
        sender: who wrote it, `FROM_RELAY` or `FROM_WORKER`.

    Returns:
        `t`, exactly the fields of `MESSAGES`, and those of `OPTIONAL` that are there, checked.

    Raises:
        MessageError: anything else.
    """
    if len(datagram) > MAX_CONTROL_BYTES:
        raise MessageError(f"control message of {len(datagram)} bytes; at most {MAX_CONTROL_BYTES} are allowed")
    try:
        message = json_loads(datagram.decode())
    except (ValueError, RecursionError) as error:
        raise MessageError(f"control message is not JSON: {type(error).__name__}") from error
    if not isinstance(message, dict):
        raise MessageError("control message is not an object")
    fault = _fault(message, sender)
    if fault:
        raise MessageError(fault)
    fields = (*MESSAGES[message["t"]][1], *OPTIONAL.get(message["t"], ()))
    return {"t": message["t"], **{name: message[name] for name in fields if name in message}}


def media_fields(media: Media) -> dict[str, Any]:
    """Give a `Media` as the object that `start` and `answer` carry."""
    return {"codec": media.codec, "ptime": media.ptime, "ssrc": media.ssrc, "remote_ssrc": media.remote_ssrc}


def media_of(fields: Mapping[str, Any]) -> Media:
    """Give the `Media` of a checked message's `media` object; further fields in it are dropped."""
    return Media(fields["codec"], fields["ptime"], fields["ssrc"], fields["remote_ssrc"])


def _fault(message: Mapping[str, Any], sender: str) -> str:
    """Tell in a sentence what is wrong with a message, or give ''."""
    name = message.get("t")
    if not isinstance(name, str) or name not in MESSAGES:
        return f"no control message is called {str(name)[:32]!r}"
    senders, fields = MESSAGES[name]
    if sender not in senders:
        return f"{name!r} does not come from the {sender}"
    for field, fits in fields.items():
        if field not in message:
            return f"{name!r} lacks {field!r}"
        if not fits(message[field]):
            return f"{name!r} has a wrong {field!r}"
    for field, fits in OPTIONAL.get(name, {}).items():
        if field in message and not fits(message[field]):
            return f"{name!r} has a wrong {field!r}"
    return ""

"""What relay and worker say to each other: control messages in, dictionaries out, both ways, both strict.

One datagram is one message. Control: one JSON object of at most `MAX_CONTROL_BYTES`, its key `t` names the message.
Media: one RTP packet of at most `MAX_MEDIA_BYTES`, not looked into here. The table below is the whole vocabulary: a
message of another name, from the wrong side, or without a field it must carry is an error; fields that the tables do
not name are dropped, so that a later version can add some.

`room` and `status` are for phones that are met in a room of some platform: what a room is and what its numbers mean is
between the worker and whoever owns the leg. `status` comes before the word it leads to, if any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callcore import causes
from callcore.errors import CallError
from callcore.media import CODECS, PTIMES_MS
from tincall.leg import Media
from tincall.worker.words import Fields, Words, is_object, number, one_of, text

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


def _is_codecs(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MAX_CODECS and all(text(32)(name) for name in value)


def _is_media(value: Any) -> bool:
    word = number(0, 0xFFFFFFFF)
    return (
        isinstance(value, dict)
        and one_of(*CODECS)(value.get("codec"))
        and number(PTIMES_MS[0], PTIMES_MS[-1])(value.get("ptime"))
        and value["ptime"] in PTIMES_MS
        and word(value.get("ssrc"))
        and word(value.get("remote_ssrc"))
        and isinstance(value.get("cn", False), bool)
    )


# name: (who may say it, what it carries)
MESSAGES: dict[str, tuple[tuple[str, ...], Fields]] = {
    "ready": ((FROM_WORKER,), {"v": number(1, 1), "kind": text(64), "codecs": _is_codecs}),
    "start": (
        (FROM_RELAY,),
        {
            "call": text(MAX_CALL_CHARS),
            "role": one_of(CALLEE, CALLER),
            "phone": is_object,
            "media": _is_media,
            "ring_ms": number(1, MAX_RING_MS),
        },
    ),
    "ringing": ((FROM_RELAY, FROM_WORKER), {}),
    "answer": ((FROM_RELAY, FROM_WORKER), {"media": _is_media}),
    "release": ((FROM_RELAY, FROM_WORKER), {"cause": number(causes.LOWEST, causes.HIGHEST)}),
    "report": ((FROM_WORKER,), {"figures": is_object}),
    "room": ((FROM_RELAY,), {"room": is_object}),
    "status": ((FROM_WORKER,), {"number": number(0, MAX_NUMBER)}),
}
# what may be missing: the platform's own word for the cause
OPTIONAL: dict[str, Fields] = {"release": {"reason": number(0, MAX_NUMBER)}}


_WORDS = Words("control message", MAX_CONTROL_BYTES, MESSAGES, OPTIONAL)
encode = _WORDS.encode
decode = _WORDS.decode


def media_fields(media: Media) -> dict[str, Any]:
    """Give a `Media` as the object that `start` and `answer` carry."""
    return media.fields()


def media_of(fields: Mapping[str, Any]) -> Media:
    """Give the `Media` of a checked message's `media` object; further fields in it are dropped."""
    return Media(fields["codec"], fields["ptime"], fields["ssrc"], fields["remote_ssrc"], fields.get("cn", False))

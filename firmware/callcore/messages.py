"""Signalling messages: one table of what each carries, who may send it, and in which bounds.

A message is one JSON object of at most 4,096 bytes in one WebSocket text frame; `t` names it. B and R say who sends it:
the board, the relay. A field with `?` may be absent. Keys that the table does not know are ignored.

    t         from  carries
    hello     B     v=1, firmware text 1-32, board text 1-64, codecs [token<=16] 1-8, ptimes [20|40] 1-2,
                    features [token<=32] 0-16, ca token<=16 ?
    welcome   R     v=1, now s, heartbeat_ms 1000-60000, contacts [{id, name}] 0-32, settings {ring_ms},
                    features [token<=32] 0-16
    invite    B     call, to, media {codecs, ptimes}, ring_ms?
    invite    R     call, from {id, name}, media {codec, ptime, ssrc, remote_ssrc, cn?}, ring_ms
    ringing   B R   call
    answer    B     call, media {codec, ptime}
    answer    R     call, media {codec, ptime, ssrc, remote_ssrc, cn?}
    cancel    B R   call, cause? (ORIGINATOR_CANCEL when absent)
    reject    B R   call, cause
    bye       B R   call, cause
    ended     R     call, cause, released_by device|phone|relay, duration_ms 0 to 2^29-1
    contacts  R     contacts [{id, name}] 0-32
    stats     B     call, final bool, up {sent, dropped, silent?},
                    down {received, lost, late, concealed, jitter_ms, buffer_ms, underruns}, and those of
                    MORE_COUNTERS, each of which may be absent, rssi -127 to 0 ?
    event     B     log token<=16, n 1 to 2^30-1, lost, at s, kind token<=16, call?, cause?, duration_ms?, text<=400?
    event_ok  R     n
    ping pong B R   id 0 to 2^30-1
    error     B R   about text 0-32, reason text 0-256

call, to, id: 1 to 64 of 0-9 A-Z a-z - _. name: text 1-64. cause: 1-999. ring_ms: 100-600000. now, at: seconds since 1970,
0 to 2^40-1. ssrc: what the receiver of the message writes into its packets, remote_ssrc: what it will see there, 0 to
2^32-1. cn: whether both may send comfort noise, false when absent. Counters: 0 to 2^32-1. text: characters (code
points) without control characters (U+0000-1F, U+007F-9F).

What is not so raises `MessageError`, which leaves the link good: the receiver answers with `error` (see `refusal`) and goes
on. Bounds: a board keeps 32 contacts because more do not fit a small screen or 4,096 bytes; with long names fewer fit.
"""

from callcore import causes
from callcore.compat import MICROPYTHON, const, json_loads
from callcore.errors import LocalError, MessageError
from callcore.jsontext import scan
from callcore.shapes import Flag, Integer, Many, OneOf, Record, Text, Token, Unfit, keys_in

if not MICROPYTHON:
    from typing import Any

MAX_BYTES = const(4096)

FROM_BOARD = const(1)
FROM_RELAY = const(2)
_EITHER = const(3)

RELEASED_BY = ("device", "phone", "relay")

_ID = Token(64)
_NAME = Text(1, 64)
_CAUSE = Integer(causes.LOWEST, causes.HIGHEST)
_RING_MS = Integer(100, 600000)
_COUNT = Integer(0, 0xFFFFFFFF)
_VERSION = OneOf(1)
_CODEC = Token(16)
_CODECS = Many(_CODEC, 1, 8)
# what `stats` can tell of the way down beyond what it must: see docs/protocol.md section 9
MORE_COUNTERS = (
    "played",
    "noises",
    "quiet",
    "duplicates",
    "skipped",
    "refused",
    "foreign",
    "shortened_ms",
    "lengthened_ms",
    "delay_ms",
    "target_ms",
    "jitter_p95_ms",
)
_PTIME = OneOf(20, 40)
_PTIMES = Many(_PTIME, 1, 2)
_FEATURES = Many(Token(32), 0, 16)
_PERSON = Record((("id", _ID), ("name", _NAME)))
_CONTACTS = Many(_PERSON, 0, 32)
_CALL = ("call", _ID)
_OFFER = Record((("codecs", _CODECS), ("ptimes", _PTIMES)))
_CHOICE = Record((("codec", _CODEC), ("ptime", _PTIME)))
_AGREED = Record((("codec", _CODEC), ("ptime", _PTIME), ("ssrc", _COUNT), ("remote_ssrc", _COUNT)), (("cn", Flag()),))
_UP = Record((("sent", _COUNT), ("dropped", _COUNT)), (("silent", _COUNT),))
_DOWN = Record(
    tuple((name, _COUNT) for name in ("received", "lost", "late", "concealed", "jitter_ms", "buffer_ms", "underruns")),
    tuple((name, _COUNT) for name in MORE_COUNTERS),
)
_JUST_CALL = Record((_CALL,))
_CALL_AND_CAUSE = Record((_CALL, ("cause", _CAUSE)))
_NOW_S = Integer(0, 0xFFFFFFFFFF)
_LASTED_MS = Integer(0, 0x1FFFFFFF)
_NUMBER = ("n", Integer(1, 0x3FFFFFFF))
_EVENT = Record(
    (("log", Token(16)), _NUMBER, ("lost", _COUNT), ("at", _NOW_S), ("kind", Token(16))),
    (("call", _ID), ("cause", _CAUSE), ("duration_ms", _LASTED_MS), ("text", Text(0, 400))),
)
_BEAT = Record((("id", Integer(0, 0x3FFFFFFF)),))
_ABOUT = Text(0, 32)
_REASON_CHARS = const(256)

# name: rows of (who may send it, what it then carries)
MESSAGES = {
    "hello": (
        (
            FROM_BOARD,
            Record(
                (
                    ("v", _VERSION),
                    ("firmware", Text(1, 32)),
                    ("board", Text(1, 64)),
                    ("codecs", _CODECS),
                    ("ptimes", _PTIMES),
                    ("features", _FEATURES),
                ),
                (("ca", _CODEC),),
            ),
        ),
    ),
    "welcome": (
        (
            FROM_RELAY,
            Record(
                (
                    ("v", _VERSION),
                    ("now", _NOW_S),
                    ("heartbeat_ms", Integer(1000, 60000)),
                    ("contacts", _CONTACTS),
                    ("settings", Record((("ring_ms", _RING_MS),))),
                    ("features", _FEATURES),
                )
            ),
        ),
    ),
    "invite": (
        (FROM_BOARD, Record((_CALL, ("to", _ID), ("media", _OFFER)), (("ring_ms", _RING_MS),))),
        (FROM_RELAY, Record((_CALL, ("from", _PERSON), ("media", _AGREED), ("ring_ms", _RING_MS)))),
    ),
    "ringing": ((_EITHER, _JUST_CALL),),
    "answer": (
        (FROM_BOARD, Record((_CALL, ("media", _CHOICE)))),
        (FROM_RELAY, Record((_CALL, ("media", _AGREED)))),
    ),
    "cancel": ((_EITHER, Record((_CALL,), (("cause", _CAUSE),))),),
    "reject": ((_EITHER, _CALL_AND_CAUSE),),
    "bye": ((_EITHER, _CALL_AND_CAUSE),),
    "ended": (
        (
            FROM_RELAY,
            Record(
                (
                    _CALL,
                    ("cause", _CAUSE),
                    ("released_by", OneOf(*RELEASED_BY)),
                    ("duration_ms", _LASTED_MS),
                )
            ),
        ),
    ),
    "contacts": ((FROM_RELAY, Record((("contacts", _CONTACTS),))),),
    "stats": (
        (FROM_BOARD, Record((_CALL, ("final", Flag()), ("up", _UP), ("down", _DOWN)), (("rssi", Integer(-127, 0)),))),
    ),
    "event": ((FROM_BOARD, _EVENT),),
    "event_ok": ((FROM_RELAY, Record((_NUMBER,))),),
    "ping": ((_EITHER, _BEAT),),
    "pong": ((_EITHER, _BEAT),),
    "error": ((_EITHER, Record((("about", _ABOUT), ("reason", Text(0, _REASON_CHARS))))),),
}


def decode(data: "bytes | bytearray | memoryview", sender: int) -> "dict[str, Any]":
    """Read one message.

    Args:
        data: the whole payload of one text frame, UTF-8.
        sender: FROM_BOARD or FROM_RELAY, the end it came from.

    Returns:
        `t` and the fields of the table; keys that the table does not know are gone.

    Raises:
        MessageError: it is not a message that `sender` may send; `.kind` names the message when that could be read.
    """
    if len(data) > MAX_BYTES:
        raise MessageError("the message has %d bytes; the limit is %d" % (len(data), MAX_BYTES))
    keys = scan(data, len(data))
    if keys < 0:
        raise MessageError("the message is not JSON at byte %d" % (-1 - keys))
    try:
        content = json_loads(str(data, "utf-8"))
    except ValueError:
        # the scan has let it pass, so it can only be what the interpreter tells of keys
        content = None
        keys = -1
    if keys != keys_in(content):
        raise MessageError("the same key stands twice in one object")
    if type(content) is not dict:
        raise MessageError("the message is not a JSON object")
    kind = _kind(content)
    shape = _shape(kind, sender)
    if shape is None:
        why = "does not come from this side" if kind in MESSAGES else "is not the name of a message"
        raise MessageError("`%s` %s" % (kind, why), kind=kind)
    try:
        message = {"t": kind}
        message.update(shape.take(content, ""))
        return message
    except Unfit as unfit:
        reason = unfit.detail
    raise MessageError(reason, kind=kind)


def encode(message: "dict[str, Any]", sender: int) -> bytes:
    """Write one message of ours, always as the same bytes: `t` first, then the order of the table.

    Args:
        message: `t` and its fields, exactly those of the table.
        sender: FROM_BOARD or FROM_RELAY, the end we are.

    Returns:
        UTF-8, 1 to MAX_BYTES bytes.

    Raises:
        LocalError: a field is missing, unknown, of the wrong shape, or the whole is too long.
    """
    kind = str(message.get("t"))
    shape = _shape(kind, sender)
    if shape is None:
        raise LocalError("we may not send a message called `%s`" % kind)
    try:
        content = shape.take(message, "")
        reason = "" if keys_in(content) + 1 == keys_in(message) else "has a key that the table does not know"
    except Unfit as unfit:
        reason = unfit.detail
    if reason:
        raise LocalError("our `%s`: %s" % (kind, reason))
    data = ("{" + ",".join(['"t":"' + kind + '"'] + shape.fields(content)) + "}").encode()
    if len(data) > MAX_BYTES:
        raise LocalError("our `%s` has %d bytes; the limit is %d" % (kind, len(data), MAX_BYTES))
    return data


def refusal(error: MessageError) -> "dict[str, Any] | None":
    """Give the `error` message that answers a bad message; None for a bad `error`, lest two ends answer each other for ever."""
    if error.kind == "error":
        return None
    return {"t": "error", "about": error.kind, "reason": error.detail[:_REASON_CHARS]}


def _kind(content: "dict[str, Any]") -> str:
    """Read the name of a message, fit to be said back to its sender."""
    try:
        return str(_ABOUT.take(content.get("t"), "t"))
    except Unfit as unfit:
        reason = unfit.detail
    raise MessageError(reason)


def _shape(kind: str, sender: int) -> "Record | None":
    for senders, shape in MESSAGES.get(kind, ()):
        if senders & sender:
            return shape
    return None

"""Messages against golden bytes, and the promises that bytes alone do not show."""

import binascii
import json

from callcore.errors import LocalError, MessageError
from callcore.messages import FROM_BOARD, FROM_RELAY, MAX_BYTES, MESSAGES, decode, encode, refusal

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/messages.json") as file:
    VECTORS = json.load(file)
SENDERS = {"board": FROM_BOARD, "relay": FROM_RELAY}


def refused(data, sender):
    """Give the error with which `data` is refused."""
    try:
        message = decode(data, sender)
    except MessageError as error:
        return error
    raise AssertionError("took %r as %r" % (data, message))


def unsendable(message, sender=FROM_BOARD):
    """Give the sentence with which our own bad message is refused."""
    try:
        encode(message, sender)
    except LocalError as error:
        return error.detail
    raise AssertionError("sent %r" % message)


def test_golden_messages_both_ways():
    for case in VECTORS["valid"]:
        data = binascii.unhexlify(case["hex"])
        sender = SENDERS[case["sender"]]
        message = decode(data, sender)
        assert encode(message, sender) == data, data
        assert encode(case["message"], sender) == data, data


def test_every_message_has_golden_bytes_from_each_sender():
    seen = {(case["message"]["t"], SENDERS[case["sender"]]) for case in VECTORS["valid"]}
    for name, rows in MESSAGES.items():
        for senders, _ in rows:
            assert (name, senders) in seen or senders == 3 and {(name, 1), (name, 2)} & seen, name


def test_other_spellings_mean_the_same():
    for case in VECTORS["accepted"]:
        data = binascii.unhexlify(case["hex"])
        sender = SENDERS[case["sender"]]
        assert decode(data, sender) == decode(binascii.unhexlify(case["canonical_hex"]), sender), data


def test_malformed_messages_are_refused_by_name():
    for case in VECTORS["malformed"]:
        data = binascii.unhexlify(case["hex"])
        error = refused(data, SENDERS[case["sender"]])
        assert error.kind == case["about"], (data, error.kind, error.detail)
        assert 0 < len(error.detail) <= 256
        if error.kind != "error":
            # the answer is itself a good message
            answer = refusal(error)
            assert answer == {"t": "error", "about": error.kind, "reason": error.detail}
            assert decode(encode(answer, FROM_RELAY), FROM_RELAY) == answer


# the bounds of docs/protocol.md said once more: sender, message, path to the field, what just fits, what just does not
HELLO = {"t": "hello", "v": 1, "firmware": "f", "board": "b", "codecs": ["PCMA"], "ptimes": [20], "features": []}
WELCOME = {"t": "welcome", "v": 1, "now": 0, "heartbeat_ms": 10000, "contacts": [], "settings": {"ring_ms": 100}}
WELCOME["features"] = []
ENDED = {"t": "ended", "call": "c", "cause": 1, "released_by": "device", "duration_ms": 0}
INVITE = {"t": "invite", "call": "c", "to": "c2", "media": {"codecs": ["PCMA"], "ptimes": [20]}, "ring_ms": 100}
AGREED = {"codec": "PCMA", "ptime": 20, "ssrc": 0, "remote_ssrc": 0}
DOWN = ("received", "lost", "late", "concealed", "jitter_ms", "buffer_ms", "underruns")
STATS = {"t": "stats", "call": "c", "final": False, "up": {"sent": 0, "dropped": 0}, "down": {name: 0 for name in DOWN}}
PERSON = {"id": "c", "name": "n"}
EDGES = [
    (FROM_BOARD, HELLO, "v", (1,), (0, 2)),
    (FROM_BOARD, HELLO, "firmware", ("x" * 32,), ("", "x" * 33)),
    (FROM_BOARD, HELLO, "board", ("x", "中" * 64), ("", "x" * 65)),
    (FROM_BOARD, HELLO, "codecs", (["x" * 16], ["x"] * 8), ([], ["x" * 17], [""], ["x"] * 9)),
    (FROM_BOARD, HELLO, "ptimes", ([40], [20, 40]), ([], [60], [20, 40, 20])),
    (FROM_BOARD, HELLO, "features", ([], ["x" * 32] * 16), (["x" * 33], ["x"] * 17)),
    (FROM_RELAY, WELCOME, "now", (0, (1 << 40) - 1), (-1, 1 << 40)),
    (FROM_RELAY, WELCOME, "heartbeat_ms", (1000, 60000), (999, 60001)),
    (FROM_RELAY, WELCOME, "settings.ring_ms", (100, 600000), (99, 600001)),
    (FROM_RELAY, WELCOME, "contacts", ([], [PERSON] * 32), ([PERSON] * 33, [{"id": "c"}], [{"name": "n"}])),
    (
        FROM_RELAY,
        {"t": "contacts", "contacts": []},
        "contacts",
        ([{"id": "c", "name": "x" * 64}],),
        ([{"id": "c", "name": "x" * 65}],),
    ),
    (FROM_RELAY, ENDED, "call", ("x", "x" * 64), ("", "x" * 65)),
    (FROM_RELAY, ENDED, "cause", (1, 999), (0, 1000)),
    (FROM_RELAY, ENDED, "released_by", ("device", "phone", "relay"), ("board", "")),
    (FROM_RELAY, ENDED, "duration_ms", (0, (1 << 29) - 1), (-1, 1 << 29)),
    (FROM_BOARD, INVITE, "ring_ms", (100, 600000), (99, 600001)),
    (FROM_RELAY, {"t": "answer", "call": "c", "media": AGREED}, "media.ssrc", (0, 0xFFFFFFFF), (-1, 1 << 32)),
    (FROM_RELAY, {"t": "answer", "call": "c", "media": AGREED}, "media.remote_ssrc", (0, 0xFFFFFFFF), (-1, 1 << 32)),
    (FROM_BOARD, STATS, "up.sent", (0, 0xFFFFFFFF), (-1, 1 << 32)),
    (FROM_BOARD, STATS, "down.underruns", (0, 0xFFFFFFFF), (-1, 1 << 32)),
    (FROM_BOARD, {"t": "ping", "id": 1}, "id", (0, (1 << 30) - 1), (-1, 1 << 30)),
    (FROM_BOARD, {"t": "pong", "id": 1}, "id", (0, (1 << 30) - 1), (-1, 1 << 30)),
    (FROM_BOARD, {"t": "error", "about": "x", "reason": "x"}, "about", ("", "x" * 32), ("x" * 33,)),
    (FROM_BOARD, {"t": "error", "about": "x", "reason": "x"}, "reason", ("", "x" * 256), ("x" * 257,)),
]


def with_field(message, path, value):
    """Give a copy of `message` with the field at `path` replaced, and written by the plain JSON writer."""
    changed = json.loads(json.dumps(message))
    inner = changed
    for name in path.split(".")[:-1]:
        inner = inner[name]
    inner[path.split(".")[-1]] = value
    return changed


def test_every_bound_holds_on_its_edge():
    for sender, message, path, fits, fails in EDGES:
        for value in fits:
            changed = with_field(message, path, value)
            assert decode(json.dumps(changed).encode(), sender) == changed, (path, value)
            assert decode(encode(changed, sender), sender) == changed, (path, value)
        for value in fails:
            changed = with_field(message, path, value)
            error = refused(json.dumps(changed).encode(), sender)
            assert error.kind == message["t"] and path.split(".")[0] in error.detail, (path, value, error.detail)
            assert path.split(".")[0] in unsendable(changed, sender)


def test_views_and_bytearrays_are_read_like_bytes():
    data = b'{"t":"ping","id":7}'
    assert decode(memoryview(b"xx" + data + b"x")[2:-1], FROM_BOARD) == {"t": "ping", "id": 7}
    assert decode(bytearray(data), FROM_BOARD) == {"t": "ping", "id": 7}


def test_length_is_bounded_before_anything_is_read():
    head = b'{"t":"ping","id":7,"x":"'
    longest = head + b"x" * (MAX_BYTES - len(head) - 2) + b'"}'
    assert decode(longest, FROM_BOARD) == {"t": "ping", "id": 7}
    assert "4097 bytes" in refused(longest + b" ", FROM_BOARD).detail
    assert "bytes" in refused(b"\xff" * 100000, FROM_BOARD).detail


def test_our_own_length_is_bounded_on_its_edge():
    contacts = [{"id": "x" * 64, "name": "中" * 64}] * 14 + [{"id": "x", "name": "n"} for _ in range(3)]
    message = {"t": "contacts", "contacts": contacts}
    spare = MAX_BYTES - len(encode(message, FROM_RELAY))
    for person in contacts[14:]:
        filled = min(spare, 63)
        person["id"] = "x" * (1 + filled)
        spare -= filled
    assert spare == 0 and len(encode(message, FROM_RELAY)) == MAX_BYTES
    contacts[16]["name"] = "nn"
    assert "4097 bytes" in unsendable(message, FROM_RELAY)


def test_why_a_name_is_refused_is_said():
    assert "does not come from this side" in refused(b'{"t":"welcome"}', FROM_BOARD).detail
    assert "is not the name of a message" in refused(b'{"t":"nonsense"}', FROM_BOARD).detail
    assert refused(b'{"t":"ping","id":7', FROM_BOARD).detail == "the message is not JSON at byte 18"
    assert refused(b'{"t" "ping"}', FROM_BOARD).detail == "the message is not JSON at byte 5"
    assert "twice" in refused(b'{"t":"ping","id":7,"id":7}', FROM_BOARD).detail
    assert "object" in refused(b"[]", FROM_BOARD).detail


def test_an_error_is_never_answered_by_an_error():
    assert refusal(refused(b'{"t":"error"}', FROM_RELAY)) is None
    assert refusal(refused(b'{"t":"ended"}', FROM_RELAY))["about"] == "ended"


def test_sentences_name_the_field_and_not_its_content():
    error = refused(b'{"t":"ringing","call":"secret value"}', FROM_BOARD)
    assert "`call`" in error.detail
    assert "secret" not in error.detail


def test_encoding_minds_sender_shape_and_keys():
    assert "may not send" in unsendable({"t": "welcome"})
    assert "may not send" in unsendable({"t": "nonsense"})
    assert "may not send" in unsendable({})
    assert "`id` is missing" in unsendable({"t": "ping"})
    assert "`cause`" in unsendable({"t": "bye", "call": "c1", "cause": True})
    assert "table does not know" in unsendable({"t": "ping", "id": 7, "extra": 1})
    offer = {"codecs": ["PCMA"], "ptimes": [20], "extra": 1}
    assert "table does not know" in unsendable({"t": "invite", "call": "c1", "to": "c2", "media": offer})


def test_contacts_that_do_not_fit_are_our_error():
    contacts = [{"id": "x" * 64, "name": "中" * 64}] * 32
    assert "4096" in unsendable({"t": "contacts", "contacts": contacts}, FROM_RELAY)
    short = [{"id": "contact-%d" % k, "name": "中" * 20} for k in range(32)]
    assert len(encode({"t": "contacts", "contacts": short}, FROM_RELAY)) <= MAX_BYTES


def test_encoding_does_not_depend_on_the_order_of_keys():
    a = {"t": "bye", "call": "c1", "cause": 16}
    b = {"cause": 16, "call": "c1", "t": "bye"}
    assert encode(a, FROM_BOARD) == encode(b, FROM_BOARD) == b'{"t":"bye","call":"c1","cause":16}'

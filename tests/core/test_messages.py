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

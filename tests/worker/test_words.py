"""Tables of messages: what fits passes as it is, nothing else does, and no value ever gets into a sentence."""

import json

import pytest

from callcore.errors import LocalError, MessageError
from tincall.worker.words import Words, is_object, number, one_of, text

WORDS = Words(
    "letter",
    200,
    {"greet": (("ann",), {"name": text(5), "age": number(1, 120)}), "part": (("ann", "bob"), {"how": one_of("well")})},
    {"greet": {"note": text(10, least=0)}},
)
GREET = {"t": "greet", "name": "Bob", "age": 7}


def test_what_fits_comes_through_and_the_rest_is_dropped():
    for message in (GREET, {**GREET, "note": ""}):
        assert WORDS.decode(WORDS.encode(message, "ann"), "ann") == message
    assert WORDS.decode(json.dumps({**GREET, "hat": 1}).encode(), "ann") == GREET


@pytest.mark.parametrize(
    ("message", "sender", "sentence"),
    [
        ({}, "ann", "no letter is called 'None'"),
        ({"t": {}}, "ann", "no letter is called"),
        (GREET, "bob", "'greet' does not come from the bob"),
        ({"t": "greet", "name": "Bob"}, "ann", "'greet' lacks 'age'"),
        ({**GREET, "age": True}, "ann", "wrong 'age'"),
        ({**GREET, "age": 121}, "ann", "wrong 'age'"),
        ({**GREET, "name": ""}, "ann", "wrong 'name'"),
        ({**GREET, "name": "secret"}, "ann", "wrong 'name'"),
        ({**GREET, "name": "a\u0000"}, "ann", "wrong 'name'"),
        ({**GREET, "note": 3}, "ann", "wrong 'note'"),
        ({"t": "part", "how": ["well"]}, "bob", "wrong 'how'"),
    ],
)
def test_what_does_not_fit_is_named_but_not_shown(message, sender, sentence):
    with pytest.raises(MessageError, match=sentence) as heard:
        WORDS.decode(json.dumps(message).encode(), sender)
    with pytest.raises(LocalError, match=sentence):
        WORDS.encode(message, sender)
    assert "secret" not in str(heard.value)


def test_what_is_no_message_leaves_nothing_of_itself_in_the_error():
    with pytest.raises(MessageError, match="letter is not JSON") as heard:
        WORDS.decode(b'{"t":"greet","name":"secret', "ann")
    assert heard.value.__cause__ is None and heard.value.__suppress_context__
    with pytest.raises(MessageError, match="not an object"):
        WORDS.decode(b"[]", "ann")


def test_what_is_too_long_is_refused_on_both_sides():
    with pytest.raises(MessageError, match="at most 200"):
        WORDS.decode(b" " * 201, "ann")
    with pytest.raises(LocalError, match="at most 200"):
        WORDS.encode({**GREET, "hat": "x" * 200}, "ann")


def test_any_object_is_an_object():
    assert is_object({}) and not is_object([]) and not is_object(None)

"""Any bytes and any JSON into the readers of a verification: taken, or the named error, and nothing else."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from callcore import claim, evidence, handover, verify
from callcore.errors import AttestError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
READERS = (
    (verify.parse_begin, {"bad_request", "version_unsupported", "too_large"}),
    (verify.parse_finish, {"bad_request", "version_unsupported", "too_large"}),
    (evidence.parse_challenge, {"bad_answer"}),
    (evidence.parse_grant, {"bad_answer"}),
    (handover.parse, {"bad_request", "version_unsupported", "too_large"}),
)
GOOD: tuple[dict[str, Any], ...] = (
    evidence.Begin("SN-0001", "model-x", 1, b"\x01", b"d" * 16, "0.1.0").to_json(),
    {"v": 1, "sid": "S1", "ctr": 7, "cb": evidence.base64(bytes(32)), "proof": evidence.base64(b"p" * 32)},
    verify.challenge("S1", b"n" * 32, 30),
    {"body": "{}", "sproof": evidence.base64(b"s" * 32)},
    claim.request(b"s" * 16, evidence.Begin("SN-1", "m", 1, b"\x01", b"d" * 16, "0.1.0"), "C1", bytes(32))[1],
)


def taken(number: int, data: object) -> bool:
    reader, reasons = READERS[number]
    try:
        reader(data)
    except AttestError as error:
        assert error.reason in reasons
        return False
    return True


@given(st.integers(0, 4), st.binary(max_size=1100))
def test_any_bytes(number: int, data: bytes) -> None:
    assert not taken(number, data)


@given(st.integers(0, 4), JSON)
def test_any_json(number: int, value: object) -> None:
    taken(number, json.dumps(value).encode())
    taken(number, value)


@given(st.integers(0, 4), st.data())
def test_a_good_object_with_one_field_replaced(number: int, data: st.DataObject) -> None:
    good = GOOD[number]
    assert taken(number, json.dumps(good).encode())
    key = data.draw(st.sampled_from(sorted(good)))
    changed = {**good, key: data.draw(JSON)}
    # bytes and object are held to the same rules
    assert taken(number, json.dumps(changed).encode()) == taken(number, json.loads(json.dumps(changed)))


@given(st.integers(0, 4), st.data())
def test_a_good_text_with_a_byte_changed(number: int, data: st.DataObject) -> None:
    text = bytearray(json.dumps(GOOD[number]).encode())
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    taken(number, bytes(text))


@given(st.text(max_size=200))
def test_any_body_of_a_grant(body: str) -> None:
    try:
        evidence.parse_grant_body(body)
    except AttestError as error:
        assert error.reason == "bad_answer"
    else:
        raise AssertionError("a grant came out of nothing")

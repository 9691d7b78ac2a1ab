"""Whatever bytes arrive at the push callback: an authentic event is opened, everything else is refused with 4xx."""

import json

from hypothesis import example, given
from hypothesis import strategies as st
from support.envelopes import EVENT, EVENT_TEXT, KEYS, as_json, as_xml, encrypted, event_xml, query, sealed, signed

from tincall.wechat.pushes import PushRefused, check_url, open_push

TEXT = sealed(EVENT_TEXT.encode())
NAMES = ["signature", "timestamp", "nonce", "encrypt_type", "msg_signature", "echostr", "openid"]
QUERIES = st.dictionaries(st.sampled_from(NAMES), st.text(max_size=300)) | st.just(query(TEXT))
TYPES = st.sampled_from(["application/json", "text/xml", "", "multipart/form-data"]) | st.text(max_size=40)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def outcome(given_query, body, content_type):
    """Give the event, or None for a refusal; anything else that is raised fails the test."""
    try:
        found = open_push(given_query, body, content_type, KEYS)
    except PushRefused as refusal:
        assert 400 <= refusal.status < 500
        return None
    assert isinstance(found, dict)
    return found


@given(QUERIES, st.binary(max_size=2000), TYPES)
@example(query(TEXT), b"<" * 2000, "")
@example(query(TEXT), b"[" * 60_000, "")
@example(query(TEXT), b'{"Encrypt":' * 5_000, "")
def test_any_bytes_are_refused(given_query, body, content_type):
    assert outcome(given_query, body, content_type) is None


@given(st.sampled_from([as_json(TEXT), as_xml(TEXT)]), st.data())
def test_a_push_with_a_changed_body_has_no_effect(body, data):
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    # what stands around the ciphertext may differ; the event may not
    assert outcome(query(TEXT), bytes(changed), "") in (None, EVENT)


@given(st.data())
def test_a_push_with_a_changed_query_has_no_effect(data):
    name = data.draw(st.sampled_from(["timestamp", "nonce", "msg_signature"]))
    value = data.draw(st.text(max_size=60).filter(lambda text: text != query(TEXT)[name]))
    assert outcome(query(TEXT) | {name: value}, as_json(TEXT), "") is None


@given(
    st.binary(max_size=700)
    | st.builds(encrypted, st.integers(0, 20).flatmap(lambda n: st.binary(min_size=n * 16, max_size=n * 16)))
)
def test_what_is_signed_but_was_not_sealed_for_us_is_refused(sealed_by_others):
    text = sealed_by_others if isinstance(sealed_by_others, str) else sealed_by_others.decode("latin-1")
    timestamp, nonce = "1760000001", "1"
    given_query = {"timestamp": timestamp, "nonce": nonce, "encrypt_type": "aes"}
    given_query["msg_signature"] = signed(KEYS.token, timestamp, nonce, text)
    assert outcome(given_query, as_json(text), "") is None


@given(JSON_VALUES)
def test_any_sealed_json_is_an_event_or_refused(value):
    text = sealed(json.dumps(value).encode())
    found = outcome(query(text), as_json(text), "")
    assert found is None or isinstance(value, dict)


@given(
    st.dictionaries(
        st.text("abcXYZ", min_size=1, max_size=8),
        st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"])),
    )
)
def test_any_sealed_xml_is_read_as_it_was_written(fields):
    fields = {name: value.replace("]]>", "") for name, value in fields.items()}
    text = sealed(event_xml(fields))
    assert outcome(query(text), as_xml(text), "") == fields


@given(st.binary(max_size=600))
def test_any_sealed_bytes_are_an_event_or_refused(message):
    text = sealed(message)
    outcome(query(text), as_json(text), "")


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=300)))
def test_any_url_check_is_refused(given_query):
    try:
        check_url(given_query, KEYS.token)
    except PushRefused as refusal:
        assert 400 <= refusal.status < 500
    else:
        raise AssertionError("taken")
